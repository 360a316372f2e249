package sqlite

import (
	"context"
	"fmt"

	"github.com/goen-crm/crm"
)

const (
	// ?2 is the term of facts, ?3 that of evidence, whose types ?4 lists.
	purgeFacts = `
		UPDATE goen_fact SET body = NULL WHERE rowid IN (
			SELECT f.rowid FROM goen_fact f
			WHERE f.shop_id = ?1 AND f.body IS NOT NULL AND f.event_at < max(?2, ?3)
				AND f.event_at < iif(f.type IN (SELECT value FROM json_each(?4)), ?3, ?2)
				AND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = ?1 AND i.fact_id = f.fact_id)
			ORDER BY f.event_at LIMIT ?5)`
	purgeContents = `
		UPDATE goen_message SET content = NULL, recipient = '' WHERE rowid IN (
			SELECT m.rowid FROM goen_message m
			WHERE m.shop_id = ?1 AND m.settled_at < ?2 AND (content IS NOT NULL OR recipient <> '') AND m.state <> 'unknown'
			ORDER BY m.settled_at LIMIT ?3)`
	purgeDecisions = `
		DELETE FROM goen_decision WHERE shop_id = ?1 AND seq IN (
			SELECT d.seq FROM goen_decision d WHERE d.shop_id = ?1 AND d.at < ?2 ORDER BY d.at LIMIT ?3)`
)

// Purge implements [crm.Purger]. The oldest go first. What the database file
// held is overwritten.
func (s *Store) Purge(ctx context.Context, shop string, req crm.PurgeRequest) (crm.Purged, error) {
	var purged crm.Purged
	limit := max(req.Limit, 0)
	err := s.work(ctx, func(ctx context.Context, tx *session) error {
		for _, step := range []struct {
			into      *int
			statement string
			args      []any
		}{
			{&purged.Facts, purgeFacts, []any{shop, ordered(req.Facts), ordered(req.Consents), list(req.Evidence), limit}},
			{&purged.Contents, purgeContents, []any{shop, ordered(req.Contents), limit}},
			{&purged.Decisions, purgeDecisions, []any{shop, ordered(req.Decisions), limit}},
		} {
			result, err := tx.run(ctx, step.statement, step.args...)
			if err != nil {
				return fmt.Errorf("sqlite: purge: %w", err)
			}
			n, err := result.RowsAffected()
			if err != nil {
				return fmt.Errorf("sqlite: purge: %w", err)
			}
			*step.into = int(n)
		}
		return nil
	})
	if err != nil {
		return crm.Purged{}, err
	}
	return purged, nil
}
