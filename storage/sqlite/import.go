package sqlite

import (
	"context"
	"fmt"

	"github.com/goen-crm/crm"
)

const (
	beginImport    = `INSERT INTO goen_import (shop_id, import_id, position) VALUES (?, ?, 0) ON CONFLICT DO NOTHING`
	moveImport     = `UPDATE goen_import SET position = ? WHERE shop_id = ? AND import_id = ? AND position = ?`
	selectPosition = `SELECT coalesce(max(position), 0) FROM goen_import WHERE shop_id = ? AND import_id = ?`
)

// Import implements [crm.Importer]. It holds the database's write lock for
// about 40 µs a fact: a batch of a few hundred keeps no checkout waiting.
func (s *Store) Import(ctx context.Context, shop string, b crm.ImportBatch) error {
	return s.work(ctx, func(ctx context.Context, tx *session) error {
		if _, err := tx.run(ctx, beginImport, shop, b.ID); err != nil {
			return fmt.Errorf("sqlite: import: %w", err)
		}
		moved, err := tx.changed(ctx, moveImport, b.To, shop, b.ID, b.From)
		if err != nil {
			return fmt.Errorf("sqlite: import: %w", err)
		}
		if !moved {
			return fmt.Errorf("sqlite: import: %w", crm.ErrConflict)
		}
		return appendFacts(ctx, tx, shop, b.Facts)
	})
}

// Imported implements [crm.Importer].
func (s *Store) Imported(ctx context.Context, shop, id string) (int64, error) {
	var position int64
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		return tx.one(ctx, selectPosition, []any{shop, id}, &position)
	})
	if err != nil {
		return 0, fmt.Errorf("sqlite: imported: %w", err)
	}
	return position, nil
}
