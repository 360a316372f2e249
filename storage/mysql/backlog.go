package mysql

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// Each arm jumps from shop to shop in an index (a loose scan): what it costs
// depends on how many shops there are, not on how many rows. All arms are one
// statement and see one state.
const selectBacklog = `
	SELECT shop_id, 'incoming' AS kind, NULL AS at FROM goen_incoming GROUP BY shop_id, refused HAVING refused IS NULL
	UNION ALL SELECT shop_id, 'pending', NULL FROM goen_inbox GROUP BY shop_id
	UNION ALL SELECT shop_id, 'timer', CAST(MIN(next_due) AS CHAR) FROM goen_customer WHERE next_due IS NOT NULL GROUP BY shop_id
	UNION ALL SELECT shop_id, 'review', CAST(MIN(next_review) AS CHAR) FROM goen_customer WHERE next_review IS NOT NULL GROUP BY shop_id
	UNION ALL SELECT shop_id, 'send', CAST(MIN(next_at) AS CHAR) FROM goen_message GROUP BY shop_id, state, lane HAVING state IN ('queued', 'claimed', 'started')`

// Backlog implements [crm.Store].
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	shops := make(map[string]*crm.Backlog)
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		return tx.each(ctx, selectBacklog, nil, func(scan scanner) error {
			var shop, kind string
			var at time.Time
			if err := scan(&shop, &kind, instant{&at}); err != nil {
				return err
			}
			if shops[shop] == nil {
				shops[shop] = &crm.Backlog{Shop: shop}
			}
			add(shops[shop], kind, at)
			return nil
		})
	})
	if err != nil {
		return nil, failed("backlog", err)
	}
	var backlogs []crm.Backlog
	for _, shop := range slices.Sorted(maps.Keys(shops)) {
		b := *shops[shop]
		if b.Incoming || b.Pending || isDue(b.NextTimer, until) || isDue(b.NextReview, until) || isDue(b.NextSend, until) {
			backlogs = append(backlogs, b)
		}
	}
	return backlogs, nil
}

// add puts one row of selectBacklog where it belongs.
func add(b *crm.Backlog, kind string, at time.Time) {
	switch kind {
	case "incoming":
		b.Incoming = true
	case "pending":
		b.Pending = true
	case "timer":
		b.NextTimer = at
	case "review":
		b.NextReview = at
	case "send":
		if b.NextSend.IsZero() || at.Before(b.NextSend) {
			b.NextSend = at
		}
	}
}
