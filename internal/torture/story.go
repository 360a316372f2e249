package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// A Story is what one person does, from her first fact to her last.
type Story struct {
	Shop   string
	Person string // Person is her address.
	Acts   []Act
}

// An Act is a batch of facts that the driver tells at once.
type Act struct {
	// Facts returns what happened, given the time by the clock. It is called
	// once.
	Facts func(now time.Time) []crm.Fact
	Pause time.Duration // Pause is how long after the act before it comes, in the machine's time.
	// Patient: she comes only after the mail server has turned a mail to her
	// away, or a few seconds later.
	Patient bool
	Hold    time.Duration // Hold is how long the cart keeps its transaction open; 0 if it has none.
	Regret  bool          // Regret: the cart rolls its transaction back.
	Twice   bool          // Twice: two processes of the cart tell it at the same time.
	Ambush  bool          // Ambush: right after the commit the clock moves on, so that all that was put off is due.
}

// A teller makes up the stories of one shop, one after the other.
type teller struct {
	shop     string
	name     string // name is the beginning of its persons' names.
	random   *rand.Rand
	longHold time.Duration // longHold is how long the cart keeps a transaction open at most.
	told     int
}

// plots are the stories, each as often as it is listed.
var plots = []func(*teller, *person) []Act{
	(*teller).buys, (*teller).buys, (*teller).buysAsGuest, (*teller).becomesCustomer, (*teller).becomesCustomer,
	(*teller).cancels, (*teller).joins, (*teller).joins, (*teller).optsOut, (*teller).optsOut,
	(*teller).leavesCart, (*teller).comesBack, (*teller).comesBack, (*teller).isErased, (*teller).thinksBetter,
}

// next returns the next story.
func (t *teller) next() Story {
	t.told++
	plot := plots[t.random.IntN(len(plots))]
	p := &person{name: fmt.Sprintf("%s%d", t.name, t.told)}
	p.email = p.name + customerDomain
	acts := plot(t, p)
	if t.random.IntN(12) == 0 || slices.ContainsFunc(acts, func(a Act) bool { return a.Ambush }) {
		p.email = greyPrefix + p.email
	}
	for i := range acts {
		t.stage(&acts[i], i > 0)
	}
	return Story{Shop: t.shop, Person: p.email, Acts: acts}
}

// stage decides how an act is told.
func (t *teller) stage(a *Act, pause bool) {
	if pause {
		a.Pause = upTo(t.random, 2*time.Second)
	}
	if a.Regret || t.random.IntN(3) == 0 {
		a.Hold = 1 + upTo(t.random, t.longHold)
	}
	a.Twice = !a.Regret && t.random.IntN(8) == 0
}

// A person is somebody in a story.
type person struct{ name, email string }

// account is her id with the shop, once she has one.
func (p *person) account() string { return "account-" + p.name }

// order is the id of her nth order.
func (p *person) order(n int) string { return fmt.Sprintf("%s%c", p.name, 'a'+n) }

// does returns a fact about her as a customer with an account.
func (p *person) does(what string, at time.Time, body crm.Body) crm.Fact {
	return crm.Fact{ID: p.name + " " + what, Time: at, Customer: p.account(), Email: p.email, Body: body}
}

// doesAsGuest returns a fact about her of which only her address is known.
func (p *person) doesAsGuest(what string, at time.Time, body crm.Body) crm.Fact {
	f := p.does(what, at, body)
	f.Customer = ""
	return f
}

// orders is the body of the fact that she orders for the nth time.
func (p *person) orders(n int) crm.OrderSaved {
	return crm.OrderSaved{Order: crm.Order{ID: p.order(n), Lines: []crm.LineItem{
		{Product: "sencha", Title: "煎茶", Quantity: 1 + n, Price: crm.Yen(1200)},
	}}}
}

// consents is the body of her answer to the question for mail.
func consents(granted bool) crm.ConsentChanged {
	return crm.ConsentChanged{Consent: crm.Consent{Granted: granted, Source: "form"}}
}

// soon is when something happened whose mail, a minute later, is due within
// seconds: the fact is late.
func (t *teller) soon(now time.Time) time.Time {
	return now.Add(upTo(t.random, 6*time.Second) - wait)
}

// late is a little before now, and after soon.
func (t *teller) late(now time.Time) time.Time { return now.Add(-upTo(t.random, 20*time.Second)) }

// one returns an act of a single fact.
func one(fact func(now time.Time) crm.Fact) Act {
	return Act{Facts: func(now time.Time) []crm.Fact { return []crm.Fact{fact(now)} }}
}

