package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// The shops are found by jumping from one to the next in the keys of customers,
// messages and incoming facts: what this costs depends on how many shops there are, not on
// how many rows.
const selectBacklog = `
	WITH RECURSIVE
	customer_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_customer
		UNION ALL
		SELECT (SELECT min(c.shop_id) FROM goen_customer c WHERE c.shop_id > s.shop_id)
		FROM customer_shop s WHERE s.shop_id IS NOT NULL
	),
	message_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_message
		UNION ALL
		SELECT (SELECT min(m.shop_id) FROM goen_message m WHERE m.shop_id > s.shop_id)
		FROM message_shop s WHERE s.shop_id IS NOT NULL
	),
	incoming_shop (shop_id) AS (
		SELECT min(shop_id) FROM goen_incoming WHERE refused IS NULL
		UNION ALL
		SELECT (SELECT min(n.shop_id) FROM goen_incoming n WHERE n.shop_id > s.shop_id AND n.refused IS NULL)
		FROM incoming_shop s WHERE s.shop_id IS NOT NULL
	),
	shop (shop_id) AS (
		SELECT shop_id FROM customer_shop WHERE shop_id IS NOT NULL
		UNION
		SELECT shop_id FROM message_shop WHERE shop_id IS NOT NULL
		UNION
		SELECT shop_id FROM incoming_shop WHERE shop_id IS NOT NULL
	)
	SELECT shop_id,
		EXISTS (SELECT 1 FROM goen_incoming n WHERE n.shop_id = shop.shop_id AND n.refused IS NULL),
		EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = shop.shop_id),
		(SELECT min(c.next_due) FROM goen_customer c WHERE c.shop_id = shop.shop_id AND c.next_due IS NOT NULL),
		(SELECT min(c.next_review) FROM goen_customer c WHERE c.shop_id = shop.shop_id AND c.next_review IS NOT NULL),
		(SELECT min(m.send_at) FROM goen_message m WHERE m.shop_id = shop.shop_id AND m.state = 'queued' AND m.lane = 'prompt'),
		(SELECT min(m.send_at) FROM goen_message m WHERE m.shop_id = shop.shop_id AND m.state = 'queued' AND m.lane = 'bulk'),
		(SELECT min(m.lease_until) FROM goen_message m WHERE m.shop_id = shop.shop_id AND m.lease_until IS NOT NULL)
	FROM shop ORDER BY shop_id`

// Backlog implements [crm.Store].
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	var backlogs []crm.Backlog
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		backlogs = nil
		return tx.each(ctx, selectBacklog, nil, func(scan scanner) error {
			var b crm.Backlog
			var bulk, lease time.Time
			if err := scan(&b.Shop, &b.Incoming, &b.Pending, instant{&b.NextTimer}, instant{&b.NextReview},
				instant{&b.NextSend}, instant{&bulk}, instant{&lease}); err != nil {
				return err
			}
			b.NextSend = earliest(b.NextSend, bulk, lease)
			if b.Incoming || b.Pending || isDue(b.NextTimer, until) || isDue(b.NextReview, until) || isDue(b.NextSend, until) {
				backlogs = append(backlogs, b)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: backlog: %w", err)
	}
	return backlogs, nil
}

// earliest returns the earliest of some times, those apart that are zero.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

func isDue(at, until time.Time) bool { return !at.IsZero() && !at.After(until) }
