package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

const (
	selectDue = `
		SELECT customer_id FROM goen_customer
		WHERE shop_id = $1 AND next_due BETWEEN $2 AND $3 AND customer_id <> ALL ($4::text[]) AND ($5::int < 2 OR bucket % $5 = $6::int)
		ORDER BY next_due, customer_id LIMIT $7`
	selectReview = `
		SELECT customer_id FROM goen_customer
		WHERE shop_id = $1 AND next_review BETWEEN $2 AND $3 AND customer_id <> ALL ($4::text[]) AND ($5::int < 2 OR bucket % $5 = $6::int)
		ORDER BY next_review, customer_id LIMIT $7`
	selectPending = `
		SELECT customer_id FROM (SELECT DISTINCT customer_id FROM goen_inbox WHERE shop_id = $1) AS i
		WHERE customer_id <> ALL ($2::text[]) AND ($3::int < 2 OR EXISTS (
			SELECT FROM goen_customer AS c WHERE c.shop_id = $1 AND c.customer_id = i.customer_id AND c.bucket % $3 = $4::int
		))
		ORDER BY customer_id LIMIT $5`
	earliestDue    = `SELECT min(next_due) FROM goen_customer WHERE shop_id = $1 AND next_due IS NOT NULL`
	earliestReview = `SELECT min(next_review) FROM goen_customer WHERE shop_id = $1 AND next_review IS NOT NULL`
)

// due locks and loads up to sel.Limit customers who have something to do: in
// lane Prompt by turns one with a due timer and one with pending facts, so that
// a flood of either does not keep the other waiting.
func (u *update) due(ctx context.Context, sel crm.Selection) ([]crm.CustomerRow, int, error) {
	limit, except := max(sel.Limit, 0), sel.Except
	if except == nil {
		except = []string{}
	}
	timers, pending, chosen := []string{}, []string{}, []string{}
	collect := func(ids *[]string) func(rows pgx.Rows) error {
		return func(rows pgx.Rows) error {
			*ids = append(*ids, "")
			return rows.Scan(&(*ids)[len(*ids)-1])
		}
	}
	kind, statement, earliest := timersDue, selectDue, earliestDue
	if sel.Lane == crm.Bulk {
		kind, statement, earliest = reviewsDue, selectReview, earliestReview
	}
	low := u.tx.above(u.shop, kind, sel.DueBy, earliest, u.shop)
	u.tx.each(statement, []any{u.shop, low.at, sel.DueBy, except, sel.Share.Of, sel.Share.Part, limit}, collect(&timers))
	if sel.Lane != crm.Bulk {
		u.tx.each(selectPending, []any{u.shop, except, sel.Share.Of, sel.Share.Part, limit}, collect(&pending))
	}
	if err := u.tx.run(ctx); err != nil {
		return nil, 0, err
	}
	low.done()
	seen := make(map[string]bool)
	for i := range max(len(timers), len(pending)) {
		for _, ids := range [][]string{timers, pending} {
			if i < len(ids) && len(chosen) < limit && !seen[ids[i]] {
				seen[ids[i]] = true
				chosen = append(chosen, ids[i])
			}
		}
	}
	slices.Sort(chosen)
	customers, err := u.lock(ctx, chosen)
	return customers, len(chosen), err
}
