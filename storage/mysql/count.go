package mysql

import (
	"context"
	"time"

	"github.com/goen-crm/crm"
)

// A counter counts rows up to a limit. Each takes the shop; those with an
// instant take that too.
type counter struct {
	query   string
	instant bool
	into    func(*crm.Counts) *int
}

var counters = []counter{
	{`SELECT 1 FROM goen_incoming FORCE INDEX (waiting) WHERE shop_id = ? AND refused IS NULL`, false, func(c *crm.Counts) *int { return &c.Incoming }},
	{`SELECT 1 FROM goen_incoming FORCE INDEX (waiting) WHERE shop_id = ? AND refused IS NOT NULL`, false, func(c *crm.Counts) *int { return &c.Refused }},
	{`SELECT DISTINCT customer_id FROM goen_inbox FORCE INDEX (PRIMARY) WHERE shop_id = ?`, false, func(c *crm.Counts) *int { return &c.Pending }},
	{`SELECT 1 FROM goen_customer FORCE INDEX (due) WHERE shop_id = ? AND next_due <= ?`, true, func(c *crm.Counts) *int { return &c.Timers }},
	{`SELECT 1 FROM goen_customer FORCE INDEX (review) WHERE shop_id = ? AND next_review <= ?`, true, func(c *crm.Counts) *int { return &c.Reviews }},
	{`SELECT 1 FROM goen_message FORCE INDEX (due) WHERE shop_id = ? AND state = 'queued' AND lane IN ('', 'prompt') AND next_at <= ?`, true, func(c *crm.Counts) *int { return &c.Prompt }},
	{`SELECT 1 FROM goen_message FORCE INDEX (due) WHERE shop_id = ? AND state = 'queued' AND lane = 'bulk' AND next_at <= ?`, true, func(c *crm.Counts) *int { return &c.Bulk }},
	{`SELECT 1 FROM goen_message FORCE INDEX (due) WHERE shop_id = ? AND state IN ('claimed', 'started')`, false, func(c *crm.Counts) *int { return &c.Leased }},
	{`SELECT 1 FROM goen_message FORCE INDEX (due) WHERE shop_id = ? AND state = 'unknown'`, false, func(c *crm.Counts) *int { return &c.Unknown }},
	{`SELECT 1 FROM goen_fact FORCE INDEX (set_aside) WHERE shop_id = ? AND set_aside IS NOT NULL`, false, func(c *crm.Counts) *int { return &c.SetAside }},
}

// Count implements [crm.Counter], in one statement.
func (s *Store) Count(ctx context.Context, shop string, at time.Time, limit int) (crm.Counts, error) {
	var counts crm.Counts
	query := "SELECT "
	var args, into []any
	for i, c := range counters {
		if i > 0 {
			query += ", "
		}
		query += "(SELECT COUNT(*) FROM (" + c.query + " LIMIT ?) AS counted)"
		args = append(args, shop)
		if c.instant {
			args = append(args, ordered(at))
		}
		args, into = append(args, max(limit, 0)), append(into, c.into(&counts))
	}
	err := s.read(ctx, func(ctx context.Context, tx *session) error { return tx.one(ctx, query, args, into...) })
	return counts, failed("count", err)
}
