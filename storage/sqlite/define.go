package sqlite

import (
	"bytes"
	"context"
	"fmt"

	"github.com/goen-crm/crm"
)

const (
	selectRevision   = `SELECT coalesce(max(revision), 0) FROM goen_definition WHERE shop_id = ?`
	definitionFields = `kind, definition_id, version, hash, body, published_at`
	selectNewest     = `
		SELECT ` + definitionFields + ` FROM goen_definition
		WHERE shop_id = ? AND kind = ? AND definition_id = ? ORDER BY version DESC LIMIT 1`
	selectDefinitions = `
		SELECT ` + definitionFields + ` FROM goen_definition WHERE shop_id = ? ORDER BY kind, definition_id, version`
	insertDefinition = `
		INSERT INTO goen_definition (shop_id, revision, ` + definitionFields + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

// Define implements [crm.Store].
func (s *Store) Define(ctx context.Context, shop string, d crm.Definition) (crm.Definition, error) {
	var newest crm.Definition
	err := s.write(ctx, func(ctx context.Context, tx *session) error {
		err := tx.each(ctx, selectNewest, []any{shop, d.Kind, d.ID}, func(scan scanner) error {
			return scanDefinition(scan, &newest)
		})
		if err != nil {
			return fmt.Errorf("sqlite: define: %w", err)
		}
		if newest.Version > 0 && bytes.Equal(newest.Hash, d.Hash) {
			return nil
		}
		var revision int64
		if err := tx.one(ctx, selectRevision, []any{shop}, &revision); err != nil {
			return fmt.Errorf("sqlite: define: %w", err)
		}
		newest = crm.Definition{
			Kind: d.Kind, ID: d.ID, Version: newest.Version + 1,
			Hash: bytes.Clone(d.Hash), Body: bytes.Clone(d.Body), PublishedAt: exact(d.PublishedAt),
		}
		_, err = tx.run(ctx, insertDefinition, shop, revision+1, d.Kind, d.ID, newest.Version, blob(d.Hash), string(d.Body), optional(d.PublishedAt))
		if err != nil {
			return fmt.Errorf("sqlite: define: %w", err)
		}
		return nil
	})
	if err != nil {
		return crm.Definition{}, err
	}
	return newest, nil
}

// Definitions implements [crm.Store].
func (s *Store) Definitions(ctx context.Context, shop string) ([]crm.Definition, int64, error) {
	var definitions []crm.Definition
	var revision int64
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		definitions = nil
		if err := tx.one(ctx, selectRevision, []any{shop}, &revision); err != nil {
			return err
		}
		return tx.each(ctx, selectDefinitions, []any{shop}, func(scan scanner) error {
			var d crm.Definition
			err := scanDefinition(scan, &d)
			definitions = append(definitions, d)
			return err
		})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("sqlite: definitions: %w", err)
	}
	return definitions, revision, nil
}

func scanDefinition(scan scanner, d *crm.Definition) error {
	return scan(&d.Kind, &d.ID, &d.Version, &d.Hash, &d.Body, instant{&d.PublishedAt})
}
