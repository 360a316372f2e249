package main

import (
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// An audit checks the mails that were sent against the facts alone, without
// goen's rules: was anybody sent marketing without having said yes, or a cart
// mail after she had bought?
type audit struct {
	answers map[string][]crm.Fact  // consents by address, in order of time
	orders  map[string][]time.Time // by address
	carts   map[string][]time.Time // changes by cart
}

func newAudit(facts []crm.Fact) *audit {
	a := &audit{
		answers: make(map[string][]crm.Fact), orders: make(map[string][]time.Time), carts: make(map[string][]time.Time),
	}
	for _, f := range facts {
		switch body := f.Body.(type) {
		case crm.ConsentChanged:
			a.answers[f.Email] = append(a.answers[f.Email], f)
		case crm.OrderSaved:
			a.orders[f.Email] = append(a.orders[f.Email], f.Time)
		case crm.CartUpdated:
			a.carts[body.Cart.ID] = append(a.carts[body.Cart.ID], f.Time)
		}
	}
	return a
}

// unasked reports whether m is marketing that its reader had not agreed to when
// it was sent.
func (a *audit) unasked(m crm.Message) bool {
	granted := false
	for _, f := range a.answers[m.To] {
		if !f.Time.After(m.SettledAt) {
			granted = f.Body.(crm.ConsentChanged).Granted
		}
	}
	return m.Class == crm.Marketing && !granted
}

// bought reports whether m is a mail about a cart whose owner had ordered
// between its last change and the sending.
func (a *audit) bought(m crm.Message) bool {
	id, about := strings.CutPrefix(m.CartKey, "cart:")
	if !about {
		return false
	}
	var changed time.Time
	for _, at := range a.carts[id] {
		if at.Before(m.SendAt) {
			changed = at
		}
	}
	for _, at := range a.orders[m.To] {
		if !at.Before(changed) && !at.After(m.SettledAt) {
			return true
		}
	}
	return false
}
