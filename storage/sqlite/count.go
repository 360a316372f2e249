package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// ?1 is the shop, ?2 the time, ?3 how far each is counted.
const selectCounts = `
	SELECT
		(SELECT count(*) FROM (SELECT 1 FROM goen_incoming n WHERE n.shop_id = ?1 AND n.refused IS NULL LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_incoming n WHERE n.shop_id = ?1 AND n.refused IS NOT NULL LIMIT ?3)),
		(SELECT count(*) FROM (SELECT DISTINCT i.customer_id FROM goen_inbox i WHERE i.shop_id = ?1 LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_customer c WHERE c.shop_id = ?1 AND c.next_due <= ?2 LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_customer c WHERE c.shop_id = ?1 AND c.next_review <= ?2 LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_message m INDEXED BY goen_message_queue
			WHERE m.shop_id = ?1 AND m.state = 'queued' AND m.lane = 'prompt' AND m.send_at <= ?2 LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_message m INDEXED BY goen_message_queue
			WHERE m.shop_id = ?1 AND m.state = 'queued' AND m.lane = 'bulk' AND m.send_at <= ?2 LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_message m WHERE m.shop_id = ?1 AND m.state <> 'queued' AND m.state IN ('claimed', 'started') LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_message m WHERE m.shop_id = ?1 AND m.state <> 'queued' AND m.state = 'unknown' LIMIT ?3)),
		(SELECT count(*) FROM (SELECT 1 FROM goen_fact f WHERE f.shop_id = ?1 AND f.set_aside IS NOT NULL LIMIT ?3))`

// Count implements [crm.Counter].
func (s *Store) Count(ctx context.Context, shop string, at time.Time, limit int) (crm.Counts, error) {
	var c crm.Counts
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		return tx.one(ctx, selectCounts, []any{shop, ordered(at), max(limit, 0)},
			&c.Incoming, &c.Refused, &c.Pending, &c.Timers, &c.Reviews, &c.Prompt, &c.Bulk, &c.Leased, &c.Unknown, &c.SetAside)
	})
	if err != nil {
		return crm.Counts{}, fmt.Errorf("sqlite: count: %w", err)
	}
	return c, nil
}
