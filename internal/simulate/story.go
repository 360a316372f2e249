package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// maxFacts leaves every fact of a plan a second of the minute of its own, two
// seconds from the next and from the full minute, at which the shop opened.
const maxFacts = 28

// A writer draws the facts of one person.
type writer struct {
	*rand.Rand
	*person
	plan   *Plan
	number int
	at     time.Time
	times  []time.Time // times are when her facts happened.
	orders []string
	carts  []string
	filled string // filled is the cart she has something in, "" if none
	asked  bool   // asked: most are asked for mail first of all
	erased bool
}

// tell draws what happens, and how it comes in.
func (p *Plan) tell(r *rand.Rand) {
	people := 1 + r.IntN(4)
	seconds := r.Perm(maxFacts)
	ids := r.Perm(99)
	for n := range people {
		w := &writer{Rand: r, plan: p, number: n + 1, person: &person{email: fmt.Sprintf("p%d@example.jp", n+1)}}
		if r.IntN(3) > 0 {
			w.account = fmt.Sprintf("c%d", n+1)
		}
		w.at = begin.Add(time.Duration(1+r.IntN(90)) * time.Minute)
		for range 2 + r.IntN(maxFacts/people-1) {
			if body := w.next(); body != nil {
				w.add(body, seconds[len(p.Tellings)], ids[len(p.Tellings)])
			}
			w.at = w.at.Add(w.gap())
		}
	}
	p.forget()
	p.sortTellings()
}

// forget brings forward what was said yes to before an erasure: told after it,
// a yes is ignored, and an older no, which it would have replaced, stays.
func (p *Plan) forget() {
	for _, erasure := range p.Tellings {
		for i, t := range p.Tellings {
			answer, ok := t.Fact.Body.(crm.ConsentChanged)
			if isA[crm.CustomerErased](erasure.Fact) && ok && answer.Granted && t.person == erasure.person && t.Fact.Time.Before(erasure.At) {
				p.Tellings[i].At, p.Tellings[i].Open = t.Fact.Time, 0
			}
		}
	}
}

// gap is how long nothing happens to her. Some gaps are just as long as what
// journeys wait for.
func (w *writer) gap() time.Duration {
	n := time.Duration(w.IntN(60))
	switch w.IntN(10) {
	case 0:
		return 30 * time.Minute
	case 1:
		return time.Hour
	case 2, 3, 4:
		return n % 10 * time.Minute
	case 5, 6:
		return 20*time.Minute + n*time.Minute
	case 7, 8:
		return time.Hour + 5*n*time.Minute
	}
	return 20*time.Hour + n*10*time.Minute
}

// next draws what happens to her, nil for nothing.
func (w *writer) next() crm.Body {
	if w.erased && w.IntN(3) > 0 {
		return nil
	}
	if !w.asked {
		w.asked = true
		if w.IntN(2) == 0 {
			return crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Email: w.email}}
		}
	}
	switch n := w.IntN(40); {
	case n < 7:
		return crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Email: w.email}}
	case n < 10:
		return crm.ConsentChanged{Consent: crm.Consent{Source: "link", Email: w.email}}
	case n < 19:
		return w.cart()
	case n < 26:
		return w.order()
	case n < 30 && len(w.orders) > 0:
		order := w.orders[w.IntN(len(w.orders))]
		return []crm.Body{
			crm.OrderPaid{Order: order}, crm.OrderShipped{Order: order}, crm.OrderCancelled{Order: order},
			crm.OrderRefunded{Order: order, Refund: "r", Amount: crm.Yen(500)}, crm.OrderRefunded{Order: order, Refund: "w", Whole: true},
		}[w.IntN(5)]
	case n < 35:
		return crm.Custom{Name: "visit"}
	case n < 37:
		return crm.Custom{Name: "stop"}
	case n < 38:
		return crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{GivenName: new(fmt.Sprint("name", w.IntN(9))), AddTags: []string{"tea"}}}
	case n < 39 && len(w.plan.Tellings) > 3:
		w.erased, w.filled, w.carts, w.orders = true, "", nil, nil
		return crm.CustomerErased{}
	}
	return nil
}

