package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

const (
	beginImport  = `INSERT INTO goen_import (shop_id, import_id, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING`
	lockImport   = `SELECT position FROM goen_import WHERE shop_id = $1 AND import_id = $2 FOR UPDATE`
	moveImport   = `UPDATE goen_import SET position = $3 WHERE shop_id = $1 AND import_id = $2`
	selectImport = `SELECT coalesce((SELECT position FROM goen_import WHERE shop_id = $1 AND import_id = $2), 0)`
	// meetCustomers, in their order, returns those that were met.
	meetCustomers = `
		INSERT INTO goen_customer (shop_id, customer_id, bucket)
		SELECT $1, unnest($2::text[]), unnest($3::smallint[]) ON CONFLICT DO NOTHING RETURNING customer_id`
)

// errPosition says where the import is, instead of where the batch begins.
var errPosition = fmt.Errorf("the import is at another position: %w", crm.ErrConflict)

// Import implements [crm.Importer]. Facts are copied straight into the tables.
// Where one of them is there already the batch is appended instead.
func (s *Store) Import(ctx context.Context, shop string, b crm.ImportBatch) error {
	facts, conflict := newBatch(shop, b.Facts)
	if conflict != nil {
		return conflict
	}
	const lookups = 0 // but for those of foreign keys, whose plan is to be remembered
	return s.write(ctx, "import", lookups, func(tx *transaction) error {
		var position int64
		tx.queue(beginImport, shop, b.ID)
		tx.queue(lockImport, shop, b.ID).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
		if err := tx.run(ctx); err != nil {
			return err
		}
		if position != b.From {
			return errPosition
		}
		if err := facts.bring(ctx, tx); err != nil {
			return err
		}
		tx.queue(moveImport, shop, b.ID, b.To)
		return tx.commit(ctx)
	})
}

// Imported implements [crm.Importer].
func (s *Store) Imported(ctx context.Context, shop, id string) (position int64, err error) {
	err = s.read(ctx, "imported", 1, func(tx *transaction) error {
		tx.queue(selectImport, shop, id).QueryRow(func(row pgx.Row) error { return row.Scan(&position) })
		return tx.commit(ctx)
	})
	return position, err
}

// bring copies the batch, or appends it if something is there already.
func (b *batch) bring(ctx context.Context, tx *transaction) error {
	if len(b.facts) == 0 {
		return nil
	}
	tx.queue(savepoint)
	if err := tx.run(ctx); err != nil {
		return err
	}
	err := b.copy(ctx, tx)
	if !hasCode(err, uniqueViolation) {
		return err
	}
	tx.queue(undo)
	if err := tx.run(ctx); err != nil { // by itself: no statement is prepared in a transaction that has failed
		return err
	}
	tx.queue(planAnew)
	var conflicts []int32
	tx.queue(appendFacts, b.args()...).QueryRow(func(row pgx.Row) error { return row.Scan(&conflicts, nil) })
	return cmp.Or(tx.run(ctx), b.refusal(conflicts))
}

func (b *batch) copy(ctx context.Context, tx *transaction) error {
	_, err := tx.conn.CopyFrom(ctx, tx.s.table("fact"),
		[]string{"shop_id", "fact_id", "customer_id", "type", "event_at", "recorded_at", "hash", "set_aside", "body"},
		pgx.CopyFromSlice(len(b.facts), func(i int) ([]any, error) {
			f := &b.facts[i]
			var setAside *string
			if f.SetAside != "" {
				setAside = &f.SetAside
			}
			return []any{b.shop, f.ID, f.Customer, f.Type, f.Time, optional(f.RecordedAt), blob(f.Hash), setAside, f.Body}, nil
		}))
	if err != nil {
		return err
	}
	inbox, keys, buckets := b.entries()
	met := make(map[string]bool, len(keys))
	tx.each(meetCustomers, []any{b.shop, keys, buckets}, func(rows pgx.Rows) error {
		var key string
		err := rows.Scan(&key)
		met[key] = true
		return err
	})
	if err := tx.run(ctx); err != nil {
		return err
	}
	_, err = tx.conn.CopyFrom(ctx, tx.s.table("inbox"), []string{"shop_id", "customer_id", "fact_id", "share", "fence"},
		pgx.CopyFromSlice(len(inbox), func(i int) ([]any, error) {
			var fence *string
			if !met[keys[i]] {
				fence = &keys[i]
			}
			return []any{b.shop, keys[i], inbox[i], buckets[i] % 8, fence}, nil
		}))
	return err
}
