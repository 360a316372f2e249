package postgres

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// How many rows a stream reads at a time: few at first, for those who look only
// at the beginning. Between pages it holds neither a connection nor a snapshot:
// a consumer may take its time and call the store.
const (
	firstPage = 20
	fullPage  = 500
)

// pages streams what next reads after the last row, nil at first, until a page
// is not full. The first page has so many rows.
func pages[R any](ctx context.Context, s *Store, what string, first int, next func(tx *transaction, last *R, limit int) ([]R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var last *R
		for limit := first; ; limit = min(limit*5, fullPage) {
			var page []R
			err := s.read(ctx, what, limit, func(tx *transaction) (err error) {
				if page, err = next(tx, last, limit); err != nil {
					return err
				}
				return tx.commit(ctx)
			})
			if err != nil {
				var none R
				yield(none, err)
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
	selectCustomers = `
		SELECT ` + customerColumns + ` FROM goen_customer AS c WHERE c.shop_id = $1 AND c.customer_id > $2 ORDER BY c.customer_id LIMIT $3`
	selectListed = `
		SELECT ` + customerColumns + ` FROM (
			SELECT DISTINCT k.customer_id FROM unnest($4::text[]) AS k (customer_id) WHERE k.customer_id COLLATE "C" > $2 COLLATE "C"
		) AS k CROSS JOIN LATERAL (
			SELECT * FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id OFFSET 0
		) AS c ORDER BY c.customer_id LIMIT $3`
)

// Customers implements [crm.Store].
func (s *Store) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	first := firstPage
	if q.IDs != nil {
		first = fullPage // they would not be named if they were not wanted
	}
	return pages(ctx, s, "customers", first, func(tx *transaction, last *crm.CustomerRow, limit int) ([]crm.CustomerRow, error) {
		tx.queue(useKeys)
		after := q.After
		if last != nil {
			after = last.ID
		}
		query, args := selectCustomers, []any{shop, after, limit}
		if q.IDs != nil {
			query, args = selectListed, append(args, q.IDs)
		}
		var page []crm.CustomerRow
		tx.each(query, args, func(rows pgx.Rows) error {
			page = append(page, crm.CustomerRow{})
			return scanCustomer(rows, &page[len(page)-1])
		})
		if err := tx.run(ctx); err != nil {
			return nil, err
		}
		ids := column(page, func(c *crm.CustomerRow) string { return c.ID })
		tx.loadOrders(shop, ids, &page)
		tx.loadInbox(shop, ids, &page, nil)
		return page, nil
	})
}

// Facts implements [crm.Store].
func (s *Store) Facts(ctx context.Context, shop string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	return pages(ctx, s, "facts", firstPage, func(tx *transaction, last *crm.FactRow, limit int) ([]crm.FactRow, error) {
		query, args := factPage(shop, q, last, limit)
		var page []crm.FactRow
		tx.each(query, args, func(rows pgx.Rows) error {
			page = append(page, crm.FactRow{})
			return scanFact(rows, &page[len(page)-1])
		})
		return page, tx.run(ctx)
	})
}

// factPage is the query for the facts after last. A whole shop's are merged from
// those with a body and those without, each of which has an index of its own.
func factPage(shop string, q crm.FactQuery, last *crm.FactRow, limit int) (string, []any) {
	args := arguments{shop}
	where := `f.shop_id = $1`
	if q.Customer != "" {
		where += ` AND f.customer_id = ` + args.add(q.Customer)
	}
	if q.ID != "" {
		where += ` AND f.fact_id = ` + args.add(q.ID)
	}
	if q.SetAside {
		where += ` AND f.set_aside IS NOT NULL`
	}
	if last != nil {
		where += ` AND (f.event_at, f.fact_id) > (` + args.add(last.Time) + `, ` + args.add(last.ID) + `)`
	}
	end := ` ORDER BY f.event_at, f.fact_id LIMIT ` + args.add(limit)
	if q.Customer != "" || q.ID != "" || q.SetAside {
		return `SELECT ` + factColumns + ` FROM goen_fact AS f WHERE ` + where + end, args
	}
	var arms []string
	for _, body := range []string{`IS NOT NULL`, `IS NULL`} {
		arms = append(arms, `(SELECT * FROM goen_fact AS f WHERE `+where+` AND f.body `+body+end+`)`)
	}
	return `SELECT ` + factColumns + ` FROM (` + strings.Join(arms, ` UNION ALL `) + `) AS f` + end, args
}

// Arguments are those of a query that is put together.
type arguments []any

// add returns the placeholder of another argument.
func (a *arguments) add(value any) string {
	*a = append(*a, value)
	return "$" + strconv.Itoa(len(*a))
}
