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
// looked up. Leases are few at a time, and read as a whole. The order that each
// query asks for names the one index that has it. $1 is until, $2 how many due
// rows are looked at.
const selectBacklog = `
	WITH RECURSIVE
	due_customer AS MATERIALIZED (
		SELECT shop_id FROM goen_customer WHERE least(next_due, next_review) <= $1 ORDER BY least(next_due, next_review) LIMIT $2
	),
	due_message AS MATERIALIZED (SELECT shop_id FROM goen_message WHERE state = 'queued' AND send_at <= $1 ORDER BY send_at LIMIT $2),
	leased AS MATERIALIZED (SELECT shop_id, lease_until FROM goen_message WHERE state IN ('claimed', 'started') ORDER BY lease_until),
	lease AS MATERIALIZED (SELECT shop_id, min(lease_until) AS earliest FROM leased GROUP BY shop_id),
	customer_shop (shop_id) AS (
		SELECT (SELECT shop_id FROM goen_customer ORDER BY shop_id, customer_id LIMIT 1) WHERE (SELECT count(*) FROM due_customer) >= $2
		UNION ALL
		SELECT (SELECT shop_id FROM goen_customer WHERE shop_id > s.shop_id ORDER BY shop_id, customer_id LIMIT 1)
		FROM customer_shop AS s WHERE s.shop_id IS NOT NULL
	),
	message_shop (shop_id) AS (
		SELECT (SELECT shop_id FROM goen_message WHERE state = 'queued' ORDER BY shop_id, (lane = 'bulk')::int, send_at LIMIT 1)
		WHERE (SELECT count(*) FROM due_message) >= $2
		UNION ALL
		SELECT (SELECT shop_id FROM goen_message WHERE state = 'queued' AND shop_id > s.shop_id ORDER BY shop_id, (lane = 'bulk')::int, send_at LIMIT 1)
		FROM message_shop AS s WHERE s.shop_id IS NOT NULL
	),
	inbox_shop (shop_id) AS (
		SELECT (SELECT shop_id FROM goen_inbox ORDER BY shop_id, share LIMIT 1)
		UNION ALL
		SELECT (SELECT shop_id FROM goen_inbox WHERE shop_id > s.shop_id ORDER BY shop_id, share LIMIT 1)
		FROM inbox_shop AS s WHERE s.shop_id IS NOT NULL
	),
	incoming_shop (shop_id) AS (
		SELECT (SELECT shop_id FROM goen_incoming WHERE refused IS NULL ORDER BY shop_id, seq LIMIT 1)
		UNION ALL
		SELECT (SELECT shop_id FROM goen_incoming WHERE refused IS NULL AND shop_id > s.shop_id ORDER BY shop_id, seq LIMIT 1)
		FROM incoming_shop AS s WHERE s.shop_id IS NOT NULL
	),
	shop AS MATERIALIZED (
		SELECT shop_id FROM due_customer UNION SELECT shop_id FROM due_message UNION SELECT shop_id FROM lease WHERE earliest <= $1
		UNION SELECT shop_id FROM customer_shop UNION SELECT shop_id FROM message_shop
		UNION SELECT shop_id FROM inbox_shop UNION SELECT shop_id FROM incoming_shop
	)
	SELECT shop_id,
		shop_id IN (SELECT s.shop_id FROM incoming_shop AS s WHERE s.shop_id IS NOT NULL),
		shop_id IN (SELECT s.shop_id FROM inbox_shop AS s WHERE s.shop_id IS NOT NULL),
		(SELECT c.next_due FROM goen_customer AS c WHERE c.shop_id = shop.shop_id AND c.next_due IS NOT NULL ORDER BY c.next_due LIMIT 1),
		(SELECT c.next_review FROM goen_customer AS c WHERE c.shop_id = shop.shop_id AND c.next_review IS NOT NULL ORDER BY c.next_review LIMIT 1),
		least(
			(SELECT m.send_at FROM goen_message AS m WHERE m.shop_id = shop.shop_id AND (m.lane = 'bulk')::int = 0 AND m.state = 'queued' ORDER BY m.send_at, m.message_id LIMIT 1),
			(SELECT m.send_at FROM goen_message AS m WHERE m.shop_id = shop.shop_id AND (m.lane = 'bulk')::int = 1 AND m.state = 'queued' ORDER BY m.send_at, m.message_id LIMIT 1),
			(SELECT l.earliest FROM lease AS l WHERE l.shop_id = shop.shop_id)
		)
	FROM shop WHERE shop_id IS NOT NULL ORDER BY shop_id`

// dueRows is how many due rows of all shops are looked at.
const dueRows = 500

// Backlog implements [crm.Store].
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	var backlogs []crm.Backlog
	err := s.read(ctx, "backlog", 1, func(tx *transaction) error {
		backlogs = nil
		tx.queue(useKeys)
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
