package sqlite

import (
	"context"
	"errors"
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
		u := &update{tx: tx, shop: shop, locked: make(map[string]int64)}
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
		work.Pending = func(ids []string) ([]string, error) { return u.ids(ctx, selectWaiting, u.shop, list(ids)) }
		work.Fill = func(customers []crm.CustomerRow) error {
			if err := errors.Join(loadOrders(ctx, tx, shop, customers), loadMessages(ctx, tx, shop, customers)); err != nil {
				return fmt.Errorf("sqlite: update: %w", err)
			}
			return nil
		}
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
	locked map[string]int64 // rowids by id
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
func (u *update) due(ctx context.Context, sel crm.Selection) ([]string, error) {
	limit := max(sel.Limit, 0)
	of, part := shares(sel.Share)
	args := []any{u.shop, limit, of, part, list(sel.Except)}
	by := append(args, ordered(sel.DueBy))
	if sel.Lane == crm.Bulk {
		return u.ids(ctx, selectReviews, by...)
	}
	timers, err := u.ids(ctx, selectDue, by...)
	if err != nil {
		return nil, err
	}
	pending, err := u.ids(ctx, selectPending, args...)
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
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool {
		_, locked := u.locked[id]
		return locked
	})
	if len(ids) == 0 {
		return nil, nil
	}
	customers, err := loadCustomers(ctx, u.tx, u.shop, ids, u.locked)
	if err != nil {
		return nil, fmt.Errorf("sqlite: update: %w", err)
	}
	return customers, nil
}
