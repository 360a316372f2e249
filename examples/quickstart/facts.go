package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/examples/quickstart/history"
)

// A teller turns the order history into what a cart would have told goen, fact
// by fact. Real are the orders and refunds; made up are the people (people.go),
// their carts (carts.go), and how orders were paid and delivered.
type teller struct {
	market market
	until  time.Time // until is when the story ends: later facts have not happened yet.
	facts  []crm.Fact
}

// tellFacts returns all facts up to an instant in order of time.
func tellFacts(h *history.History, m market, until time.Time) []crm.Fact {
	t := &teller{market: m, until: until}
	for _, c := range h.Customers {
		p := newPerson(c, m.lang)
		t.person(p, c)
		t.orders(p, c)
		t.carts(p, c)
	}
	slices.SortFunc(t.facts, func(a, b crm.Fact) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return t.facts
}

// tell adds a fact about a person.
func (t *teller) tell(p person, at time.Time, id string, body crm.Body) {
	if !at.After(t.until) {
		t.facts = append(t.facts, crm.Fact{ID: id, Time: at, Customer: p.customer(at), Email: p.email, Body: body})
	}
}

// person tells who somebody is and what she answered to the question for mail.
func (t *teller) person(p person, c history.Customer) {
	first := c.Orders[0].Time
	joined := first.Add(-4 * 24 * time.Hour)
	profile := p.patch()
	if !p.guest {
		profile.Registered = &joined
	}
	t.tell(p, joined, "joined-"+p.id, crm.CustomerSaved{CustomerPatch: profile})
	if p.optIn {
		t.tell(p, first.Add(-time.Minute), "opt-in-"+p.id, crm.ConsentChanged{Consent: crm.Consent{
			Granted: true, Source: "checkout", Form: "checkout-1", Wording: t.market.question,
		}})
	}
	if !p.optOut.IsZero() {
		t.tell(p, p.optOut, "opt-out-"+p.id, crm.ConsentChanged{Consent: crm.Consent{Granted: false, Source: "link"}})
	}
	if !p.account.IsZero() {
		profile.Registered = &p.account
		t.tell(p, p.account, "account-"+p.id, crm.CustomerSaved{CustomerPatch: profile})
	}
}

// orders tells a customer's orders and what became of them.
func (t *teller) orders(p person, c history.Customer) {
	for _, o := range c.Orders {
		order := t.order(o)
		order.Cart = cartID(o)
		t.tell(p, o.Time, "order-"+o.ID, crm.OrderSaved{Order: order})
		ready := o.Time
		if order.Payment == crm.PaymentPending {
			ready = o.Time.Add(between(time.Hour, 40*time.Hour, o.ID, "paid"))
			t.tell(p, ready, "paid-"+o.ID, crm.OrderPaid{Order: o.ID})
		}
		shipped := workday(ready, 1+chance(2, o.ID, "packing")).Add(between(0, 6*time.Hour, o.ID, "shipped"))
		if takenBack(c, o.ID, shipped) {
			continue
		}
		delivered := workday(shipped, 1+chance(3, o.ID, "transport")).Add(between(0, 8*time.Hour, o.ID, "delivered"))
		t.tell(p, shipped, "shipped-"+o.ID, crm.OrderShipped{Order: o.ID})
		t.tell(p, delivered, "delivered-"+o.ID, crm.OrderDelivered{Order: o.ID})
	}
	for _, r := range c.Refunds {
		refund := crm.OrderRefunded{Order: r.OrderID, Refund: r.ID, Amount: crm.Money{Currency: t.market.currency}, Whole: r.Whole}
		for _, l := range r.Lines {
			refund.Amount.Minor += t.line(l).Total().Minor
		}
		if r.Whole || !refund.Amount.IsZero() { // else it was shipping alone, which is no revenue
			t.tell(p, r.Time, fmt.Sprintf("refund-%s-%s", r.ID, r.OrderID), refund)
		}
	}
}

// takenBack reports whether all of an order was given back by an instant.
func takenBack(c history.Customer, order string, by time.Time) bool {
	return slices.ContainsFunc(c.Refunds, func(r history.Refund) bool {
		return r.OrderID == order && r.Whole && r.Time.Before(by)
	})
}

// workday is 10:00 in the morning n days after t, as the shop's clock shows it.
func workday(t time.Time, n int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+n, 10, 0, 0, 0, t.Location())
}

func (t *teller) order(o history.Order) crm.Order {
	order := crm.Order{
		ID: o.ID, Number: o.ID, Channel: "shop",
		PlacedAt: o.Time, Promised: workday(o.Time, 6),
		Shipping: t.market.price(o.Shipping),
	}
	order.Method, order.Payment = t.market.payment(o.ID)
	for _, l := range o.Lines {
		order.Lines = append(order.Lines, t.line(l))
	}
	return order
}

func (t *teller) line(l history.Line) crm.LineItem {
	title := cases.Title(language.BritishEnglish).String(cmp.Or(l.Description, l.StockCode))
	return crm.LineItem{
		Product: l.StockCode, Title: title,
		Quantity: l.Quantity, Price: t.market.price(l.UnitPrice),
		URL: shopURL + "/items/" + l.StockCode, Image: shopURL + "/images/" + l.StockCode + ".jpg",
	}
}
