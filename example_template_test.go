package crm_test

import (
	"fmt"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// A template is written in one or more languages; a customer gets the one
// nearest to her own. Amounts and days are written as her readers are used to.
func ExampleTemplate() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(crm.Template{
		ID: "thanks", Class: crm.Service,
		Locales: map[string]crm.Words{
			"ja": {
				Subject: "ご注文ありがとうございます",
				Text:    "{{.Name}}\n{{range .Order.Lines}}{{.Title}} {{money .Total}}\n{{end}}{{date .Order.PlacedAt}}\n",
			},
			"en": {
				Subject: "Thank you for your order",
				Text:    "Hi {{.Name}},\n{{range .Order.Lines}}{{.Title}} {{money .Total}}\n{{end}}{{date .Order.PlacedAt}}\n",
			},
		},
	})
	s.Publish(crm.Journey{
		ID: "thanks", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder,
		Steps: crm.Steps{crm.Send{Template: "thanks"}},
	})

	order := func(customer, email, locale string) {
		s.Record(
			crm.Fact{Customer: customer, Email: email, Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
				FamilyName: new("山田"), GivenName: new("Hanako"), Locale: &locale,
			}}},
			crm.Fact{Customer: customer, Body: crm.OrderSaved{Order: crm.Order{ID: "order-" + customer, Lines: []crm.LineItem{tea}}}},
		)
		s.Advance(0)
	}
	order("c1", "hanako@example.jp", "ja")
	order("c2", "hannah@example.com", "en-GB")
	for _, mail := range s.Mails() {
		fmt.Println(mail.Subject)
		fmt.Println(mail.Text)
	}
	// Output:
	// ご注文ありがとうございます
	// 山田 Hanako 様
	// Sencha 2,400円
	// 4月1日(水)
	//
	// Thank you for your order
	// Hi Hanako,
	// Sencha ¥2,400
	// Wednesday, 1 April
}
