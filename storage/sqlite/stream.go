package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/goen-crm/crm"
)

// How many rows a stream reads at a time: few at first, for those who look only
// at the beginning. Between pages it holds neither a connection nor a
// transaction: a consumer may take its time and call the store, and the
// write-ahead log can be cut.
const (
	firstPage = 20
	fullPage  = 500
)

// nextPage reads up to limit rows after the last one, nil at first.
type nextPage[R any] func(ctx context.Context, tx *session, last *R, limit int) ([]R, error)

// pages streams what next reads, until a page is not full.
func pages[R any](ctx context.Context, s *Store, what string, next nextPage[R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var last *R
		for limit := firstPage; ; limit = min(limit*5, fullPage) {
			var page []R
			err := s.read(ctx, func(ctx context.Context, tx *session) (err error) {
				page, err = next(ctx, tx, last, limit)
				return err
			})
			if err != nil {
				var none R
				yield(none, fmt.Errorf("sqlite: %s: %w", what, err))
				return
			}
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if len(page) < limit {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

const (
	selectCustomerIDs = `SELECT customer_id FROM goen_customer WHERE shop_id = ? AND customer_id > ? ORDER BY customer_id LIMIT ?`
	selectListedIDs   = `
		SELECT DISTINCT c.customer_id
		FROM json_each(?4) k CROSS JOIN goen_customer c ON c.shop_id = ?1 AND c.customer_id = k.value
		WHERE c.customer_id > ?2 ORDER BY c.customer_id LIMIT ?3`
)

// Customers implements [crm.Store].
func (s *Store) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	return pages(ctx, s, "customers", func(ctx context.Context, tx *session, last *crm.CustomerRow, limit int) ([]crm.CustomerRow, error) {
		after := q.After
		if last != nil {
			after = last.ID
		}
		query, args := selectCustomerIDs, []any{shop, after, limit}
		if q.IDs != nil {
			query, args = selectListedIDs, append(args, list(q.IDs))
		}
		var ids []string
		err := tx.each(ctx, query, args, func(scan scanner) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
		if err != nil || len(ids) == 0 {
			return nil, err
		}
		customers, err := loadCustomers(ctx, tx, shop, ids, nil)
		return customers, errors.Join(err, loadOrders(ctx, tx, shop, customers))
	})
}

// Facts implements [crm.Store].
func (s *Store) Facts(ctx context.Context, shop string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	return pages(ctx, s, "facts", func(ctx context.Context, tx *session, last *crm.FactRow, limit int) ([]crm.FactRow, error) {
		query := `SELECT ` + factColumns + ` FROM goen_fact f WHERE f.shop_id = ?1`
		args := []any{shop, q.Customer, q.ID, nil, nil, limit}
		if q.Customer != "" {
			query += ` AND f.customer_id = ?2`
		}
		if q.ID != "" {
			query += ` AND f.fact_id = ?3`
		}
		if q.SetAside {
			query += ` AND f.set_aside IS NOT NULL`
		}
		if last != nil {
			query += ` AND (f.event_at, f.fact_id) > (?4, ?5)`
			args[3], args[4] = ordered(last.Time), last.ID
		}
		var page []crm.FactRow
		err := tx.each(ctx, query+` ORDER BY f.event_at, f.fact_id LIMIT ?6`, args, func(scan scanner) error {
			var f crm.FactRow
			err := scanFact(scan, &f)
			page = append(page, f)
			return err
		})
		return page, err
	})
}
