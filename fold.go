package crm

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// group is a set of customers that one fact may concern at once: accounts, the
// guests of their addresses, their carts.
type group struct {
	d       *definitions
	now     time.Time
	records []*record // in order of key
	by      map[string]*record
	facts   []Fact // of all inboxes, each once, in order of (time, id)
	out     *Changes
	queued  map[string][]Message // messages not sent yet, by customer
	moved   map[string]bool      // keys whose rows go to their owner
}

func newGroup(d *definitions, now time.Time, records []*record, out *Changes) *group {
	g := &group{d: d, now: now, records: records, by: make(map[string]*record), out: out, queued: make(map[string][]Message), moved: make(map[string]bool)}
	seen := make(map[string]bool)
	for _, r := range records {
		g.by[r.row.ID] = r
		g.queued[r.row.ID] = r.row.Messages
		for _, f := range r.facts {
			if !seen[f.ID] {
				seen[f.ID] = true
				g.facts = append(g.facts, f)
			}
		}
	}
	slices.SortFunc(g.facts, Fact.compare)
	g.facts = slices.DeleteFunc(g.facts, func(f Fact) bool {
		// An erased customer swallows what is older than the request.
		erased := g.by[g.resolve(f.keys()[0])].state.Erased
		return !erased.zero() && !f.stamp().after(erased)
	})
	return g
}

// link notes who was seen with which address and cart, and gives guests and
// carts to the customer whom they turned out to be: the first, by time, of
// those known when the question first comes up. It does not change later.
func (g *group) link() {
	for _, f := range g.facts {
		keys := f.keys()
		for _, key := range keys[1:] {
			if !g.linkable(f, key) {
				continue
			}
			g.by[key].state.link(keys[0], f.stamp())
			if isGuest(key) {
				g.by[keys[0]].state.shareConsents(g.by[key].state, key)
			}
		}
	}
	for _, kind := range []func(string) bool{isGuest, isCart} {
		for _, r := range g.records {
			if kind(r.row.ID) && r.state.Owner == "" {
				g.own(r)
			}
		}
	}
}

// linkable reports whether f says that key belongs to whom it is about. The
// address that an answer about consent names may be somebody else's.
func (g *group) linkable(f Fact, key string) bool {
	return !isGuest(key) || key == GuestKey(f.email())
}

// own gives a guest or cart to its owner, if it has one.
func (g *group) own(r *record) {
	var owner string
	var since stamp
	for _, key := range sortedKeys(r.state.Links) {
		if at := r.state.Links[key]; g.by[key] != nil && (owner == "" || since.after(at)) {
			owner, since = key, at
		}
	}
	if owner == "" {
		return
	}
	r.state.Owner = owner
	to := g.by[g.resolve(owner)]
	to.state.absorb(r.state)
	for id, o := range r.orders {
		if mine, ok := to.orders[id]; ok {
			mine.merge(o)
		} else {
			to.orders[id] = o
		}
		to.changed[id] = true
	}
	r.orders = make(map[string]*orderState)
	g.queued[to.row.ID] = append(g.queued[to.row.ID], g.queued[r.row.ID]...)
	delete(g.queued, r.row.ID)
	if len(r.row.State) > 0 {
		g.move(r.row.ID, to.row.ID, since.Time)
	}
}

// move hands the rows of a guest or cart to its owner.
func (g *group) move(from, to string, at time.Time) {
	if g.moved[from] {
		return
	}
	g.moved[from] = true
	g.out.Move = append(g.out.Move, Move{From: from, To: to})
	if isGuest(from) {
		g.out.Decisions = append(g.out.Decisions, Decision{Customer: to, At: at, Kind: DecidedMerge, Detail: from})
	}
}

// resolve follows owners to the customer that a key stands for.
func (g *group) resolve(key string) string {
	for range 3 { // cart → guest → account
		r := g.by[key]
		if r == nil || r.state.Owner == "" {
			return key
		}
		key = r.state.Owner
	}
	return key
}

// sighting is a fact as one customer sees it: her own, or near her, about
// somebody who shares her address or cart.
type sighting struct {
	Fact
	near bool
}

// persons runs every customer of the group through the facts she sees and the
// timers that are due, and returns them as they are then.
func (g *group) persons() []*person {
	sees := make(map[string][]sighting)
	for _, f := range g.facts {
		keys := f.keys()
		home := g.resolve(keys[0])
		if home != keys[0] {
			g.move(keys[0], home, f.Time)
		}
		told := map[string]bool{home: true}
		sees[home] = append(sees[home], sighting{f, false})
		for _, key := range keys {
			if consent, ok := f.Body.(ConsentChanged); ok && key == f.addressKey() {
				g.by[key].state.consent(key, consent.Consent, f.stamp())
			}
			if isAccount(key) {
				continue
			}
			for _, other := range append(latestLinks(g.by[key].state.Links), key) {
				if other = g.resolve(other); !told[other] && g.by[other] != nil {
					told[other] = true
					sees[other] = append(sees[other], sighting{f, true})
				}
			}
		}
	}
	var persons []*person
	for _, r := range g.records {
		if r.state.Owner != "" {
			r.row.NextDue = time.Time{}
			continue
		}
		p := newPerson(g, r)
		p.run(sees[r.row.ID])
		r.row.NextDue = p.nextDue()
		persons = append(persons, p)
	}
	return persons
}

// write adds the records that changed to the group's changes.
func (g *group) write() error {
	for _, r := range g.records {
		state, err := json.Marshal(r.state)
		if err != nil {
			return err
		}
		for _, id := range sortedKeys(r.changed) {
			row, err := r.orders[id].row(r.row.ID)
			if err != nil {
				return err
			}
			g.out.Orders = append(g.out.Orders, row)
		}
		if !bytes.Equal(state, r.row.State) || len(r.row.Pending) > 0 || !r.row.NextDue.Equal(r.loadedDue) {
			g.out.Customers = append(g.out.Customers, CustomerRow{ID: r.row.ID, State: state, NextDue: r.row.NextDue})
		}
	}
	return nil
}
