package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
)

// Update implements [crm.Store]. decide is called once, with every customer
// that sel found, also when that is none; it runs under the database's write
// lock and should take a few milliseconds at most.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, err error) {
	err = s.work(ctx, func(ctx context.Context, tx *session) error {
		u := &update{tx: tx, shop: shop, locked: make(map[string]bool)}
		ids := sel.IDs
		if ids == nil {
			if ids, err = u.due(ctx, sel); err != nil {
				return fmt.Errorf("sqlite: update: %w", err)
			}
		}
		var work crm.Work
		if err := tx.one(ctx, selectRevision, []any{shop}, &work.Revision); err != nil {
			return fmt.Errorf("sqlite: update: %w", err)
		}
		work.Lock = func(ids []string) ([]crm.CustomerRow, error) { return u.lock(ctx, ids) }
		if work.Customers, err = u.lock(ctx, ids); err != nil {
			return err
		}
		n := len(work.Customers)
		changes, err := decide(&work)
		if err != nil {
			return err
		}
		if changes != nil {
			if err := u.apply(ctx, changes); err != nil {
				return fmt.Errorf("sqlite: update: %w", err)
			}
		}
		found = n
		return nil
	})
	if err != nil {
		return 0, err
	}
	return found, nil
}

// An update is one Update in its transaction. Its write lock is the lock of
// every customer.
type update struct {
	tx     *session
	shop   string
	locked map[string]bool
}

const (
	selectDue = `
		SELECT customer_id FROM goen_customer WHERE shop_id = ? AND next_due <= ? ORDER BY next_due, customer_id LIMIT ?`
	selectPending = `SELECT DISTINCT customer_id FROM goen_inbox WHERE shop_id = ? ORDER BY customer_id LIMIT ?`
)

// due returns up to sel.Limit customers that have something to do: by turns one
// with a due timer and one with pending facts, so that a flood of either does
// not keep the other waiting.
func (u *update) due(ctx context.Context, sel crm.Selection) ([]string, error) {
	limit := max(sel.Limit, 0)
	timers, err := u.ids(ctx, selectDue, u.shop, ordered(sel.DueBy), limit)
	if err != nil {
		return nil, err
	}
	pending, err := u.ids(ctx, selectPending, u.shop, limit)
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

func (u *update) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	var ids []string
	err := u.tx.each(ctx, query, args, func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// lock loads those of ids that exist and were not loaded before.
func (u *update) lock(ctx context.Context, ids []string) ([]crm.CustomerRow, error) {
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool { return u.locked[id] })
	if len(ids) == 0 {
		return nil, nil
	}
	customers, err := loadCustomers(ctx, u.tx, u.shop, ids, true)
	if err != nil {
		return nil, fmt.Errorf("sqlite: update: %w", err)
	}
	for _, c := range customers {
		u.locked[c.ID] = true
	}
	return customers, nil
}
