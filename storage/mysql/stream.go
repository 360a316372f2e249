package mysql

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/goen-crm/crm"
)

// How many rows a stream reads at a time: few at first, for those who look only
// at the beginning. Between pages it holds neither a connection nor a
// transaction: a consumer may take its time and call the store.
const (
	firstPage = 20
	fullPage  = chunk
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
				yield(none, failed(what, err))
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

const selectCustomerIDs = `SELECT customer_id FROM goen_customer FORCE INDEX (PRIMARY) WHERE shop_id = ? AND customer_id > ? ORDER BY customer_id LIMIT ?`

// Customers implements [crm.Store].
func (s *Store) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	if q.IDs != nil {
		return s.listed(ctx, shop, q)
	}
	return pages(ctx, s, "customers", func(ctx context.Context, tx *session, last *crm.CustomerRow, limit int) ([]crm.CustomerRow, error) {
		after := q.After
		if last != nil {
			after = last.ID
		}
		ids, err := tx.keys(ctx, selectCustomerIDs, shop, after, limit)
		if err != nil {
			return nil, err
		}
		return loadPictures(ctx, tx, shop, ids)
	})
}

// loadPictures returns those of ids that exist with their pending facts and
// orders.
func loadPictures(ctx context.Context, tx *session, shop string, ids []string) ([]crm.CustomerRow, error) {
	customers, err := loadCustomers(ctx, tx, selectCustomers, shop, ids)
	if err != nil {
		return nil, err
	}
	return customers, loadOrders(ctx, tx, shop, customers)
}

// listed streams the customers of a list.
func (s *Store) listed(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	ids := slices.Compact(slices.Sorted(slices.Values(q.IDs)))
	ids = slices.DeleteFunc(ids, func(id string) bool { return id <= q.After && q.After != "" })
	return func(yield func(crm.CustomerRow, error) bool) {
		for part := range slices.Chunk(ids, fullPage) {
			var page []crm.CustomerRow
			err := s.read(ctx, func(ctx context.Context, tx *session) (err error) {
				page, err = loadPictures(ctx, tx, shop, part)
				return err
			})
			if err != nil {
				yield(crm.CustomerRow{}, failed("customers", err))
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// Facts implements [crm.Store].
func (s *Store) Facts(ctx context.Context, shop string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	return pages(ctx, s, "facts", func(ctx context.Context, tx *session, last *crm.FactRow, limit int) ([]crm.FactRow, error) {
		query, args := factPage(shop, q, last, limit)
		var page []crm.FactRow
		err := tx.each(ctx, query, args, func(scan scanner) error {
			var f crm.FactRow
			err := scanFact(scan, &f)
			page = append(page, f)
			return err
		})
		return page, err
	})
}

// factPage is the query for the facts after last. Facts set aside are few: they
// are found by their own index and sorted.
func factPage(shop string, q crm.FactQuery, last *crm.FactRow, limit int) (string, []any) {
	by, args := "time", []any{shop}
	where := "f.shop_id = ?"
	if q.SetAside {
		by, where = "set_aside", where+" AND f.set_aside IS NOT NULL"
	}
	if q.Customer != "" {
		by, where, args = "customer", where+" AND f.customer_id = ?", append(args, q.Customer)
	}
	if q.ID != "" {
		by, where, args = "PRIMARY", where+" AND f.fact_id = ?", append(args, q.ID)
	}
	if last != nil {
		at := ordered(last.Time)
		where, args = where+" AND f.event_at >= ? AND (f.event_at > ? OR f.fact_id > ?)", append(args, at, at, last.ID)
	}
	return fmt.Sprintf("SELECT "+factColumns+" FROM goen_fact f FORCE INDEX (%s) WHERE %s ORDER BY f.event_at, f.fact_id LIMIT %d", by, where, limit), args
}
