package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/goen-crm/crm"
)

// Update implements [crm.Store]. decide is called with every customer that
// could be locked, also when that is none. It runs in a transaction that keeps
// the carts of these customers waiting, so it should take a few milliseconds at
// most.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (int, error) {
	var found int
	var refused error
	err := s.write(ctx, func(ctx context.Context, tx *session) error {
		u := &update{tx: tx, shop: shop, locked: make(map[string]bool)}
		work := crm.Work{Lock: func(ids []string) ([]crm.CustomerRow, error) {
			customers, err := u.lock(ctx, ids)
			return customers, failed("update", err)
		}}
		work.Pending = func(ids []string) ([]string, error) {
			pending, err := u.waiting(ctx, ids)
			return pending, failed("update", err)
		}
		work.Fill = func(customers []crm.CustomerRow) error {
			return failed("update", errors.Join(loadOrders(ctx, tx, shop, customers), loadMessages(ctx, tx, shop, customers)))
		}
		var err error
		if found, work.Customers, err = u.selected(ctx, sel); err != nil {
			return err
		}
		if err := tx.one(ctx, selectRevision, []any{shop}, &work.Revision); err != nil {
			return err
		}
		changes, err := decide(&work)
		if err != nil {
			refused = err
			return errRefused
		}
		if changes == nil {
			return nil
		}
		return u.apply(ctx, changes)
	})
	switch {
	case err == nil:
		return found, nil
	case refused != nil:
		return 0, refused
	}
	return 0, failed("update", err)
}

// An update is one Update in its transaction.
type update struct {
	tx     *session
	shop   string
	locked map[string]bool
}

// selected locks and loads the customers of a selection, and counts them,
// locked or not.
func (u *update) selected(ctx context.Context, sel crm.Selection) (int, []crm.CustomerRow, error) {
	if sel.IDs == nil {
		ids, err := u.due(ctx, sel)
		if err != nil {
			return 0, nil, err
		}
		customers, err := u.lock(ctx, ids)
		return len(ids), customers, err
	}
	ids := slices.Compact(slices.Sorted(slices.Values(sel.IDs)))
	customers, err := u.lock(ctx, ids)
	if err != nil || len(customers) == len(ids) {
		return len(ids), customers, err
	}
	found := 0
	err = u.tx.eachIn(ctx, selectMet, []any{u.shop}, ids, func(scanner) error { found++; return nil })
	return found, customers, err
}

const (
	selectTimers  = `SELECT customer_id FROM goen_customer FORCE INDEX (due) WHERE shop_id = ? AND next_due <= ?`
	selectReviews = `SELECT customer_id FROM goen_customer FORCE INDEX (review) WHERE shop_id = ? AND next_review <= ?`
	selectStirred = `SELECT DISTINCT customer_id FROM goen_inbox FORCE INDEX (PRIMARY) WHERE shop_id = ? AND customer_id ` + inList
	selectPending = `SELECT DISTINCT customer_id FROM goen_inbox FORCE INDEX (PRIMARY) WHERE shop_id = ?`
)

// due returns up to sel.Limit customers of a lane that have something to do. In
// lane Prompt, one with a due timer and one with pending facts by turns, so that
// a flood of either does not keep the other waiting.
func (u *update) due(ctx context.Context, sel crm.Selection) ([]string, error) {
	by := ordered(sel.DueBy)
	if sel.Lane == crm.Bulk {
		return u.first(ctx, sel, selectReviews, "next_review", u.shop, by)
	}
	timers, err := u.first(ctx, sel, selectTimers, "next_due", u.shop, by)
	if err != nil {
		return nil, err
	}
	pending, err := u.first(ctx, sel, selectPending, "customer_id", u.shop)
	if err != nil {
		return nil, err
	}
	var chosen []string
	seen := make(map[string]bool)
	for i := range max(len(timers), len(pending)) {
		for _, ids := range [][]string{timers, pending} {
			if i < len(ids) && len(chosen) < sel.Limit && !seen[ids[i]] {
				chosen, seen[ids[i]] = append(chosen, ids[i]), true
			}
		}
	}
	return chosen, nil
}

// first returns the first customers of a query that a selection wants.
func (u *update) first(ctx context.Context, sel crm.Selection, query, order string, args ...any) ([]string, error) {
	if sel.Limit <= 0 {
		return nil, nil
	}
	if sel.Share.Of > 1 {
		query += fmt.Sprintf(" AND bucket %% %d = %d", sel.Share.Of, sel.Share.Part)
	}
	query += fmt.Sprintf(" ORDER BY %s LIMIT %d", order, sel.Limit+len(sel.Except))
	ids, err := u.tx.keys(ctx, query, args...)
	ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(sel.Except, id) })
	return ids[:min(len(ids), sel.Limit)], err
}

// waiting returns those of ids who have a fact in the inbox.
func (u *update) waiting(ctx context.Context, ids []string) ([]string, error) {
	var waiting []string
	err := u.tx.eachIn(ctx, selectStirred, []any{u.shop}, ids, func(scan scanner) error {
		var id string
		err := scan(&id)
		waiting = append(waiting, id)
		return err
	})
	slices.Sort(waiting)
	return slices.Compact(waiting), err
}

// lock locks and loads those of ids that exist, that nobody else holds and that
// were not locked before.
func (u *update) lock(ctx context.Context, ids []string) ([]crm.CustomerRow, error) {
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool { return u.locked[id] })
	customers, err := loadCustomers(ctx, u.tx, lockCustomers, u.shop, ids)
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	for _, c := range customers {
		u.locked[c.ID] = true
	}
	return customers, nil
}
