package crm

import (
	"cmp"
	"slices"
	"time"
)

// group is a set of customers that one fact may concern at once: accounts, the
// guests of their addresses, their carts.
type group struct {
	d       *definitions
	now     time.Time
	records []*record // in order of key
	facts   []Fact    // of all inboxes, each once, in order of (time, id)
	out     *Changes
}

func newGroup(d *definitions, now time.Time, records []*record, out *Changes) *group {
	g := &group{d: d, now: now, records: records, out: out}
	for _, r := range records {
		g.facts = append(g.facts, r.facts...)
	}
	slices.SortFunc(g.facts, Fact.compare)
	g.facts = slices.CompactFunc(g.facts, func(a, b Fact) bool { return a.ID == b.ID })
	g.facts = slices.DeleteFunc(g.facts, func(f Fact) bool {
		swallowed := g.swallowed(f)
		if swallowed && f.Body.FactType() != FactConsentChanged {
			out.Purge = append(out.Purge, f.ID) // it came after the erasure that it should have met
		}
		return swallowed && !optOut(f)
	})
	return g
}

// of returns the record of a key, nil if it is not in the group.
func (g *group) of(key string) *record {
	i, ok := slices.BinarySearchFunc(g.records, key, func(r *record, key string) int { return cmp.Compare(r.row.ID, key) })
	if !ok {
		return nil
	}
	return g.records[i]
}

// swallowed reports whether f is older than the erasure of whom it is about.
func (g *group) swallowed(f Fact) bool {
	erased := g.of(g.resolve(f.keys()[0])).state.Erased
	return !erased.zero() && !f.stamp().after(erased)
}

// optOut reports whether f is an opt-out. It is about an address, so it holds
// for whoever shares that, even if she who gave it has been erased since.
func optOut(f Fact) bool {
	consent, ok := f.Body.(ConsentChanged)
	return ok && !consent.Granted
}

