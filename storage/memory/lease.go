package memory

import (
	"context"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// Lease implements [crm.Store].
func (s *Store) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return crm.Leases{}, err
	}
	defer s.mu.Unlock()

	now, queued := exact(req.Now), sh.queued(req.Lane)
	mayClaim := func(m *crm.Message) bool { return req.Share.Has(crm.Bucket(m.ID)) && !sh.fenced(m, now) }
	var leases crm.Leases
	var free []*crm.Message // what may be claimed
	sh.leased.walk(func(id string, until time.Time) bool {
		if until.After(now) {
			return false
		}
		m := sh.messages[id]
		if m.State == crm.MessageStarted {
			leases.Expired = append(leases.Expired, copyMessage(*m))
		} else if sh.queued(m.Lane) == queued && mayClaim(m) {
			free = append(free, m)
		}
		return true
	})
	open := 0
	queued.walk(func(id string, at time.Time) bool {
		if at.After(now) || open >= req.Limit {
			return false
		}
		if m := sh.messages[id]; mayClaim(m) {
			free = append(free, m)
			open++
		}
		return true
	})
	slices.SortFunc(free, func(a, b *crm.Message) int { return compareMessages(*a, *b) })
	for _, m := range free[:min(len(free), max(req.Limit, 0))] {
		m.State, m.LeaseUntil = crm.MessageClaimed, exact(req.Until)
		m.Attempt++
		sh.reschedule(m)
		leases.Claimed = append(leases.Claimed, copyMessage(*m))
	}
	slices.SortFunc(leases.Expired, compareMessages)
	return leases, nil
}

// fenced reports whether something not yet folded may speak against a message:
// a fact in the inbox of a customer it names, or a due timer of its customer.
func (sh *shop) fenced(m *crm.Message, now time.Time) bool {
	for _, key := range []string{m.Customer, m.AddressKey, m.CartKey} {
		if c := sh.customers[key]; c != nil && len(c.inbox) > 0 {
			return true
		}
	}
	c := sh.customers[m.Customer]
	return c != nil && isDue(c.nextDue, now)
}
