package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
)

// Update implements [crm.Store]. In a database that [Open] has opened, decide
// works on what was read without the write lock, beside others who write; the
// lock is held only to write what it returned. Should somebody else have
// changed one of the customers meanwhile, or decide fail, it is called once
// more, under the lock. In the cart's own database it is called under the lock
// at once, and should take a few milliseconds at most.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, err error) {
	if s.own {
		found, settled, err := s.updateAhead(ctx, shop, sel, decide)
		if settled || err != nil {
			return found, err
		}
	}
	err = s.work(ctx, func(ctx context.Context, tx *session) error {
		u := newUpdate(shop, func(ctx context.Context, fn func(context.Context, *session) error) error { return fn(ctx, tx) })
		work, err := u.work(ctx, sel)
		if err != nil {
			return err
		}
		found = len(work.Customers)
		changes, err := decide(work)
		if err != nil {
			return err
		}
		return u.write(ctx, tx, changes)
	})
	if err != nil {
		return 0, err
	}
	return found, nil
}

// An update is one Update. The customers it has loaded are as good as locked:
// it is not written if one of them was changed since.
type update struct {
	read     reader
	tx       *session // writes
	shop     string
	revision int64
	locked   map[string]edition // by id
}

// An edition is a customer's row as it was loaded.
type edition struct {
	rowid, version int64
	written        bool // by this update
}

// A reader runs fn in a transaction.
type reader = func(ctx context.Context, fn func(ctx context.Context, tx *session) error) error

func newUpdate(shop string, read reader) *update {
	wrapped := func(ctx context.Context, fn func(context.Context, *session) error) error {
		if err := read(ctx, fn); err != nil {
			return fmt.Errorf("sqlite: update: %w", err)
		}
		return nil
	}
	return &update{read: wrapped, shop: shop, locked: make(map[string]edition)}
}

// work selects and loads what decide works on.
func (u *update) work(ctx context.Context, sel crm.Selection) (*crm.Work, error) {
	work := &crm.Work{
		Lock:    func(ids []string) ([]crm.CustomerRow, error) { return u.lock(ctx, ids) },
		Fill:    func(customers []crm.CustomerRow) error { return u.fill(ctx, customers) },
		Pending: func(ids []string) ([]string, error) { return u.waiting(ctx, ids) },
	}
	err := u.read(ctx, func(ctx context.Context, tx *session) (err error) {
		ids := sel.IDs
		if ids == nil {
			if ids, err = u.due(ctx, tx, sel); err != nil {
				return err
			}
		}
		if err := tx.one(ctx, selectRevision, []any{u.shop}, &u.revision); err != nil {
			return err
		}
		work.Customers, err = u.load(ctx, tx, ids)
		return err
	})
	work.Revision = u.revision
	return work, err
}

// write writes changes, which may be nil.
func (u *update) write(ctx context.Context, tx *session, changes *crm.Changes) error {
	if changes == nil {
		return nil
	}
	u.tx = tx
	if err := u.apply(ctx, changes); err != nil {
		return fmt.Errorf("sqlite: update: %w", err)
	}
	return nil
}

// selectWaiting finds those of a list who have a fact in the inbox.
const selectWaiting = `
	SELECT DISTINCT k.value FROM json_each(?2) k
	WHERE EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = ?1 AND i.customer_id = k.value) ORDER BY k.value`

// Customers with something to do: ?1 is the shop, ?2 how many, ?3 and ?4 the
// share, ?5 whom to leave out, ?6 the time. LIMIT ?2 alone would have SQLite
// prepare the statement anew whenever the parameter is set.
const (
	selected  = `c.bucket % ?3 = ?4 AND c.customer_id NOT IN (SELECT value FROM json_each(?5))`
	selectDue = `
		SELECT c.customer_id FROM goen_customer c
		WHERE c.shop_id = ?1 AND c.next_due <= ?6 AND ` + selected + ` ORDER BY c.next_due, c.customer_id LIMIT ?2 + 0`
	selectReviews = `
		SELECT c.customer_id FROM goen_customer c
		WHERE c.shop_id = ?1 AND c.next_review <= ?6 AND ` + selected + ` ORDER BY c.next_review, c.customer_id LIMIT ?2 + 0`
	selectPending = `
		SELECT DISTINCT i.customer_id
		FROM goen_inbox i CROSS JOIN goen_customer c ON c.shop_id = i.shop_id AND c.customer_id = i.customer_id
		WHERE i.shop_id = ?1 AND ` + selected + ` ORDER BY i.customer_id LIMIT ?2 + 0`
)

// due returns up to sel.Limit customers of a lane that have something to do. In
// lane Prompt, one with a due timer and one with pending facts by turns, so that
// a flood of either does not keep the other waiting.
func (u *update) due(ctx context.Context, tx *session, sel crm.Selection) ([]string, error) {
	limit := max(sel.Limit, 0)
	of, part := shares(sel.Share)
	args := []any{u.shop, limit, of, part, list(sel.Except)}
	by := append(args, ordered(sel.DueBy))
	if sel.Lane == crm.Bulk {
		return selectIDs(ctx, tx, selectReviews, by...)
	}
	timers, err := selectIDs(ctx, tx, selectDue, by...)
	if err != nil {
		return nil, err
	}
	pending, err := selectIDs(ctx, tx, selectPending, args...)
	if err != nil {
		return nil, err
	}
	chosen := make(map[string]bool)
	for i := range max(len(timers), len(pending)) {
		if i < len(timers) && len(chosen) < limit {
			chosen[timers[i]] = true
		}
		if i < len(pending) && len(chosen) < limit {
			chosen[pending[i]] = true
		}
	}
	return slices.Collect(maps.Keys(chosen)), nil
}

func selectIDs(ctx context.Context, tx *session, query string, args ...any) ([]string, error) {
	var ids []string
	err := tx.each(ctx, query, args, func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// lock is load in a transaction of its own.
func (u *update) lock(ctx context.Context, ids []string) (customers []crm.CustomerRow, err error) {
	err = u.read(ctx, func(ctx context.Context, tx *session) (err error) {
		customers, err = u.load(ctx, tx, ids)
		return err
	})
	return customers, err
}

// load loads those of ids that exist and were not loaded before.
func (u *update) load(ctx context.Context, tx *session, ids []string) ([]crm.CustomerRow, error) {
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool {
		_, locked := u.locked[id]
		return locked
	})
	if len(ids) == 0 {
		return nil, nil
	}
	return loadCustomers(ctx, tx, u.shop, ids, u.locked)
}

// fill loads what customers have who were loaded before.
func (u *update) fill(ctx context.Context, customers []crm.CustomerRow) error {
	return u.read(ctx, func(ctx context.Context, tx *session) error {
		return errors.Join(loadOrders(ctx, tx, u.shop, customers), loadMessages(ctx, tx, u.shop, customers))
	})
}

// waiting returns those of ids who have a fact in the inbox.
func (u *update) waiting(ctx context.Context, ids []string) (waiting []string, err error) {
	err = u.read(ctx, func(ctx context.Context, tx *session) (err error) {
		waiting, err = selectIDs(ctx, tx, selectWaiting, u.shop, list(ids))
		return err
	})
	return waiting, err
}
