package mysql

import (
	"context"
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
)

const (
	beginImport    = `INSERT INTO goen_import (shop_id, import_id, position) VALUES (?, ?, 0) ON DUPLICATE KEY UPDATE position = position`
	selectPosition = `SELECT position FROM goen_import WHERE shop_id = ? AND import_id = ?`
	movePosition   = `UPDATE goen_import SET position = ? WHERE shop_id = ? AND import_id = ?`
)

// errElsewhere: the import is not where the batch begins.
var errElsewhere = errors.New("the import is at another position")

// Import implements [crm.Importer]. The import's row is locked meanwhile.
func (s *Store) Import(ctx context.Context, shop string, b crm.ImportBatch) error {
	err := s.write(ctx, func(ctx context.Context, tx *session) error {
		if _, err := tx.exec(ctx, beginImport, shop, b.ID); err != nil {
			return err
		}
		var position int64
		if err := tx.one(ctx, selectPosition+" FOR UPDATE", []any{shop, b.ID}, &position); err != nil {
			return err
		}
		if position != b.From {
			return errElsewhere
		}
		if err := appendAll(ctx, tx, shop, b.Facts); err != nil {
			return err
		}
		_, err := tx.exec(ctx, movePosition, b.To, shop, b.ID)
		return err
	})
	if errors.Is(err, errElsewhere) {
		return fmt.Errorf("mysql: import: %w: %w", err, crm.ErrConflict)
	}
	return refusal("import", err)
}

// Imported implements [crm.Importer].
func (s *Store) Imported(ctx context.Context, shop, id string) (position int64, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *session) error {
		return tx.one(ctx, selectPosition, []any{shop, id}, &position)
	})
	return position, failed("imported", err)
}