// link notes who was seen with which address and cart, and gives guests and
// carts to the customer whom they turned out to be: the first, by time, of
// those known when the question first comes up. It does not change later.
func (g *group) link() {
	for _, f := range g.facts {
		if g.swallowed(f) {
			continue
		}
		keys := f.keys()
		for _, key := range keys[1:] {
			if !g.linkable(f, key) {
				continue
			}
			g.of(key).state.link(keys[0], f.stamp())
			g.of(g.resolve(keys[0])).state.meet(key, f.stamp())
			if isGuest(key) {
				g.of(keys[0]).state.shareConsents(g.of(key).state, key)
			} else {
				g.shareCart(f.cart(), g.resolve(keys[0]))
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

// shareCart tells a customer who is seen with a cart what others did with it
// before: a version that is later than hers, an order.
func (g *group) shareCart(id, customer string) {
	to := g.of(customer)
	for _, other := range append(latestLinks(g.of(cartKey(id)).state.Links), cartKey(id)) {
		from := g.of(g.resolve(other))
		if from == nil || from == to {
			continue
		}
		if c := from.state.Carts[id]; c != nil {
			to.state.cart(c.Cart, c.At, true)
			if mine := to.state.Carts[id]; c.Emptied.After(mine.Emptied) {
				mine.Emptied = c.Emptied
			}
		}
		for _, o := range from.orders() {
			if o.Snapshot != nil && o.Snapshot.Cart == id && to.orders()[o.ID] == nil {
				put(&to.state.Near, o.ID, o.trimmed())
			}
		}
	}
}

// shareAddresses tells everybody what was answered for an address: all who are
// here, and of very many who share it the next to hear.
func (g *group) shareAddresses() {
	for _, r := range g.records {
		for _, place := range sortedKeys(r.state.Places) {
			if address := g.of(place); isGuest(place) && address != nil {
				r.state.shareConsents(address.state, place)
			}
		}
	}
	for _, r := range g.records {
		for _, key := range r.state.listeners() {
			if to := g.of(g.resolve(key)); to != nil {
				to.state.shareConsents(r.state, r.row.ID)
			}
		}
		r.state.told()
	}
}

// spread has all who share an address hear an answer about it: the latest do at
// once.
func (g *group) spread(f Fact) {
	if _, ok := f.Body.(ConsentChanged); ok {
		if address := g.of(f.addressKey()); len(address.state.Links) > maxLinks {
			address.state.Tell = 1
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
		if at := r.state.Links[key]; g.of(key) != nil && (owner == "" || since.after(at)) {
			owner, since = key, at
		}
	}
	if owner == "" {
		return
	}
	r.state.Owner = owner
	r.found = true
	if isCart(r.row.ID) {
		for _, c := range r.state.Carts {
			c.Known = since.Time
		}
	}
	to := g.of(g.resolve(owner))
	rank, ranked := r.state.Rank, r.state.Ranked
	to.state.absorb(r.state)
	for id, o := range r.orders() {
		if mine, ok := to.orders()[id]; ok {
			mine.merge(o)
		} else {
			to.orders()[id] = o
		}
		to.changed[id] = true
	}
	for id := range to.orders() {
		delete(to.state.Near, id) // it turned out to be her own
	}
	to.joined = to.joined || len(r.orders()) > 0
	if ranked.After(to.state.Ranked) {
		to.state.Ranked = ranked
	}
	if g.d.ladder.index(rank) > g.d.ladder.index(to.state.Rank) {
		to.state.Rank = rank // she knows of it
	}
	r.decoded = make(map[string]*orderState)
	to.taken = append(to.taken, r.messages()...)
	if len(r.row.State) > 0 {
		g.move(r, to.row.ID, since.Time)
	}
}

// move hands the rows of a guest or cart to its owner.
func (g *group) move(r *record, to string, at time.Time) {
	if r.moved {
		return
	}
	r.moved = true
	g.out.Move = append(g.out.Move, Move{From: r.row.ID, To: to})
	if isGuest(r.row.ID) && r.found {
		g.out.Decisions = append(g.out.Decisions, Decision{Customer: to, At: at, Kind: DecidedMerge, Detail: r.row.ID})
	}
}

// resolve follows owners to the customer that a key stands for.
func (g *group) resolve(key string) string {
	for range 3 { // cart → guest → account
		r := g.of(key)
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
	near  bool
	known time.Time // since when it is known whose the nameless cart of the fact is
}

// persons runs every customer of the group through the facts she sees and the
// timers that are due, and returns them as they are then.
func (g *group) persons() []*person {
	g.shareAddresses()
	for _, f := range g.facts {
		g.show(f)
	}
	quiet := len(g.records) == 1 && len(g.facts) == 0
	var persons []*person
	for _, r := range g.records {
		r.row.NextDue, r.row.NextReview = time.Time{}, time.Time{}
		if r.state.Owner == "" {
			p := newPerson(g, r)
			p.quiet = quiet
			p.run(r.sees)
			r.row.NextDue, r.row.NextReview = p.nextDue()
			persons = append(persons, p)
		}
		if r.state.Tell > 0 {
			r.row.NextDue = g.now // the next are told in a transaction of their own
		}
	}
	return persons
}

// show has everybody see a fact whom it concerns.
func (g *group) show(f Fact) {
	keys := f.keys()
	about := g.of(keys[0])
	home := g.of(g.resolve(keys[0]))
	if home != about {
		g.move(about, home.row.ID, f.Time)
	}
	g.spread(f)
	own := sighting{Fact: f}
	if isCart(keys[0]) {
		own.known = about.state.Links[about.state.Owner].Time
	}
	home.sees = append(home.sees, own)
	told := []*record{home}
	for _, key := range keys {
		r := g.of(key)
		consent, ok := f.Body.(ConsentChanged)
		if ok && key == f.addressKey() && r.state.Owner != "" {
			r.state.consent(key, consent.Consent, f.stamp()) // for those seen with it later; one without an owner sees it below
		}
		if isAccount(key) {
			continue
		}
		for _, other := range append(latestLinks(r.state.Links), key) {
			if near := g.of(g.resolve(other)); near != nil && !slices.Contains(told, near) {
				told = append(told, near)
				near.sees = append(near.sees, sighting{Fact: f, near: true})
			}
		}
	}
}

// write adds the records that changed to the group's changes.
func (g *group) write() error {
	for _, r := range g.records {
		state, changed, err := r.home.doc.encode(r.state, r.row.State)
		if err != nil {
			return err
		}
		for _, id := range sortedKeys(r.changed) {
			row, err := r.orders()[id].row(&r.home.doc, r.row.ID)
			if err != nil {
				return err
			}
			g.out.Orders = append(g.out.Orders, row)
		}
		timed := !r.row.NextDue.Equal(r.loadedDue) || !r.row.NextReview.Equal(r.loadedReview)
		if timed || changed {
			g.out.Customers = append(g.out.Customers, CustomerRow{ID: r.row.ID, State: state, NextDue: r.row.NextDue, NextReview: r.row.NextReview})
		}
	}
	return nil
}
