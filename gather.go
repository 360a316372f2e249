package crm

import (
	"errors"
	"slices"
	"time"
)

// errNewerCore: a document was written by a core that this one cannot follow.
var errNewerCore = errors.New("crm: was written by a newer version of goen")

// record is one customer row under the lock, decoded.
type record struct {
	row     CustomerRow
	home    *household
	state   *customerState
	decoded map[string]*orderState // what orders returns; nil before it was asked for
	changed map[string]bool        // orders to write
	joined  bool                   // it has just taken over another's orders
	facts   []Fact                 // what its inbox held and could be read
	sees    []sighting             // of the group's facts, in order of (time, id)
	taken   []Message              // messages not settled yet of those whose owner she turned out to be
	moved   bool                   // its rows go to its owner
	found   bool                   // its owner has just turned out
	needs   []string               // customers without whom it cannot be folded
	broken  bool                   // the row was written by a newer core
	damaged bool                   // one of its orders was

	loadedDue, loadedReview time.Time // NextDue and NextReview as they were loaded
}

// household is the customers of one transaction, and those they depend on. It
// is split into groups that share an address, a cart or an owner: a group is
// folded whole or not at all.
type household struct {
	records map[string]*record
	facts   map[string]Fact // that were read, by id: one fact is in several inboxes
	doc     document
	// fill, if not nil, loads orders and messages, which are not there yet.
	fill    func([]CustomerRow) error
	failure error // of fill: what was decided after it is void
	// setAside are facts that could not be read, by id.
	setAside map[string]string
	// poisoned, if not nil, reports whether customers failed so often that the
	// facts which they fail on are to be set aside.
	poisoned func(keys []string) bool
}

// gather reads the selected customers and locks whoever else their facts
// concern.
func gather(w *Work) (*household, error) {
	h := &household{records: make(map[string]*record), facts: make(map[string]Fact), setAside: make(map[string]string), fill: w.Fill}
	asked := make(map[string]bool)
	rows := w.Customers
	for {
		var need []string
		for _, row := range rows {
			asked[row.ID] = true
			h.records[row.ID] = h.read(row)
		}
		if err := h.visit(w, rows); err != nil {
			return nil, err
		}
		for _, row := range rows {
			for _, key := range h.records[row.ID].needs {
				if !asked[key] {
					asked[key] = true
					need = append(need, key)
				}
			}
		}
		if len(need) == 0 {
			return h, nil
		}
		slices.Sort(need)
		var err error
		if rows, err = w.Lock(need); err != nil {
			return nil, err
		}
	}
}

// visit asks whether facts wait under the addresses and carts of customers who
// have none themselves. Mostly none do, and then these need not be locked: a
// fact that comes in under one of them later cannot be folded without the
// customer, whose lock is held.
func (h *household) visit(w *Work, rows []CustomerRow) error {
	visitors := make(map[string][]*record)
	for _, row := range rows {
		if r := h.records[row.ID]; !r.broken && len(r.facts) == 0 {
			for place := range r.state.Places {
				visitors[place] = append(visitors[place], r)
			}
		}
	}
	if len(visitors) == 0 {
		return nil
	}
	pending, err := w.Pending(sortedKeys(visitors))
	for _, place := range pending {
		for _, r := range visitors[place] {
			r.needs = append(r.needs, place)
		}
	}
	return err
}

func (h *household) read(row CustomerRow) *record {
	r := &record{row: row, home: h, loadedDue: row.NextDue, loadedReview: row.NextReview, changed: make(map[string]bool)}
	var err error
	if r.state, err = h.doc.state(row.State); err != nil {
		r.broken = true
		return r
	}
	for _, pending := range row.Pending {
		fact, err := h.fact(pending)
		if errors.Is(err, ErrUnknown) {
			r.broken = true // a newer goen's fact waits for a newer goen
			return r
		}
		if err != nil {
			h.setAside[pending.ID] = string(ReasonUndecodable)
			continue
		}
		r.facts = append(r.facts, fact)
	}
	r.needs = r.depends()
	return r
}

