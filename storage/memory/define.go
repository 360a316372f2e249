package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/goen-crm/crm"
)

// Define implements [crm.Store].
func (s *Store) Define(ctx context.Context, shop string, d crm.Definition) (crm.Definition, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return crm.Definition{}, err
	}
	defer s.mu.Unlock()
	key := definitionKey{d.Kind, d.ID}
	versions := sh.definitions[key]
	if n := len(versions); n > 0 && bytes.Equal(versions[n-1].Hash, d.Hash) {
		return copyDefinition(versions[n-1]), nil
	}
	d = copyDefinition(d)
	d.Version = len(versions) + 1
	sh.definitions[key] = append(versions, d)
	sh.revision++
	return copyDefinition(d), nil
}

// Definitions implements [crm.Store].
func (s *Store) Definitions(ctx context.Context, shop string) ([]crm.Definition, int64, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return nil, 0, err
	}
	defer s.mu.Unlock()
	var all []crm.Definition
	for _, versions := range sh.definitions {
		for _, d := range versions {
			all = append(all, copyDefinition(d))
		}
	}
	slices.SortFunc(all, func(a, b crm.Definition) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	return all, sh.revision, nil
}
