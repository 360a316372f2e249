package crm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// A customer asks to be forgotten. The receipt names what was withheld, and
// holds no personal data, so it can be filed.
func ExampleShop_Erase() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	s.Record(crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "checkout", Form: "2026-04"}}})
	buys(s, "c1", 2, tea)

	receipt, err := s.Shop.Erase(ctx, crm.PrivacyRequest{ID: "2026-17", Customer: "c1"})
	check(err)
	fmt.Println("done:", receipt.Done, "- kept as evidence:", receipt.Facts, "fact")
	_, err = s.Shop.Customer(ctx, "c1")
	fmt.Println("erased:", errors.Is(err, crm.ErrErased))
	for fact, err := range s.Shop.Evidence(ctx, "c1") {
		check(err)
		fmt.Println("evidence: form", fact.Body.(crm.ConsentChanged).Form)
	}
	// Output:
	// done: true - kept as evidence: 1 fact
	// erased: true
	// evidence: form 2026-04
}

// A customer asks that her data be used no longer: order mails go on, and
// nothing else.
func ExampleShop_StopUse() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(crm.Template{ID: "care", Class: crm.Service, Locales: map[string]crm.Words{"ja": {Subject: "お茶のいれ方", Text: "{{.Name}}"}}})
	s.Publish(crm.Journey{ID: "care", Trigger: crm.OnFact{Fact: crm.FactOrderCounted}, Steps: crm.Steps{crm.Send{Template: "care"}}})
	s.Record(crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.CustomerSaved{}})

	_, err := s.Shop.StopUse(context.Background(), crm.PrivacyRequest{ID: "2026-18", Customer: "c1"})
	check(err)
	buys(s, "c1", 1, tea)
	for message, err := range s.Shop.Messages(context.Background(), crm.MessageQuery{Customer: "c1"}) {
		check(err)
		fmt.Println(message.Template, message.State, message.Reason)
	}
	// Output: care skipped use_stopped
}

// A customer asks what the shop knows.
func ExampleShop_Disclose() {
	s := crmtest.New(crmtest.Program{}, nil)
	buys(s, "c1", 2, tea)
	all, err := s.Shop.Disclose(context.Background(), crm.PrivacyRequest{ID: "2026-19", Customer: "c1"})
	check(err)
	fmt.Println(all.Customer.Purchases.Count, "purchases,", len(all.Facts), "facts,", len(all.Messages), "messages")
	// Output: 2 purchases, 2 facts, 0 messages
}
