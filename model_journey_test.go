package crm_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

const (
	cartIdle = 30 * time.Minute
	aDay     = 24 * time.Hour
)

// modelJourneys are the journeys that the model plays by hand.
var modelJourneys = []crm.Journey{
	{
		ID: "cart", Trigger: crm.CartAbandoned{After: cartIdle},
		Steps: crm.Steps{
			crm.Send{Template: "cart-1", MaxLateness: 2 * time.Hour},
			crm.Wait{ID: "a-day", Days: 1},
			crm.Send{Template: "cart-2"},
		},
	},
	{
		ID: "first", Trigger: crm.OnFact{Fact: crm.FactOrderCounted}, If: crm.OrdersEqual(1), Per: crm.PerOrder,
		Exit:  []crm.Rule{crm.On(crm.FactOrderCancelled)},
		Steps: crm.Steps{crm.Wait{ID: "hour", For: time.Hour}, crm.Send{Template: "thanks"}},
	},
	{
		ID: "f2", Trigger: crm.OnFact{Fact: crm.FactOrderDelivered}, If: crm.OrdersEqual(1),
		Exit: []crm.Rule{crm.On(crm.FactOrderPlaced)},
		Steps: crm.Steps{
			crm.Wait{ID: "fortnight", Days: 14}, crm.Send{Template: "f2-result"},
			crm.Wait{ID: "month", Days: 16}, crm.Send{Template: "f2-pairing"},
		},
	},
	{
		ID: "rank-up", Trigger: crm.OnFact{Fact: crm.FactRankChanged}, If: crm.Where("rank.promotion", crm.Equal, true),
		Steps: crm.Steps{crm.Wait{ID: "next-day", For: aDay}, crm.Send{Template: "promoted"}},
	},
}

var modelLadder = crm.Ladder{
	Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 20, GraceDays: 5,
	Ranks: []crm.RankStep{{ID: "silver", AtLeast: 5000}, {ID: "gold", AtLeast: 20000}},
}

// look is a worker's round at an instant: facts that came in since the last one
// are taken in, in order of time and together with the timers that were due in
// between, then what is due is sent.
func (m *model) look(at time.Time, facts []crm.Fact) {
	m.take(facts)
	for {
		p, due, fire := m.nextTimer()
		timer := p != nil && !due.After(at)
		switch {
		case m.passed < len(m.known) && (!timer || !m.known[m.passed].Time.After(due)):
			m.passed++
			m.see(m.known[m.passed-1])
			continue
		case timer:
			fire()
			continue
		}
		break
	}
	m.send(at)
}

// attend is a worker that is there all the time until an instant.
func (m *model) attend(until time.Time) {
	for {
		p, due, _ := m.nextTimer()
		if p == nil || due.After(until) {
			return
		}
		m.look(due, nil)
	}
}

func (m *model) send(now time.Time) {
	for _, mail := range m.mails {
		if mail.state != crm.MessageQueued {
			continue
		}
		if reason := m.withheld(m.people[mail.customer], mail.class, mail.to); reason != "" {
			mail.state, mail.reason = crm.MessageSkipped, reason
		} else if now.After(mail.deadline) {
			mail.state, mail.reason = crm.MessageSkipped, crm.ReasonLate
		} else {
			mail.state = crm.MessageSent
		}
	}
}

// nextTimer is what happens next without a fact, and to whom.
func (m *model) nextTimer() (who *modelCustomer, due time.Time, fire func()) {
	propose := func(p *modelCustomer, at time.Time, f func()) {
		if who == nil || at.Before(due) {
			who, due, fire = p, at, f
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.people)) {
		if isCartKey(key) {
			continue
		}
		p := m.people[key]
		for _, r := range p.runs {
			if !r.done {
				propose(p, r.due, func() { m.resume(p, r) })
			}
		}
		carts := m.carts(p)
		slices.SortFunc(carts, func(a, b crm.Cart) int { return strings.Compare(a.ID, b.ID) })
		for _, c := range carts {
			since, open := m.open(p, c)
			if open && !since.Before(m.published) && !p.fired[c.ID].Equal(since) {
				propose(p, since.Add(cartIdle), func() { m.abandoned(p, c, since) })
			}
		}
		if review := m.standing(p, p.ranked).Review; !review.IsZero() {
			propose(p, review, func() { m.judge(p, review) })
		}
	}
	return who, due, fire
}

