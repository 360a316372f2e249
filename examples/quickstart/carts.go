package main

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/examples/quickstart/history"
)

// The data set has no carts. These are made up: three of four orders were in a
// cart before, and some carts are never bought.

// cartID is the id of the cart that became an order.
func cartID(o history.Order) string { return "cart-" + o.ID }

// carts tells a customer's carts.
func (t *teller) carts(p person, c history.Customer) {
	var before time.Time
	for _, o := range c.Orders {
		if hesitation := hesitates(o.ID); hesitation > 0 && o.Time.Add(-hesitation).After(before) {
			t.cart(p, cartID(o), o.Time.Add(-hesitation), t.order(o).Lines)
		}
		before = o.Time
	}
	for i := range chance(3, p.id, "abandoned") {
		t.abandoned(p, c, i)
	}
}

// hesitates is how long a cart lies before it is bought; 0 stands for an order
// of which no cart was seen, as on the phone.
func hesitates(order string) time.Duration {
	switch n := chance(100, order, "hesitates"); {
	case n < 25:
		return 0
	case n < 60: // bought at once
		return between(3*time.Minute, 20*time.Minute, order, "minutes")
	case n < 82: // the cart goes idle, and is bought a little later
		return between(32*time.Minute, 75*time.Minute, order, "minutes")
	default: // bought some days later, after a mail or two
		return between(3*time.Hour, 80*time.Hour, order, "minutes")
	}
}

// cart tells how a cart was filled: the first article, then the others.
func (t *teller) cart(p person, id string, at time.Time, lines []crm.LineItem) {
	lines = lines[:min(len(lines), 5)]
	cart := crm.Cart{ID: id, RecoveryURL: shopURL + "/cart/" + id, Items: lines[:1]}
	t.tell(p, at.Add(-4*time.Minute), fmt.Sprintf("%s-%d", id, at.Unix()-240), crm.CartUpdated{Cart: cart})
	if len(lines) > 1 {
		cart.Items = lines
		t.tell(p, at, fmt.Sprintf("%s-%d", id, at.Unix()), crm.CartUpdated{Cart: cart})
	}
}

// abandoned tells a cart that nobody bought: goods of one of the customer's
// orders, put into a cart on some day after the first one.
func (t *teller) abandoned(p person, c history.Customer, n int) {
	id := fmt.Sprintf("cart-%s-%d", p.id, n+1)
	first := c.Orders[0].Time
	days := int(t.until.Sub(first)/(24*time.Hour)) - 1
	if days < 1 {
		return
	}
	at := workday(first, 1+chance(days, id, "day")).Add(between(-3*time.Hour, 12*time.Hour, id, "time"))
	lines := t.order(pick(c.Orders, id, "order")).Lines
	lines = lines[chance(len(lines), id, "from"):]
	t.cart(p, id, at, lines[:min(len(lines), 1+chance(4, id, "articles"))])
	switch n := chance(10, id, "then"); {
	case n == 0: // emptied, soon after it went idle
		empty := crm.Cart{ID: id, Items: []crm.LineItem{}}
		t.tell(p, at.Add(between(31*time.Minute, 55*time.Minute, id, "emptied")), id+"-emptied", crm.CartUpdated{Cart: empty})
	case n == 1: // filled anew the next day: reminders begin again
		t.cart(p, id, at.Add(between(20*time.Hour, 40*time.Hour, id, "again")), lines)
	}
}
