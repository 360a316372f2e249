package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Shops with work are found among the first due rows of all shops. Where there
// are more due rows than that, by jumping from shop to shop in the index that is
// ordered by shop: what this costs depends on how many shops there are, not on
// how much work they have. For each shop found, the earliest of each kind is then
// looked up. Leases are few at a time, and read as a whole. $1 is until, $2 how many due rows are looked at.
const selectBacklog = `
	WITH RECURSIVE
	due_timer AS MATERIALIZED (SELECT shop_id FROM goen_customer WHERE next_due <= $1 ORDER BY next_due LIMIT $2),
	due_review AS MATERIALIZED (SELECT shop_id FROM goen_customer WHERE next_review <= $1 ORDER BY next_review LIMIT $2),
	due_send AS MATERIALIZED (SELECT shop_id FROM goen_message WHERE state = 'queued' AND send_at <= $1 ORDER BY send_at LIMIT $2),
	leased AS MATERIALIZED (SELECT shop_id, min(lease_until) AS lease_until FROM goen_message WHERE lease_until IS NOT NULL GROUP BY shop_id),
	timer_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_customer WHERE next_due IS NOT NULL AND (SELECT count(*) FROM due_timer) >= $2
		UNION ALL
		SELECT (SELECT min(shop_id) FROM goen_customer WHERE next_due IS NOT NULL AND shop_id > s.shop_id) FROM timer_shop AS s WHERE s.shop_id IS NOT NULL
	),
	review_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_customer WHERE next_review IS NOT NULL AND (SELECT count(*) FROM due_review) >= $2
		UNION ALL
		SELECT (SELECT min(shop_id) FROM goen_customer WHERE next_review IS NOT NULL AND shop_id > s.shop_id) FROM review_shop AS s WHERE s.shop_id IS NOT NULL
	),
	send_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_message WHERE state = 'queued' AND (SELECT count(*) FROM due_send) >= $2
		UNION ALL
		SELECT (SELECT min(shop_id) FROM goen_message WHERE state = 'queued' AND shop_id > s.shop_id) FROM send_shop AS s WHERE s.shop_id IS NOT NULL
	),
	inbox_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_inbox
		UNION ALL
		SELECT (SELECT min(shop_id) FROM goen_inbox WHERE shop_id > s.shop_id) FROM inbox_shop AS s WHERE s.shop_id IS NOT NULL
	),
	incoming_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_incoming WHERE refused IS NULL
		UNION ALL
		SELECT (SELECT min(shop_id) FROM goen_incoming WHERE refused IS NULL AND shop_id > s.shop_id) FROM incoming_shop AS s WHERE s.shop_id IS NOT NULL
	),
	shop AS MATERIALIZED (
		SELECT shop_id FROM due_timer UNION SELECT shop_id FROM due_review UNION SELECT shop_id FROM due_send UNION SELECT shop_id FROM leased WHERE lease_until <= $1
		UNION SELECT shop_id FROM timer_shop UNION SELECT shop_id FROM review_shop UNION SELECT shop_id FROM send_shop
		UNION SELECT shop_id FROM inbox_shop UNION SELECT shop_id FROM incoming_shop
	)
	SELECT shop_id,
		EXISTS (SELECT FROM incoming_shop AS s WHERE s.shop_id = shop.shop_id),
		EXISTS (SELECT FROM inbox_shop AS s WHERE s.shop_id = shop.shop_id),
		(SELECT c.next_due FROM goen_customer AS c WHERE c.shop_id = shop.shop_id AND c.next_due IS NOT NULL ORDER BY c.next_due LIMIT 1),
		(SELECT c.next_review FROM goen_customer AS c WHERE c.shop_id = shop.shop_id AND c.next_review IS NOT NULL ORDER BY c.next_review LIMIT 1),
		least(
			(SELECT m.send_at FROM goen_message AS m WHERE m.shop_id = shop.shop_id AND (m.lane = 'bulk') = false AND m.state = 'queued' ORDER BY m.send_at LIMIT 1),
			(SELECT m.send_at FROM goen_message AS m WHERE m.shop_id = shop.shop_id AND (m.lane = 'bulk') = true AND m.state = 'queued' ORDER BY m.send_at LIMIT 1),
			(SELECT l.lease_until FROM leased AS l WHERE l.shop_id = shop.shop_id)
		)
	FROM shop WHERE shop_id IS NOT NULL ORDER BY shop_id`

// dueRows is how many due rows of all shops are looked at.
const dueRows = 1000

// Backlog implements [crm.Store].
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	var backlogs []crm.Backlog
	err := s.read(ctx, "backlog", dueRows, func(tx *transaction) error {
		backlogs = nil
		tx.each(selectBacklog, []any{until, dueRows}, func(rows pgx.Rows) error {
			var b crm.Backlog
			err := rows.Scan(&b.Shop, &b.Incoming, &b.Pending, instant{&b.NextTimer}, instant{&b.NextReview}, instant{&b.NextSend})
			if b.Incoming || b.Pending || isDue(b.NextTimer, until) || isDue(b.NextReview, until) || isDue(b.NextSend, until) {
				backlogs = append(backlogs, b)
			}
			return err
		})
		return tx.commit(ctx)
	})
	if err != nil {
		return nil, err
	}
	return backlogs, nil
}

func isDue(at, until time.Time) bool { return !at.IsZero() && !at.After(until) }