// open reports whether a cart waits to be bought, and since when.
func (m *model) open(p *modelCustomer, c crm.Cart) (since time.Time, open bool) {
	since = c.UpdatedAt
	if known := m.nameKnown(c); known.After(since) {
		since = known
	}
	own, near := m.own(p), m.near(p)
	var emptied time.Time // orders from before have nothing to do with what is in it now
	for _, f := range append(slices.Clone(own), near...) {
		if b, ok := f.Body.(crm.CartUpdated); ok && b.Cart.ID == c.ID && len(b.Cart.Items) == 0 && f.Time.After(emptied) {
			emptied = f.Time
		}
	}
	hers := readOrders(own)
	for _, orders := range []map[string]modelOrder{hers, readOrders(near)} {
		for id, o := range orders {
			if _, mine := hers[id]; mine {
				o = hers[id]
			}
			same := o.snapshot.Cart == c.ID && !emptied.After(o.placed())
			if !o.sale() || (!same && o.placed().Before(c.UpdatedAt)) {
				continue
			}
			if !o.failed() {
				return since, false
			}
			if failed := o.snapshot0.Time; failed.After(since) {
				since = failed
			}
		}
	}
	return since, true
}

// nameKnown is when somebody's name was first seen with a cart.
func (m *model) nameKnown(c crm.Cart) time.Time {
	for _, f := range m.known {
		if cartOf(f) == c.ID && whose(f) != "cart:"+c.ID {
			return f.Time
		}
	}
	return time.Time{}
}

// see takes in one fact, for its customer and for those it is told to.
func (m *model) see(f crm.Fact) {
	home := m.home(f)
	for _, key := range slices.Sorted(maps.Keys(m.people)) {
		p := m.people[key]
		own := key == home
		if !own && !p.near[f.ID] {
			continue
		}
		if b, ok := f.Body.(crm.CartUpdated); ok {
			m.cartChanged(p, f, b.Cart)
		}
		if id := orderOf(f); id != "" {
			facts := m.own(p)
			if !own {
				facts = m.near(p)
			}
			facts = about(facts, id)
			o := readOrder(facts)
			events := orderEvents(facts)
			for _, ev := range events {
				m.leave(p, ev, id, o, f.Time)
			}
			if own && !isCartKey(key) {
				for _, ev := range events {
					m.enter(p, ev, id, f.Time)
				}
			}
		}
		if own && !isCartKey(key) {
			m.judge(p, f.Time)
		}
	}
}

// cartChanged ends what is under way for a cart as it was.
func (m *model) cartChanged(p *modelCustomer, f crm.Fact, c crm.Cart) {
	for _, g := range m.known[:m.passed-1] {
		old, ok := g.Body.(crm.CartUpdated)
		if ok && old.Cart.ID == c.ID && g.Time.Equal(f.Time) && old.Cart.Revision > c.Revision && (m.home(g) == p.key || p.near[g.ID]) {
			return // an older version
		}
	}
	reason := crm.ReasonCartChanged
	if len(c.Items) == 0 {
		reason = crm.ReasonCartEmptied
	}
	for _, r := range p.runs {
		if r.cart == c.ID {
			m.end(p, r, reason, f.Time, "")
		}
	}
}

// leave ends the runs that end on something that happened to an order.
func (m *model) leave(p *modelCustomer, ev crm.FactType, id string, o modelOrder, at time.Time) {
	for _, r := range p.runs {
		switch {
		case r.journey == "cart" && ev == crm.FactOrderPlaced && (o.snapshot.Cart == r.cart || !o.placed().Before(r.from)):
			m.end(p, r, crm.ReasonBought, at, id)
		case r.journey == "first" && ev == crm.FactOrderCancelled && id == r.order:
			m.end(p, r, crm.ReasonExit, at, id)
		case r.journey == "f2" && ev == crm.FactOrderPlaced:
			m.end(p, r, crm.ReasonBought, at, id)
		}
	}
	if ev == crm.FactOrderFailed {
		for journey, end := range p.ended {
			if end.order == id { // what ended on it may begin again
				delete(p.ended, journey)
			}
		}
	}
}

