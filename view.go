package crm

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// picture is p as callers see it.
func (p *person) picture() *Customer {
	c := &Customer{
		ID: p.key, Guest: !isAccount(p.key), Profile: p.state.profile(), Rank: p.standing(),
		Purchases: summarize(p.orders(), p.baseline(), p.d.settings.Currency, latestTime),
	}
	c.Mailable = c.Email != "" && !p.d.unmailable(c.Email)
	for _, key := range sortedKeys(p.state.Consents) {
		if consent := p.state.Consents[key]; p.state.answered(consent) && key != consentKey("", consent.Topic) {
			c.Consents = append(c.Consents, consent.Consent)
		}
	}
	for _, id := range sortedKeys(p.orders()) {
		c.Orders = append(c.Orders, p.orders()[id].placed())
	}
	slices.SortStableFunc(c.Orders, func(a, b PlacedOrder) int { return a.PlacedAt.Compare(b.PlacedAt) })
	for _, id := range sortedKeys(p.state.Carts) {
		if _, open := p.open(p.state.Carts[id]); open {
			c.Carts = append(c.Carts, p.state.Carts[id].Cart)
		}
	}
	slices.SortStableFunc(c.Carts, func(a, b Cart) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for _, e := range p.state.Enrollments {
		if !e.Done {
			c.Enrollments = append(c.Enrollments, Enrollment{
				ID: e.ID, Journey: e.Journey, Version: e.Version, Order: e.Order, Cart: e.Cart,
				Since: e.Since, Step: e.Step, Due: e.Due,
			})
		}
	}
	slices.SortStableFunc(c.Enrollments, func(a, b Enrollment) int { return a.Due.Compare(b.Due) })
	return c
}

// view is a customer as of an instant, worked out in memory: what a worker
// would make of her now, without writing it.
type view struct {
	shop    *Shop
	person  *person // nil if nobody goes by that id
	changes *Changes
}

func (s *Shop) view(ctx context.Context, id string) (*view, error) {
	d, err := s.crm.definitions(ctx, s.id)
	if err != nil {
		return nil, err
	}
	return s.viewBy(ctx, d, s.crm.now(), id)
}

func (s *Shop) viewBy(ctx context.Context, d *definitions, now time.Time, id string) (*view, error) {
	h, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	changes, persons, problems := fold(d, now, h)
	if len(problems) > 0 {
		return nil, problems[0].err
	}
	v := &view{shop: s, changes: changes}
	for range 3 { // cart → guest → account
		r := h.records[id]
		if r == nil || r.state.Owner == "" {
			break
		}
		id = r.state.Owner
	}
	for _, p := range persons {
		if p.key == id {
			v.person = p
		}
	}
	return v, nil
}

// load gathers a customer, and those her facts concern, without locking them.
func (s *Shop) load(ctx context.Context, id string) (*household, error) {
	read := func(ids []string) ([]CustomerRow, error) {
		var rows []CustomerRow
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: ids}) {
			if err != nil {
				return nil, err
			}
			if row.State == nil {
				rows = append(rows, row) // never folded, so nothing was decided
				continue
			}
			q := MessageQuery{Customer: row.ID, States: []MessageState{MessageQueued, MessageClaimed, MessageStarted, MessageUnknown}}
			for m, err := range s.crm.store.Messages(ctx, s.id, q) {
				if err != nil {
					return nil, err
				}
				row.Messages = append(row.Messages, m)
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	rows, err := read([]string{id})
	if err != nil {
		return nil, err
	}
	pending := func(ids []string) ([]string, error) {
		var some []string
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: ids}) {
			if err != nil {
				return nil, err
			}
			if len(row.Pending) > 0 {
				some = append(some, row.ID)
			}
		}
		return some, nil
	}
	return gather(&Work{Customers: rows, Lock: read, Pending: pending})
}

// keys are those under which v's rows may be stored.
func (v *view) keys() []string {
	keys := []string{v.person.key}
	for _, m := range v.changes.Move {
		if m.To == v.person.key {
			keys = append(keys, m.From)
		}
	}
	return keys
}

// messages are the stored ones with v's changes on top.
func (v *view) messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	if v.person == nil {
		return nil, ErrNotFound
	}
	var list []Message
	states := q.States
	q.States = nil
	for _, key := range v.keys() {
		q.Customer = key
		for m, err := range v.shop.crm.store.Messages(ctx, v.shop.id, q) {
			if err != nil {
				return nil, err
			}
			m.Customer = v.person.key
			list = append(list, m)
		}
	}
	for _, skip := range v.changes.Skip {
		for i := range list {
			if list[i].ID == skip.Message && (list[i].State == MessageQueued || list[i].State == MessageClaimed) {
				list[i].State, list[i].Reason, list[i].SettledAt = MessageSkipped, skip.Reason, skip.At
			}
		}
	}
	for _, m := range v.changes.Queue {
		stored := slices.ContainsFunc(list, func(o Message) bool { return o.ID == m.ID })
		if m.Customer == v.person.key && !stored && (q.ID == "" || q.ID == m.ID) {
			list = append(list, m)
		}
	}
	list = slices.DeleteFunc(list, func(m Message) bool { return states != nil && !slices.Contains(states, m.State) })
	slices.SortFunc(list, func(a, b Message) int { return cmp.Or(a.SendAt.Compare(b.SendAt), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}
