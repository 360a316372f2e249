package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

const (
	selectRevision   = `SELECT coalesce(max(revision), 0) FROM goen_definition WHERE shop_id = $1`
	definitionFields = `kind, definition_id, version, hash, body, published_at`

	// lockShop lets processes define one after the other in a shop.
	lockShop         = `SELECT pg_advisory_xact_lock(hashtextextended('goen_definition ' || $1, 0))`
	insertDefinition = `
		INSERT INTO goen_definition (shop_id, kind, definition_id, version, revision, hash, body, published_at)
		SELECT $1, $2, $3, coalesce(newest.version, 0) + 1,
			(SELECT coalesce(max(d.revision), 0) + 1 FROM goen_definition AS d WHERE d.shop_id = $1), $4, $5, $6
		FROM (SELECT) AS one LEFT JOIN LATERAL (
			SELECT d.version, d.hash FROM goen_definition AS d
			WHERE d.shop_id = $1 AND d.kind = $2 AND d.definition_id = $3 ORDER BY d.version DESC LIMIT 1
		) AS newest ON true
		WHERE newest.hash IS DISTINCT FROM $4`
	selectNewest = `
		SELECT ` + definitionFields + ` FROM goen_definition
		WHERE shop_id = $1 AND kind = $2 AND definition_id = $3 ORDER BY version DESC LIMIT 1`
	selectDefinitions = `
		SELECT ` + definitionFields + ` FROM goen_definition WHERE shop_id = $1 ORDER BY kind, definition_id, version`
)

// Define implements [crm.Store].
func (s *Store) Define(ctx context.Context, shop string, d crm.Definition) (crm.Definition, error) {
	var newest crm.Definition
	err := s.write(ctx, "define", 1, func(tx *transaction) error {
		tx.queue(lockShop, shop)
		tx.queue(insertDefinition, shop, d.Kind, d.ID, blob(d.Hash), d.Body, optional(d.PublishedAt))
		tx.queue(selectNewest, shop, d.Kind, d.ID).QueryRow(func(row pgx.Row) error { return scanDefinition(row, &newest) })
		return tx.commit(ctx)
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
	err := s.read(ctx, "definitions", 1, func(tx *transaction) error {
		definitions = nil
		tx.queue(selectRevision, shop).QueryRow(func(row pgx.Row) error { return row.Scan(&revision) })
		tx.each(selectDefinitions, []any{shop}, func(rows pgx.Rows) error {
			definitions = append(definitions, crm.Definition{})
			return scanDefinition(rows, &definitions[len(definitions)-1])
		})
		return tx.commit(ctx)
	})
	if err != nil {
		return nil, 0, err
	}
	return definitions, revision, nil
}

func scanDefinition(row pgx.Row, d *crm.Definition) error {
	return row.Scan(&d.Kind, &d.ID, &d.Version, &d.Hash, &d.Body, instant{&d.PublishedAt})
}
