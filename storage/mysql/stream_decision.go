package mysql

import (
	"context"
	"iter"

	"github.com/goen-crm/crm"
)

// A logged decision has its place in the log, from which the next page goes on.
type logged struct {
	crm.Decision
	seq uint64
}

// Decisions implements [crm.Store].
func (s *Store) Decisions(ctx context.Context, shop string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	by, where, args := "PRIMARY", "", []any{shop}
	if q.Customer != "" {
		by, where, args = "customer", " AND customer_id = ?", append(args, q.Customer)
	}
	query := `SELECT ` + decisionColumns + `, seq FROM goen_decision FORCE INDEX (` + by + `) WHERE shop_id = ?` + where + ` AND seq > ? ORDER BY seq LIMIT ?`
	lines := pages(ctx, s, "decisions", func(ctx context.Context, tx *session, last *logged, limit int) ([]logged, error) {
		var after uint64
		if last != nil {
			after = last.seq
		}
		var page []logged
		err := tx.each(ctx, query, append(args[:len(args):len(args)], after, limit), func(scan scanner) error {
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