func (m *model) end(p *modelCustomer, r *modelRun, reason crm.Reason, at time.Time, order string) {
	withheld := false
	for _, mail := range m.mails {
		if mail.run == r && mail.state == crm.MessageQueued {
			mail.state, mail.reason = crm.MessageSkipped, reason
			withheld = true
		}
	}
	over := reason == crm.ReasonCartChanged // it starts over, if she was sent nothing
	for _, mail := range m.mails {
		if mail.run == r && (mail.state != crm.MessageSkipped || mail.reason == crm.ReasonLate) {
			over = false
		}
	}
	if r.done {
		if over && withheld {
			delete(p.ended, r.journey)
		}
		return
	}
	r.done = true
	if !over {
		m.ended(p, r.journey, at, order)
	}
}

func (m *model) ended(p *modelCustomer, journey string, at time.Time, order string) {
	if at.After(p.ended[journey].at) {
		p.ended[journey] = modelEnd{at, order}
	}
}

// free reports whether she may begin a journey.
func (m *model) free(p *modelCustomer, journey string, at time.Time, cooldown time.Duration) bool {
	for _, r := range p.runs {
		if r.journey == journey && !r.done {
			return false
		}
	}
	end, before := p.ended[journey]
	return cooldown == 0 || !before || !at.Before(end.at.Add(cooldown))
}

// enter begins the journeys that begin with something that happened to an order.
func (m *model) enter(p *modelCustomer, ev crm.FactType, order string, at time.Time) {
	if at.Before(m.published) || m.purchases(p, at).Count != 1 {
		return
	}
	if ev == crm.FactOrderCounted && !p.ran[order] {
		p.ran[order] = true
		p.runs = append(p.runs, &modelRun{journey: "first", order: order, from: at, since: at, step: "hour", due: at.Add(time.Hour)})
	}
	if ev == crm.FactOrderDelivered && m.free(p, "f2", at, 0) {
		p.runs = append(p.runs, &modelRun{journey: "f2", order: order, from: at, since: at, step: "fortnight", due: at.Add(14 * aDay)})
	}
}

// abandoned begins the journey about a cart.
func (m *model) abandoned(p *modelCustomer, c crm.Cart, since time.Time) {
	p.fired[c.ID] = since
	at := since.Add(cartIdle)
	if !m.free(p, "cart", at, 7*aDay) {
		return
	}
	r := &modelRun{journey: "cart", cart: c.ID, from: since, since: at, step: "a-day", due: at.Add(aDay)}
	p.runs = append(p.runs, r)
	m.mail(p, r, "cart-1", crm.Marketing, at, 2*time.Hour)
}

// judge looks at her rank.
func (m *model) judge(p *modelCustomer, at time.Time) {
	if at.After(p.ranked) {
		p.ranked = at
	}
	to := m.standing(p, p.ranked).Rank
	promoted := m.place(to) > m.place(p.rank)
	p.rank = to
	if promoted && !at.Before(m.published) && m.free(p, "rank-up", at, 0) {
		p.runs = append(p.runs, &modelRun{journey: "rank-up", from: at, since: at, step: "next-day", due: at.Add(aDay)})
	}
}

// resume goes on after a wait.
func (m *model) resume(p *modelCustomer, r *modelRun) {
	at := r.due
	switch r.step {
	case "a-day":
		m.mail(p, r, "cart-2", crm.Marketing, at, aDay)
	case "hour":
		m.mail(p, r, "thanks", crm.Service, at, aDay)
	case "fortnight":
		m.mail(p, r, "f2-result", crm.Marketing, at, aDay)
		r.step, r.due = "month", at.Add(16*aDay)
		return
	case "month":
		m.mail(p, r, "f2-pairing", crm.Marketing, at, aDay)
	case "next-day":
		m.mail(p, r, "promoted", crm.Marketing, at, aDay)
	}
	r.done = true
	m.ended(p, r.journey, at, "")
}

func (m *model) mail(p *modelCustomer, r *modelRun, template string, class crm.Class, at time.Time, lateness time.Duration) {
	mail := &modelMail{
		run: r, customer: p.key, to: m.email(p), template: template, class: class,
		at: at, deadline: at.Add(lateness), state: crm.MessageQueued,
	}
	if reason := m.withheld(p, class, mail.to); reason != "" {
		mail.state, mail.reason = crm.MessageSkipped, reason
	}
	m.mails = append(m.mails, mail)
}
