package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

const (
	lockIncoming = `
		SELECT seq, body FROM goen_incoming WHERE shop_id = $1 AND refused IS NULL ORDER BY seq LIMIT $2 FOR UPDATE SKIP LOCKED`
	deleteIncoming = `DELETE FROM goen_incoming WHERE shop_id = $1 AND seq = ANY ($2::bigint[])`
	refuseIncoming = `
		UPDATE goen_incoming AS n SET refused = u.reason FROM unnest($2::bigint[], $3::text[]) AS u (seq, reason)
		WHERE n.shop_id = $1 AND n.seq = u.seq`
)

// Take implements [crm.Intake]. read may be called again, after a deadlock or a
// serialization failure.
func (s *Store) Take(ctx context.Context, shop string, limit int, read func([]crm.Incoming) []crm.Taken) (int, error) {
	n := 0
	err := s.write(ctx, "take", limit, func(tx *transaction) error {
		var rows []crm.Incoming
		tx.each(lockIncoming, []any{shop, max(limit, 0)}, func(r pgx.Rows) error {
			rows = append(rows, crm.Incoming{})
			in := &rows[len(rows)-1]
			return r.Scan(&in.Seq, &in.Body)
		})
		if err := tx.run(ctx); err != nil {
			return err
		}
		if n = len(rows); n == 0 {
			return nil
		}
		taken := slices.Clone(read(rows))
		if len(taken) != n {
			return fmt.Errorf("%d rows were read, and %d taken", n, len(taken))
		}
		if err := tx.appendTaken(ctx, shop, taken); err != nil {
			return err
		}
		var gone, refused []int64
		var reasons []string
		for i, t := range taken {
			if t.Refused == "" {
				gone = append(gone, rows[i].Seq)
			} else {
				refused, reasons = append(refused, rows[i].Seq), append(reasons, t.Refused)
			}
		}
		if len(gone) > 0 {
			tx.queue(deleteIncoming, shop, gone)
		}
		if len(refused) > 0 {
			tx.queue(refuseIncoming, shop, refused, reasons)
		}
		return tx.commit(ctx)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// appendTaken appends what was taken, and refuses what conflicts.
func (tx *transaction) appendTaken(ctx context.Context, shop string, taken []crm.Taken) error {
	for {
		var facts []crm.FactRow
		var places []int
		for i, t := range taken {
			if t.Refused == "" {
				facts, places = append(facts, t.Fact), append(places, i)
			}
		}
		if len(facts) == 0 {
			return nil
		}
		b, double := newBatch(shop, facts)
		if double != nil {
			taken[places[double.Index]].Refused = "conflict"
			continue
		}
		var conflicts []int32
		tx.queue(appendFacts, b.args()...).QueryRow(func(row pgx.Row) error { return row.Scan(&conflicts, nil) })
		if err := tx.run(ctx); err != nil || len(conflicts) == 0 {
			return err
		}
		for i, t := range taken { // all rows of a fact that conflicts
			for _, n := range conflicts {
				if t.Refused == "" && t.Fact.ID == b.facts[n-1].ID {
					taken[i].Refused = "conflict"
				}
			}
		}
	}
}