// complete loads the orders and messages of all, when the first of them is asked
// for. A wait that ends asks for neither.
func (h *household) complete() {
	if h.fill == nil {
		return
	}
	rows := make([]CustomerRow, 0, len(h.records))
	for _, id := range sortedKeys(h.records) {
		rows = append(rows, CustomerRow{ID: id})
	}
	h.failure, h.fill = h.fill(rows), nil
	for i := range rows {
		row := &h.records[rows[i].ID].row
		row.Orders, row.Messages = rows[i].Orders, rows[i].Messages
	}
}

// messages are those not settled yet that are the customer's.
func (r *record) messages() []Message {
	r.home.complete()
	return slices.Concat(r.row.Messages, r.taken)
}

// orders are the customer's, decoded when somebody asks.
func (r *record) orders() map[string]*orderState {
	if r.decoded != nil {
		return r.decoded
	}
	r.home.complete()
	r.decoded = make(map[string]*orderState, len(r.row.Orders))
	for _, row := range r.row.Orders {
		if row.State == nil {
			continue // of before she was erased
		}
		order := new(orderState)
		if r.home.doc.decode(row.State, order) != nil {
			r.damaged = true
			continue
		}
		r.decoded[row.ID] = order
	}
	return r.decoded
}

// fact reads a fact, once.
func (h *household) fact(row FactRow) (Fact, error) {
	if f, ok := h.facts[row.ID]; ok {
		return f, nil
	}
	f, err := row.fact()
	if err == nil && h.facts != nil {
		f.named = f.keys()
		h.facts[row.ID] = f
	}
	return f, err
}

// depends are the other customers without whom r cannot be folded: its owner,
// and, if facts came in for it, everyone these name, the addresses and carts of
// a customer, and everyone who was seen with an address or cart. An address that
// has many to tell of an answer depends on the next of them.
func (r *record) depends() []string {
	var keys []string
	if r.state.Owner != "" {
		keys = append(keys, r.state.Owner)
	}
	for _, f := range r.facts {
		keys = append(keys, f.keys()...)
	}
	if len(r.facts) > 0 {
		keys = append(keys, sortedKeys(r.state.Places)...)
		keys = append(keys, latestLinks(r.state.Links)...)
	}
	return append(keys, r.state.listeners()...)
}

// gone reports whether the customer was erased and not seen since.
func (r *record) gone() bool {
	return !r.state.Erased.zero() && len(r.state.Said) == 0 && len(r.orders()) == 0 && len(r.state.Carts) == 0
}

// maxLinks bounds how many customers of one address or cart are told at once
// what happens under it: an office's shared address must not lock the whole
// office.
const maxLinks = 32

// latestLinks returns the customers seen last with an address or cart.
func latestLinks(links map[string]stamp) []string {
	keys := latest(links)
	return keys[:min(len(keys), maxLinks)]
}

// latest returns the keys of stamps, the latest first.
func latest(stamps map[string]stamp) []string {
	keys := sortedKeys(stamps)
	slices.SortStableFunc(keys, func(a, b string) int { return stamps[b].compare(stamps[a]) })
	return keys
}

// groups returns the sets of records that are complete and readable, each in
// order of key, and those with one that this version of goen cannot read.
func (h *household) groups() (groups, unreadable [][]*record) {
	leader := make(map[string]string)
	var find func(key string) string
	find = func(key string) string {
		if l, ok := leader[key]; ok && l != key {
			leader[key] = find(l)
			return leader[key]
		}
		return key
	}
	spoilt, broken := make(map[string]bool), make(map[string]bool)
	keys := sortedKeys(h.records)
	for _, key := range keys {
		for _, need := range h.records[key].needs {
			a, b := find(key), find(need)
			if a != b {
				leader[max(a, b)] = min(a, b)
			}
		}
	}
	for _, key := range keys {
		if h.records[key].broken {
			broken[find(key)] = true
		}
		for _, need := range h.records[key].needs {
			if h.records[need] == nil {
				spoilt[find(key)] = true // somebody else has it locked
			}
		}
	}
	members := make(map[string][]*record)
	for _, key := range keys {
		members[find(key)] = append(members[find(key)], h.records[key])
	}
	for _, key := range sortedKeys(members) {
		switch {
		case broken[key]:
			unreadable = append(unreadable, members[key])
		case !spoilt[key]:
			groups = append(groups, members[key])
		}
	}
	return groups, unreadable
}
