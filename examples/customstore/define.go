package customstore

import (
	"bytes"
	"context"
	"database/sql"

	"github.com/goen-crm/crm"
)

const definitionColumns = `kind, id, version, hash, body, published`

func scanDefinition(rows *sql.Rows) (d crm.Definition, err error) {
	err = rows.Scan(&d.Kind, &d.ID, &d.Version, &d.Hash, &d.Body, (*instant)(&d.PublishedAt))
	return d, err
}

// Define stores a new version, unless the newest one is the same.
func (s *Store) Define(ctx context.Context, shop string, d crm.Definition) (crm.Definition, error) {
	err := s.write(ctx, shop, func(c call) error {
		newest, err := query(c, scanDefinition, `SELECT `+definitionColumns+` FROM crm_definition
			WHERE shop = ?1 AND kind = ?2 AND id = ?3 ORDER BY version DESC LIMIT 1`, d.Kind, d.ID)
		if err != nil {
			return err
		}
		d.Version, d.PublishedAt = 1, d.PublishedAt.UTC()
		if len(newest) > 0 {
			if bytes.Equal(newest[0].Hash, d.Hash) {
				d = newest[0]
				return nil
			}
			d.Version = newest[0].Version + 1
		}
		return c.exec(`INSERT INTO crm_definition (shop, kind, id, version, hash, body, published) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
			d.Kind, d.ID, d.Version, d.Hash, text(d.Body), micro(d.PublishedAt))
	})
	return d, err
}

// Definitions returns all definitions. Their number is the revision.
func (s *Store) Definitions(ctx context.Context, shop string) ([]crm.Definition, int64, error) {
	list, err := query(call{ctx, s.db, shop}, scanDefinition, `SELECT `+definitionColumns+` FROM crm_definition
		WHERE shop = ?1 ORDER BY kind, id, version`)
	return list, int64(len(list)), err
}
