package crm_test

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// english makes a template of one language.
func english(id string, class crm.Class, subject, text string) crm.Template {
	return crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{"en": {Subject: subject, Text: text}}}
}

// A cart mail half an hour after the last change, and another a day later if
// nothing was bought by then. That she bought, or emptied the cart, ends the
// journey without a word about it; a change begins it anew.
func ExampleCartAbandoned() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(
		english("cart-reminder", crm.Marketing, "Did you forget something?", `Hi {{.Name}},
{{range .Cart.Items}}{{.Quantity}} × {{.Title}}, {{money .Total}}
{{end}}{{.Cart.RecoveryURL}}
{{template "legal" .}}`),
		english("cart-doubts", crm.Marketing, "Any questions?", `{{template "legal" .}}`),
	)
	s.Publish(crm.Journey{
		ID:      "cart-recovery",
		Trigger: crm.CartAbandoned{After: 30 * time.Minute},
		Steps: crm.Steps{
			crm.Send{Template: "cart-reminder", MaxLateness: 2 * time.Hour},
			crm.Wait{ID: "a-day", Days: 1},
			crm.Send{Template: "cart-doubts", MaxLateness: 12 * time.Hour},
		},
	})

	s.Record(
		crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}},
		crm.Fact{Customer: "c1", Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{GivenName: new("Hanako")}}},
		crm.Fact{Customer: "c1", Body: crm.CartUpdated{Cart: crm.Cart{
			ID: "k1", Items: []crm.LineItem{tea}, RecoveryURL: "https://tea.example/cart/k1",
		}}},
	)
	s.Advance(time.Hour)
	fmt.Println(s.Mails()[0].Subject)
	fmt.Println(s.Mails()[0].Text)

	s.Record(crm.Fact{Customer: "c1", Body: crm.OrderSaved{Order: crm.Order{ID: "1001", Cart: "k1", Lines: []crm.LineItem{tea}}}})
	s.Advance(48 * time.Hour)
	fmt.Println(len(s.Mails()), "mail")
	// Output:
	// Did you forget something?
	// Hi Hanako,
	// 2 × Sencha, ¥2,400
	// https://tea.example/cart/k1
	// --
	// 和茶屋株式会社
	// 東京都千代田区1-1
	// Contact: help@tea.example
	// Unsubscribe: https://tea.example/optout?c=c1
	//
	// 1 mail
}
