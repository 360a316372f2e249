package memory

import (
	"context"

	"github.com/goen-crm/crm"
)

// Import implements [crm.Importer].
func (s *Store) Import(ctx context.Context, shop string, b crm.ImportBatch) error {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if sh.imports[b.ID] != b.From {
		return crm.ErrConflict
	}
	if err := sh.appendAll(b.Facts); err != nil {
		return err
	}
	sh.imports[b.ID] = b.To
	return nil
}

// Imported implements [crm.Importer].
func (s *Store) Imported(ctx context.Context, shop, id string) (int64, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return sh.imports[id], nil
}
