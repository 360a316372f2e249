// Package crmtest lets a shop's own journeys be tested in milliseconds: a
// [Scenario] is a shop with a virtual clock and a mailer that records.
//
//	s := crmtest.New(t, nil)
//	s.Template(reminder)
//	s.Publish(cartRecovery)
//	s.Record(crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.CartUpdated{Cart: cart}})
//	s.Advance(31 * time.Minute)
//	if n := len(s.Mails()); n != 1 {
//		t.Fatalf("%d mails, want 1\n%s", n, s.Explain("c1"))
//	}
package crmtest
