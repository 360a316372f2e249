package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Each number stops at the limit. $1 is the shop, $2 the instant.
const selectCounts = `
	SELECT
	(SELECT count(*) FROM (SELECT FROM goen_incoming WHERE shop_id = $1 AND refused IS NULL LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_incoming WHERE shop_id = $1 AND refused IS NOT NULL LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT DISTINCT share, customer_id FROM goen_inbox WHERE shop_id = $1 LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_customer WHERE shop_id = $1 AND next_due <= $2 LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_customer WHERE shop_id = $1 AND next_review <= $2 LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_message WHERE shop_id = $1 AND (lane = 'bulk')::int = 0 AND state = 'queued' AND send_at <= $2 LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_message WHERE shop_id = $1 AND (lane = 'bulk')::int = 1 AND state = 'queued' AND send_at <= $2 LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_message WHERE shop_id = $1 AND state IN ('claimed', 'started') LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_message WHERE shop_id = $1 AND state = 'unknown' LIMIT $3) AS n),
	(SELECT count(*) FROM (SELECT FROM goen_fact WHERE shop_id = $1 AND set_aside IS NOT NULL LIMIT $3) AS n)`

// Count implements [crm.Counter].
func (s *Store) Count(ctx context.Context, shop string, at time.Time, limit int) (crm.Counts, error) {
	var c crm.Counts
	err := s.read(ctx, "count", limit, func(tx *transaction) error {
		tx.queue(selectCounts, shop, at, max(limit, 0)).QueryRow(func(row pgx.Row) error {
			return row.Scan(&c.Incoming, &c.Refused, &c.Pending, &c.Timers, &c.Reviews, &c.Prompt, &c.Bulk, &c.Leased, &c.Unknown, &c.SetAside)
		})
		return tx.commit(ctx)
	})
	if err != nil {
		return crm.Counts{}, err
	}
	return c, nil
}

// ServerTime implements [crm.Timekeeper].
func (s *Store) ServerTime(ctx context.Context) (time.Time, error) {
	if err := s.check(); err != nil {
		return time.Time{}, err
	}
	var now time.Time
	if err := s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(instant{&now}); err != nil {
		return time.Time{}, failed("server time", err)
	}
	return now, nil
}
