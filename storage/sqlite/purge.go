package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

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
	selectOldDecisions = `SELECT d.seq FROM goen_decision d WHERE d.shop_id = ?1 AND d.at < ?2 ORDER BY d.seq LIMIT ?3`
	purgeDecisions     = `
		DELETE FROM goen_decision WHERE shop_id = ?1 AND at < ?2 AND seq IN (SELECT value FROM json_each(?3))`
)

// Purge implements [crm.Purger]. The oldest go first. What the database file
// held is overwritten. No index has the decisions by their time, for the sake
// of those who write them: the log is looked through without the lock.
func (s *Store) Purge(ctx context.Context, shop string, req crm.PurgeRequest) (crm.Purged, error) {
	var purged crm.Purged
	limit := max(req.Limit, 0)
	decisions, err := s.oldDecisions(ctx, shop, req.Decisions, limit)
	if err != nil {
		return crm.Purged{}, fmt.Errorf("sqlite: purge: %w", err)
	}
	err = s.work(ctx, func(ctx context.Context, tx *session) error {
		for _, step := range []struct {
			into      *int
			statement string
			args      []any
		}{
			{&purged.Facts, purgeFacts, []any{shop, ordered(req.Facts), ordered(req.Consents), list(req.Evidence), limit}},
			{&purged.Contents, purgeContents, []any{shop, ordered(req.Contents), limit}},
			{&purged.Decisions, purgeDecisions, []any{shop, ordered(req.Decisions), decisions}},
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

// oldDecisions lists up to limit decisions from before a time, as JSON.
func (s *Store) oldDecisions(ctx context.Context, shop string, before time.Time, limit int) (string, error) {
	if before.IsZero() {
		return "[]", nil
	}
	seqs := []int64{}
	err := s.read(ctx, func(ctx context.Context, tx *session) error {
		seqs = seqs[:0]
		return tx.each(ctx, selectOldDecisions, []any{shop, ordered(before), limit}, func(scan scanner) error {
			var seq int64
			err := scan(&seq)
			seqs = append(seqs, seq)
			return err
		})
	})
	data, _ := json.Marshal(seqs) // numbers always marshal
	return string(data), err
}