func (w *writer) cart() crm.Body {
	if w.filled != "" && w.IntN(4) == 0 {
		id := w.filled
		w.filled = ""
		return crm.CartUpdated{Cart: crm.Cart{ID: id}}
	}
	if w.filled == "" {
		w.filled = fmt.Sprintf("k%d-%d", w.number, len(w.plan.Tellings))
		w.carts = append(w.carts, w.filled)
	}
	return crm.CartUpdated{Cart: crm.Cart{ID: w.filled, Items: w.goods()}}
}

func (w *writer) order() crm.Body {
	order := crm.Order{ID: fmt.Sprintf("o%d-%d", w.number, len(w.plan.Tellings)), Lines: w.goods()}
	order.Method = []crm.PaymentMethod{crm.Card, crm.CashOnDelivery, crm.BankTransfer}[w.IntN(3)]
	if w.IntN(3) > 0 {
		order.Cart, w.filled = w.filled, ""
	}
	w.orders = append(w.orders, order.ID)
	return crm.OrderSaved{Order: order}
}

func (w *writer) goods() []crm.LineItem {
	return []crm.LineItem{{Product: "tea", Title: "煎茶", Quantity: 1 + w.IntN(3), Price: crm.Yen(1000)}}
}

// add puts a fact into the plan, under one of her names.
func (w *writer) add(body crm.Body, second, id int) {
	p := w.plan
	if isA[crm.CustomerErased](crm.Fact{Body: body}) {
		w.at = w.at.Add(time.Minute) // after all that the walk through her story has told
		defer func() { w.at = w.at.Add(time.Minute) }()
	}
	at := w.at.Truncate(time.Minute).Add(time.Duration(2*second+2) * time.Second)
	if !p.Punctual {
		switch w.IntN(6) {
		case 0:
			at = w.at.Truncate(time.Minute) // the instant of many another
		case 1, 2:
			at = w.race(at)
		}
	}
	w.times = append(w.times, at)
	f := crm.Fact{ID: fmt.Sprintf("f%02d", id), Time: at, Customer: w.account, Email: w.email, Body: body}
	w.name(&f)
	t := Telling{Fact: f, person: w.person, At: at}
	if w.IntN(5) == 0 {
		t.Again = time.Duration(1+w.IntN(600)) * time.Minute
	}
	// An erasure is about what was told before it.
	if !p.Punctual && !isA[crm.CustomerErased](f) {
		switch w.IntN(6) {
		case 0:
			t.At = at.Add(time.Duration(w.IntN(90)) * time.Minute)
		case 1:
			t.At = at.Add(time.Duration(w.IntN(30)) * time.Hour)
		}
		if p.Faults[Delay] && w.IntN(3) == 0 {
			t.Open = time.Duration(1+w.IntN(120)) * time.Second
		}
	}
	p.Tellings = append(p.Tellings, t)
}

// race is about when something is due that began with an earlier fact of hers,
// if that is not past.
func (w *writer) race(otherwise time.Time) time.Time {
	if len(w.times) == 0 {
		return otherwise
	}
	due := w.times[w.IntN(len(w.times))].Add([]time.Duration{
		0, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 24 * time.Hour, 25 * time.Hour,
	}[w.IntN(7)])
	if due.Before(w.at) {
		return otherwise
	}
	w.at = due.Add(time.Minute)
	return due.Add(time.Duration(max(0, w.IntN(1200)-400)) * time.Millisecond)
}

// name takes away some of the names that a fact could come in under.
func (w *writer) name(f *crm.Fact) {
	switch f.Body.(type) {
	case crm.CustomerErased: // of all that is known of her
		return
	case crm.CartUpdated:
		if w.IntN(4) == 0 {
			f.Customer, f.Email = "", ""
			return
		}
	}
	_, order := f.Body.(crm.OrderSaved)
	switch n := w.IntN(6); {
	case w.account == "" || n < 3:
	case n < 5:
		f.Customer = ""
	case !order: // the receipt of an order needs an address
		f.Email = ""
	}
}

// compareFacts orders facts as they happened.
func compareFacts(a, b crm.Fact) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) }

// happened are the plan's facts in the order in which they happened.
func (p *Plan) happened() []crm.Fact {
	var facts []crm.Fact
	for _, t := range p.Tellings {
		facts = append(facts, t.Fact)
	}
	slices.SortFunc(facts, compareFacts)
	return facts
}
