package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
)

const (
	selectIncoming = `
		SELECT seq, body FROM goen_incoming WHERE shop_id = ? AND refused IS NULL ORDER BY seq LIMIT ? + 0`
	deleteIncoming = `DELETE FROM goen_incoming WHERE seq = ?`
	refuseIncoming = `UPDATE goen_incoming SET refused = ? WHERE seq = ?`
)

// refusedConflict is why a row is refused whose fact is there with another hash.
const refusedConflict = "conflict"

// Take implements [crm.Intake]. read is called at most once, and not if there
// are no rows. Who else takes at the same time waits for the write lock.
func (s *Store) Take(ctx context.Context, shop string, limit int, read func([]crm.Incoming) []crm.Taken) (int, error) {
	n := 0
	err := s.work(ctx, func(ctx context.Context, tx *session) error {
		rows, err := selectRows(ctx, tx, shop, limit)
		if err != nil {
			return fmt.Errorf("sqlite: take: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		taken := read(rows)
		if len(taken) != len(rows) {
			return fmt.Errorf("sqlite: take: %d rows were read as %d", len(rows), len(taken))
		}
		for i, row := range rows {
			if err := settle(ctx, tx, shop, row, taken[i]); err != nil {
				return fmt.Errorf("sqlite: take: %w", err)
			}
		}
		n = len(rows)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func selectRows(ctx context.Context, tx *session, shop string, limit int) ([]crm.Incoming, error) {
	var rows []crm.Incoming
	err := tx.each(ctx, selectIncoming, []any{shop, max(limit, 0)}, func(scan scanner) error {
		var row crm.Incoming
		err := scan(&row.Seq, &row.Body)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// settle appends the fact that a row is and deletes the row, or refuses it.
func settle(ctx context.Context, tx *session, shop string, row crm.Incoming, taken crm.Taken) error {
	refused := taken.Refused
	if refused == "" {
		err := appendFacts(ctx, tx, shop, []crm.FactRow{taken.Fact})
		switch {
		case errors.Is(err, crm.ErrConflict):
			refused = refusedConflict // one fact that conflicts has written nothing
		case err != nil:
			return err
		}
	}
	if refused != "" {
		_, err := tx.run(ctx, refuseIncoming, refused, row.Seq)
		return err
	}
	_, err := tx.run(ctx, deleteIncoming, row.Seq)
	return err
}
