package mysql

import (
	"bytes"
	"context"

	"github.com/goen-crm/crm"
)

const (
	selectRevision    = `SELECT COALESCE(MAX(revision), 0) FROM goen_definition WHERE shop_id = ?`
	definitionColumns = `kind, definition_id, version, hash, body, CAST(published_at AS CHAR)`
	selectNewest      = `
		SELECT ` + definitionColumns + ` FROM goen_definition
		WHERE shop_id = ? AND kind = ? AND definition_id = ? ORDER BY version DESC LIMIT 1`
	selectDefinitions = `SELECT ` + definitionColumns + ` FROM goen_definition WHERE shop_id = ? ORDER BY kind, definition_id, version`
	insertDefinition  = `INSERT INTO goen_definition (shop_id, revision, kind, definition_id, version, hash, body, published_at)`
)

// Define implements [crm.Store]. Of several that define at once, the keys let
// one through; the others look again.
func (s *Store) Define(ctx context.Context, shop string, d crm.Definition) (crm.Definition, error) {
	for {
		defined, err := s.define(ctx, shop, d)
		if err == nil {
			return defined, nil
		}
		if !isDuplicate(err) {
			return crm.Definition{}, failed("define", err)
		}
	}
}

func (s *Store) define(ctx context.Context, shop string, d crm.Definition) (newest crm.Definition, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *session) error {
		newest = crm.Definition{}
		err := tx.each(ctx, selectNewest, []any{shop, d.Kind, d.ID}, func(scan scanner) error {
			return scanDefinition(scan, &newest)
		})
		if err != nil || newest.Version > 0 && bytes.Equal(newest.Hash, d.Hash) {
			return err
		}
		var revision int64
		if err := tx.one(ctx, selectRevision, []any{shop}, &revision); err != nil {
			return err
		}
		newest = crm.Definition{
			Kind: d.Kind, ID: d.ID, Version: newest.Version + 1,
			Hash: bytes.Clone(d.Hash), Body: bytes.Clone(d.Body), PublishedAt: exact(d.PublishedAt),
		}
		row := []any{shop, revision + 1, d.Kind, d.ID, newest.Version, blob(d.Hash), string(d.Body), optional(d.PublishedAt)}
		return tx.insert(ctx, insertDefinition, "", [][]any{row})
	})
	return newest, err
}

// Definitions implements [crm.Store].
func (s *Store) Definitions(ctx context.Context, shop string) ([]crm.Definition, int64, error) {
	var definitions []crm.Definition
	var revision int64
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
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
		return nil, 0, failed("definitions", err)
	}
	return definitions, revision, nil
}

func scanDefinition(scan scanner, d *crm.Definition) error {
	return scan(&d.Kind, &d.ID, &d.Version, &d.Hash, &d.Body, instant{&d.PublishedAt})
}
