package memory

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// Update implements [crm.Store]. It calls decide once, with every customer
// that sel found, also when that is none.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (int, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()

	locked := make(map[string]bool)
	lock := func(ids []string) ([]crm.CustomerRow, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var rows []crm.CustomerRow
		for _, id := range slices.Sorted(slices.Values(ids)) {
			if sh.customers[id] != nil && !locked[id] {
				locked[id] = true
				rows = append(rows, sh.read(id))
			}
		}
		return rows, nil
	}

	pending := func(ids []string) ([]string, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool {
			return sh.customers[id] == nil || len(sh.customers[id].inbox) == 0
		}), nil
	}

	fill := func(customers []crm.CustomerRow) error {
		for i := range customers {
			c := &customers[i]
			c.Orders, c.Messages = sh.orders(c.ID), sh.unsettled(c.ID)
		}
		return ctx.Err()
	}

	ids := sel.IDs
	if ids == nil {
		ids = sh.due(sel)
	}
	customers, err := lock(ids)
	if err != nil {
		return 0, err
	}
	found := len(customers)
	changes, err := decide(&crm.Work{Revision: sh.revision, Customers: customers, Lock: lock, Pending: pending, Fill: fill})
	if err != nil {
		return 0, err
	}
	if changes == nil {
		return found, nil
	}
	for _, c := range changes.Customers {
		if !locked[c.ID] {
			return 0, errors.New("memory: update: decide changes a customer who is not locked")
		}
	}
	sh.apply(changes)
	return found, nil
}

// due returns up to sel.Limit customers of a lane that have something to do. In
// lane Prompt, one with a due timer and one with pending facts by turns, so that
// a flood of either does not keep the other waiting.
func (sh *shop) due(sel crm.Selection) []string {
	if sel.Lane == crm.Bulk {
		return firstDue(sh.reviews, sel, exact(sel.DueBy))
	}
	timers := firstDue(sh.timers, sel, exact(sel.DueBy))
	pending := firstDue(sh.pending, sel, time.UnixMicro(sh.arrival))
	chosen := make(map[string]bool)
	for i := range max(len(timers), len(pending)) {
		if i < len(timers) && len(chosen) < sel.Limit {
			chosen[timers[i]] = true
		}
		if i < len(pending) && len(chosen) < sel.Limit {
			chosen[pending[i]] = true
		}
	}
	return slices.Collect(maps.Keys(chosen))
}

// firstDue returns the first of a schedule that a selection wants.
func firstDue(s *schedule, sel crm.Selection, by time.Time) []string {
	var ids []string
	s.walk(func(id string, at time.Time) bool {
		if at.After(by) || len(ids) >= sel.Limit {
			return false
		}
		if sel.Share.Has(crm.Bucket(id)) && !slices.Contains(sel.Except, id) {
			ids = append(ids, id)
		}
		return true
	})
	return ids
}

// unsettled returns a customer's messages that may still be skipped or stopped.
func (sh *shop) unsettled(id string) (messages []crm.Message) {
	for message := range sh.belongingsOf(id).messages {
		m := sh.messages[message]
		switch m.State {
		case crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageUnknown:
			messages = append(messages, withoutContent(*m))
		}
	}
	slices.SortFunc(messages, func(a, b crm.Message) int { return compare(a.ID, b.ID) })
	return messages
}

// orders returns a customer's orders.
func (sh *shop) orders(id string) (orders []crm.OrderRow) {
	if b := sh.owned[id]; b != nil {
		for _, order := range b.orders {
			orders = append(orders, copyOrder(order))
		}
	}
	slices.SortFunc(orders, func(a, b crm.OrderRow) int { return compare(a.ID, b.ID) })
	return orders
}

// read returns a customer with her pending facts.
func (sh *shop) read(id string) crm.CustomerRow {
	c := sh.customers[id]
	row := crm.CustomerRow{ID: id, State: bytes.Clone(c.state), NextDue: c.nextDue, NextReview: c.nextReview}
	for fact := range c.inbox {
		row.Pending = append(row.Pending, copyFact(*sh.facts[fact]))
	}
	slices.SortFunc(row.Pending, compareFacts)
	return row
}
