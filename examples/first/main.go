// Command first is goen in one page: thanks for a first order, a minute after it.
package main

import (
	"context"
	"log"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/storage/sqlite"
)

func main() {
	ctx := context.Background()
	c := must(crm.New(must(sqlite.Open(ctx, "shop.db")), must(smtp.New("localhost:1025", nil)), nil))
	shop := c.Shop("tokyo-tea")
	must(0, shop.Configure(ctx, crm.Settings{Name: "和茶屋", From: mailer.Address{Email: "shop@tea.example"}}))
	must(shop.PublishTemplate(ctx, crm.Template{ID: "thanks", Class: crm.Service, Locales: map[string]crm.Words{
		"ja": {Subject: "ご注文ありがとうございます", Text: "{{.Name}}\n{{range .Order.Lines}}{{.Title}} {{money .Total}}\n{{end}}"},
	}}))
	must(shop.Publish(ctx, crm.Journey{
		ID: "first-order", Trigger: crm.OnFact{Fact: crm.FactOrderCounted}, If: crm.OrdersEqual(1),
		Steps: crm.Steps{crm.Wait{ID: "a-minute", For: time.Minute}, crm.Send{Template: "thanks"}},
		Exit:  []crm.Rule{crm.On(crm.FactOrderCancelled)},
	}))
	now, id := time.Now(), time.Now().Format("150405") // in the cart, as it takes an order:
	must(0, shop.Record(ctx, crm.Fact{ID: "order-" + id, Time: now, Customer: "c" + id, Email: "hanako@example.jp",
		Body: crm.OrderSaved{Order: crm.Order{ID: id, Lines: []crm.LineItem{{Product: "sencha", Title: "煎茶", Quantity: 2, Price: crm.Yen(1200)}}}}}))
	log.Print("an order is recorded; thanks for it go out in a minute")
	must(0, c.Run(ctx)) // the worker; it may be killed at any time
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
