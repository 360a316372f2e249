package main

import (
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

func TestAudit(t *testing.T) {
	const email = "hanako@post.example"
	at := func(minute int) time.Time { return time.Date(2011, 3, 1, 10, minute, 0, 0, time.UTC) }
	a := newAudit([]crm.Fact{
		{Time: at(0), Email: email, Body: crm.CartUpdated{Cart: crm.Cart{ID: "k"}}},
		{Time: at(5), Email: email, Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true}}},
		{Time: at(40), Email: email, Body: crm.OrderSaved{Order: crm.Order{ID: "o"}}},
		{Time: at(50), Email: email, Body: crm.ConsentChanged{Consent: crm.Consent{Granted: false}}},
	})
	for _, test := range []struct {
		sent            int
		unasked, bought bool
	}{{3, true, false}, {35, false, false}, {40, false, true}, {45, false, true}, {55, true, true}} {
		m := crm.Message{Class: crm.Marketing, To: email, CartKey: "cart:k", SendAt: at(2), SettledAt: at(test.sent)}
		if got := a.unasked(m); got != test.unasked {
			t.Errorf("sent at 10:%02d: unasked %t, want %t", test.sent, got, test.unasked)
		}
		if got := a.bought(m); got != test.bought {
			t.Errorf("sent at 10:%02d: bought %t, want %t", test.sent, got, test.bought)
		}
	}
}