// buys: an order, and what becomes of it, in no order.
func (t *teller) buys(p *person) []Act {
	acts := []Act{
		one(func(now time.Time) crm.Fact { return p.does("orders", t.soon(now), p.orders(0)) }),
		one(func(now time.Time) crm.Fact { return p.does("pays", t.late(now), crm.OrderPaid{Order: p.order(0)}) }),
	}
	t.random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	return append(acts, one(func(now time.Time) crm.Fact {
		return p.does("gets", now, crm.OrderShipped{Order: p.order(0)})
	}))
}

func (t *teller) buysAsGuest(p *person) []Act {
	return []Act{
		one(func(now time.Time) crm.Fact { return p.doesAsGuest("orders", t.soon(now), p.orders(0)) }),
		one(func(now time.Time) crm.Fact { return p.doesAsGuest("pays", now, crm.OrderPaid{Order: p.order(0)}) }),
	}
}

// becomesCustomer: she orders as a guest, opens an account, and orders again.
func (t *teller) becomesCustomer(p *person) []Act {
	return []Act{
		one(func(now time.Time) crm.Fact { return p.doesAsGuest("orders", t.soon(now), p.orders(0)) }),
		one(func(now time.Time) crm.Fact {
			registered, family := now, "山田"
			return p.does("registers", now, crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Registered: &registered, FamilyName: &family}})
		}),
		one(func(now time.Time) crm.Fact { return p.does("orders again", t.soon(now), p.orders(1)) }),
	}
}

// cancels: she cancels, maybe while the first mail is put off.
func (t *teller) cancels(p *person) []Act {
	return []Act{
		one(func(now time.Time) crm.Fact { return p.does("orders", t.soon(now), p.orders(0)) }),
		t.ambush(func(now time.Time) crm.Fact {
			return p.does("cancels", t.late(now), crm.OrderCancelled{Order: p.order(0)})
		}),
	}
}

// joins: she wants the shop's news.
func (t *teller) joins(p *person) []Act {
	return []Act{{Facts: func(now time.Time) []crm.Fact {
		at := t.soon(now)
		return []crm.Fact{p.does("agrees", at, consents(true)), p.does("joins", at, crm.Custom{Name: joined})}
	}}}
}

// optsOut: and does not want them after all.
func (t *teller) optsOut(p *person) []Act {
	return append(t.joins(p), t.ambush(func(now time.Time) crm.Fact {
		return p.doesAsGuest("opts out", now, consents(false))
	}))
}

// leavesCart: as a guest, for good.
func (t *teller) leavesCart(p *person) []Act {
	return []Act{{Facts: func(now time.Time) []crm.Fact {
		at := t.soon(now)
		cart := crm.CartUpdated{Cart: crm.Cart{ID: "cart-" + p.name, Items: p.orders(0).Lines}}
		return []crm.Fact{p.doesAsGuest("fills", at, cart), p.doesAsGuest("leaves", at, crm.Custom{Name: leftOff})}
	}}}
}

// comesBack: she left a cart as a guest, and buys it with an account.
func (t *teller) comesBack(p *person) []Act {
	return append(t.leavesCart(p), t.ambush(func(now time.Time) crm.Fact {
		order := p.orders(0)
		order.Cart = "cart-" + p.name
		return p.does("orders", t.late(now), order)
	}))
}

// isErased: she does all sorts of things, and wants to be forgotten.
func (t *teller) isErased(p *person) []Act {
	begin := [](func(*teller, *person) []Act){(*teller).buys, (*teller).joins, (*teller).leavesCart}
	acts := begin[t.random.IntN(len(begin))](t, p)
	return append(acts, t.ambush(func(now time.Time) crm.Fact { return p.does("is erased", now, crm.CustomerErased{}) }))
}

// thinksBetter: the cart rolls back what it told. Half of them do it all the
// same later.
func (t *teller) thinksBetter(p *person) []Act {
	var facts []crm.Fact
	acts := []Act{{Regret: true, Facts: func(now time.Time) []crm.Fact {
		facts = []crm.Fact{p.does("orders", t.soon(now), p.orders(0))}
		return facts
	}}}
	if t.random.IntN(2) == 0 {
		acts = append(acts, Act{Facts: func(time.Time) []crm.Fact { return facts }})
	}
	return acts
}

// ambush returns an act that takes a mail back. Half of them come when the mail
// server has turned the mail away for a while, and end that while at once:
// nothing but the fence keeps the mail back then, until the fact is folded.
func (t *teller) ambush(fact func(now time.Time) crm.Fact) Act {
	a := one(fact)
	a.Patient = t.random.IntN(2) == 0
	a.Ambush = a.Patient
	return a
}
