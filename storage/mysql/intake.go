package mysql

import (
	"context"
	"errors"
	"slices"

	"github.com/goen-crm/crm"
)

const (
	selectIncoming = `
		SELECT seq, body FROM goen_incoming FORCE INDEX (waiting)
		WHERE shop_id = ? AND refused IS NULL ORDER BY seq LIMIT ? FOR UPDATE SKIP LOCKED`
	refuseIncoming = `UPDATE goen_incoming SET refused = ? WHERE shop_id = ? AND seq = ?`
	deleteIncoming = `DELETE FROM goen_incoming WHERE shop_id = ? AND seq ` + inList
)

// Take implements [crm.Intake]. read may be called again after a deadlock.
func (s *Store) Take(ctx context.Context, shop string, limit int, read func([]crm.Incoming) []crm.Taken) (taken int, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *session) error {
		var rows []crm.Incoming
		err := tx.each(ctx, selectIncoming, []any{shop, max(limit, 0)}, func(scan scanner) error {
			var row crm.Incoming
			err := scan(&row.Seq, &row.Body)
			rows = append(rows, row)
			return err
		})
		if taken = len(rows); err != nil || taken == 0 {
			return err
		}
		seqs := make([]int64, len(rows))
		for i, row := range rows {
			seqs[i] = row.Seq
		}
		results := read(rows)
		if len(results) != len(seqs) {
			return errors.New("read does not return one result for each row")
		}
		return take(ctx, tx, shop, seqs, results)
	})
	if err != nil {
		return 0, failed("take", err)
	}
	return taken, nil
}

// take appends what rows turned out to be, and deletes or refuses the rows.
func take(ctx context.Context, tx *session, shop string, seqs []int64, results []crm.Taken) error {
	var facts []crm.FactRow
	var places []int // of each fact among the rows
	for i, result := range results {
		if result.Refused == "" {
			facts, places = append(facts, result.Fact), append(places, i)
		}
	}
	conflicts, err := appendFacts(ctx, tx, shop, facts)
	if err != nil {
		return err
	}
	refused := make([]string, len(results))
	for i, result := range results {
		refused[i] = result.Refused
	}
	for _, conflict := range conflicts {
		refused[places[conflict]] = "conflict"
	}
	done := []any{shop}
	for i, seq := range seqs {
		if refused[i] == "" {
			done = append(done, seq)
			continue
		}
		if _, err := tx.exec(ctx, refuseIncoming, refused[i], shop, seq); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(done[1:], chunk) {
		query, args := listed(deleteIncoming, []any{shop}, part)
		if _, err := tx.exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}
