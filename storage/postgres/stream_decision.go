package postgres

import (
	"context"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// A logged decision has its place in the log, from which the next page goes on.
type logged struct {
	crm.Decision
	seq int64
}

// Decisions implements [crm.Store].
func (s *Store) Decisions(ctx context.Context, shop string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	lines := pages(ctx, s, "decisions", firstPage, func(tx *transaction, last *logged, limit int) ([]logged, error) {
		args := arguments{shop}
		query := `SELECT ` + decisionColumns + `, seq FROM goen_decision WHERE shop_id = $1`
		if q.Customer != "" {
			query += ` AND customer_id = ` + args.add(q.Customer)
		}
		if last != nil {
			query += ` AND seq > ` + args.add(last.seq)
		}
		query += ` ORDER BY seq LIMIT ` + args.add(limit)
		var page []logged
		tx.each(query, args, func(rows pgx.Rows) error {
			var line logged
			err := scanDecision(rows, &line.Decision, &line.seq)
			page = append(page, line)
			return err
		})
		return page, tx.run(ctx)
	})
	return func(yield func(crm.Decision, error) bool) {
		for line, err := range lines {
			if !yield(line.Decision, err) {
				return
			}
		}
	}
}
