package simulate

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

const shopID = "shop"

// begin is when the shop opens: all plans are made of times after it.
var begin = time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)

// month is a lateness that no mail of a simulation reaches.
const month = 30 * 24 * time.Hour

// A variant is a journey as it may be published, and what the oracle must know
// of it.
type variant struct {
	name    string
	journey crm.Journey
	// ends are the facts that end a run, beside an order for carts.
	ends []crm.FactType
	// idle and again are when a cart's mails are due after its last change.
	idle, again time.Duration
}

var (
	stopped = crm.On(crm.FactCustom, crm.Where("event.name", crm.Equal, "stop"))
	visited = crm.Where("event.name", crm.Equal, "visit")
	bought  = crm.On(crm.FactOrderPlaced)
	undone  = []crm.Rule{crm.On(crm.FactOrderCancelled), crm.On(crm.FactOrderRefunded)}
	receipt = crm.Send{Template: "receipt", MaxLateness: month}
	care    = crm.Send{Template: "care", MaxLateness: month}
	news    = crm.Send{Template: "news", MaxLateness: month}
	first   = crm.Send{Template: "cart-1", MaxLateness: month}
	second  = crm.Send{Template: "cart-2", MaxLateness: 2 * time.Hour}
)

// variants are all journeys, by id: a plan takes one of each it has.
var variants = map[string][]variant{
	"receipt": {
		{name: "receipt alone", journey: crm.Journey{Steps: crm.Steps{receipt}}},
		{
			name:    "receipt and care",
			journey: crm.Journey{Exit: undone, Steps: crm.Steps{receipt, crm.Wait{ID: "w", For: 2 * time.Hour}, care}},
			ends:    []crm.FactType{crm.FactOrderCancelled, crm.FactOrderRefunded},
		},
		{
			name: "receipt and care for regulars",
			journey: crm.Journey{Exit: undone, Steps: crm.Steps{receipt, crm.Wait{ID: "w", Days: 1}, crm.Branch{
				ID: "regular", Cases: []crm.Case{{If: crm.OrdersAtLeast(2), Then: crm.Steps{care}}},
			}}},
			ends: []crm.FactType{crm.FactOrderCancelled, crm.FactOrderRefunded},
		},
	},
	"cart": {
		{
			name: "two reminders",
			journey: crm.Journey{Trigger: crm.CartAbandoned{After: 30 * time.Minute}, Exit: []crm.Rule{bought},
				Steps: crm.Steps{first, crm.Wait{ID: "w", For: 24 * time.Hour}, second}},
			idle: 30 * time.Minute, again: 24 * time.Hour,
		},
		{
			name: "two reminders, and no exit rule",
			journey: crm.Journey{Trigger: crm.CartAbandoned{After: time.Hour},
				Steps: crm.Steps{first, crm.Wait{ID: "w", Days: 1}, crm.Branch{
					ID: "who", Cases: []crm.Case{{If: crm.Where("guest", crm.Equal, true)}}, Else: crm.Steps{second},
				}}},
			idle: time.Hour, again: 24 * time.Hour,
		},
	},
	"visit": {
		{
			name: "news after a visit",
			journey: crm.Journey{Trigger: crm.OnFact{Fact: crm.FactCustom}, If: visited, Exit: []crm.Rule{stopped},
				Steps: crm.Steps{crm.Wait{ID: "w", For: time.Hour}, news}},
			ends: []crm.FactType{crm.FactCustom},
		},
		{
			name: "news after a visit without an order",
			journey: crm.Journey{Trigger: crm.OnFact{Fact: crm.FactCustom}, If: visited, Exit: []crm.Rule{stopped, bought},
				Cooldown: 24 * time.Hour, Steps: crm.Steps{crm.Wait{ID: "w", For: 3 * time.Hour}, crm.Branch{
					ID: "guest", Cases: []crm.Case{{If: crm.Where("guest", crm.Equal, true), Then: crm.Steps{crm.Wait{ID: "w2", For: time.Hour}}}},
				}, news}},
			ends: []crm.FactType{crm.FactCustom, crm.FactOrderSaved},
		},
	},
}

func init() {
	for id, list := range variants {
		for i := range list {
			list[i].journey.ID = id
			if id == "receipt" {
				list[i].journey.Trigger, list[i].journey.Per = crm.OnFact{Fact: crm.FactOrderPlaced}, crm.PerOrder
			}
		}
	}
}

// templates are published in every simulation; their subjects tell the sink
// what a mail is about.
func templates(edition int) []crm.Template {
	var list []crm.Template
	for _, t := range []struct {
		id, subject string
		class       crm.Class
	}{
		{"receipt", "receipt {{.Order.ID}}", crm.Transactional}, {"care", "care {{.Order.ID}}", crm.Service},
		{"news", "news", crm.Marketing}, {"cart-1", "cart-1 {{.Cart.ID}}", crm.Marketing}, {"cart-2", "cart-2 {{.Cart.ID}}", crm.Marketing},
	} {
		text := fmt.Sprintf("edition %d", edition)
		if t.class == crm.Marketing {
			text += "\n{{template \"legal\" .}}"
		}
		list = append(list, crm.Template{ID: t.id, Class: t.class, Locales: map[string]crm.Words{"ja": {Subject: t.subject, Text: text}}})
	}
	return list
}

func settings() crm.Settings {
	return crm.Settings{
		Name: "茶", TimeZone: "UTC", From: mailer.Address{Email: "shop@tea.example"},
		Legal: crm.Legal{Name: "茶", Address: "東京", Contact: "help@tea.example", OptOut: "https://tea.example/o?c={customer}"},
	}
}

// library are the definitions that plans begin with, as goen publishes them:
// made once, since most of a short simulation would be spent on it.
var library = sync.OnceValues(func() (map[string]crm.Definition, error) {
	ctx := context.Background()
	byName := make(map[string]crm.Definition)
	store := memory.New()
	c, err := crm.New(store, mailer.Func(nil), &crm.Config{Clock: func() time.Time { return begin }})
	if err != nil {
		return nil, err
	}
	shop := c.Shop(shopID)
	if err := shop.Configure(ctx, settings()); err != nil {
		return nil, err
	}
	for _, t := range templates(1) {
		if _, err := shop.PublishTemplate(ctx, t); err != nil {
			return nil, err
		}
	}
	list, _, err := store.Definitions(ctx, shopID)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		byName[d.Kind+" "+d.ID] = d
	}
	for _, versions := range variants {
		for _, v := range versions {
			if _, err := shop.Publish(ctx, v.journey); err != nil {
				return nil, err
			}
			list, _, err := store.Definitions(ctx, shopID)
			if err != nil {
				return nil, err
			}
			newest := slices.IndexFunc(list, func(d crm.Definition) bool {
				return d.Kind == "journey" && d.ID == v.journey.ID && !slices.ContainsFunc(list, func(o crm.Definition) bool {
					return o.Kind == d.Kind && o.ID == d.ID && o.Version > d.Version
				})
			})
			byName[v.name] = list[newest]
		}
	}
	return byName, nil
})
