package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

const (
	earliestDue    = `SELECT (SELECT next_due FROM goen_customer WHERE shop_id = $1 AND next_due IS NOT NULL ORDER BY next_due LIMIT 1)`
	earliestReview = `SELECT (SELECT next_review FROM goen_customer WHERE shop_id = $1 AND next_review IS NOT NULL ORDER BY next_review LIMIT 1)`
)

// selectDue is the query for those of a selection whose time, in this column,
// has come, and where their rows are.
func selectDue(column, shop string, low time.Time, sel crm.Selection) (string, []any) {
	args := arguments{shop, low, sel.DueBy}
	return `SELECT ctid::text, customer_id FROM goen_customer WHERE shop_id = $1 AND ` + column + ` BETWEEN $2 AND $3` +
		args.except(sel.Except) + args.share(sel.Share, `bucket % 8`, `bucket`) +
		` ORDER BY ` + column + ` LIMIT ` + args.add(max(sel.Limit, 0)), args
}

// selectPending is the query for those of a selection who have pending facts.
func selectPending(shop string, sel crm.Selection) (string, []any) {
	args := arguments{shop}
	const bucket = `(SELECT c.bucket FROM goen_customer AS c WHERE c.shop_id = $1 AND c.customer_id = i.customer_id)`
	return `SELECT DISTINCT i.share, i.customer_id FROM goen_inbox AS i WHERE i.shop_id = $1` +
		args.except(sel.Except) + args.share(sel.Share, `i.share`, bucket) +
		` ORDER BY i.share, i.customer_id LIMIT ` + args.add(max(sel.Limit, 0)), args
}

// except is the condition that leaves customers out.
func (a *arguments) except(ids []string) string {
	if len(ids) == 0 {
		return ``
	}
	return ` AND customer_id <> ALL (` + a.add(ids) + `::text[])`
}

// inboxShare is in which share of the inbox a customer's facts wait: it follows
// from her id, so that they are looked up by the whole key.
func inboxShare(id *string) int16 { return int16(crm.Bucket(*id) % 8) }

// share is the condition that limits a query to a share of the customers. Which
// eighth somebody is in is read from the index alone, so that passing over the
// others costs little.
func (a *arguments) share(s crm.Share, eighth, bucket string) (condition string) {
	if s.Of > 1 && s.Of%8 == 0 {
		condition = ` AND ` + eighth + ` = ` + a.add(s.Part%8) + `::int`
	}
	if s.Of > 1 && s.Of != 8 {
		condition += ` AND ` + bucket + ` % ` + a.add(s.Of) + `::int = ` + a.add(s.Part) + `::int`
	}
	return condition
}

// due locks and loads up to sel.Limit customers who have something to do: in
// lane Prompt by turns one with a due timer and one with pending facts, so that
// a flood of either does not keep the other waiting.
func (u *update) due(ctx context.Context, sel crm.Selection) ([]crm.CustomerRow, int, error) {
	timers, pending, chosen := []string{}, []string{}, []string{}
	places := make(map[string]string) // where those with a due timer are
	kind, column, earliest := timersDue, `next_due`, earliestDue
	if sel.Lane == crm.Bulk {
		kind, column, earliest = reviewsDue, `next_review`, earliestReview
	}
	low := u.tx.above(u.shop, kind, sel.DueBy, earliest, u.shop)
	query, args := selectDue(column, u.shop, low.at, sel)
	u.tx.each(query, args, func(rows pgx.Rows) error {
		var place, id string
		err := rows.Scan(&place, &id)
		timers, places[id] = append(timers, id), place
		return err
	})
	if sel.Lane != crm.Bulk {
		query, args = selectPending(u.shop, sel)
		u.tx.each(query, args, func(rows pgx.Rows) error {
			var id string
			err := rows.Scan(nil, &id)
			pending = append(pending, id)
			return err
		})
	}
	if err := u.tx.run(ctx); err != nil {
		return nil, 0, err
	}
	low.done()
	seen := make(map[string]bool)
	for i := range max(len(timers), len(pending)) {
		for _, ids := range [][]string{timers, pending} {
			if i < len(ids) && len(chosen) < sel.Limit && !seen[ids[i]] {
				seen[ids[i]] = true
				chosen = append(chosen, ids[i])
			}
		}
	}
	customers, err := u.lock(ctx, chosen, places)
	return customers, len(chosen), err
}
