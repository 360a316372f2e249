package sqlite

import (
	"context"
	"iter"

	"github.com/goen-crm/crm"
)

// A logged decision has its place in the log, from which the next page goes on.
type logged struct {
	crm.Decision
	seq int64
}

// Decisions implements [crm.Store].
func (s *Store) Decisions(ctx context.Context, shop string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	query := `SELECT ` + decisionColumns + `, seq FROM goen_decision WHERE shop_id = ?1 AND seq > ?2`
	if q.Customer != "" {
		query += ` AND customer_id = ?3`
	}
	query += ` ORDER BY seq LIMIT ?4`
	lines := pages(ctx, s, "decisions", func(ctx context.Context, tx *session, last *logged, limit int) ([]logged, error) {
		var after int64
		if last != nil {
			after = last.seq
		}
		var page []logged
		err := tx.each(ctx, query, []any{shop, after, q.Customer, limit}, func(scan scanner) error {
			var line logged
			err := scanDecision(scan, &line.Decision, &line.seq)
			page = append(page, line)
			return err
		})
		return page, err
	})
	return func(yield func(crm.Decision, error) bool) {
		for line, err := range lines {
			if !yield(line.Decision, err) {
				return
			}
		}
	}
}
