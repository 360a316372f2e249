package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/goen-crm/crm"
)

// What is older is found by an index that has nothing of what was purged before,
// but for decisions, which are looked through in the order they were written.
const (
	purgeFacts = `
		UPDATE goen_fact AS f SET body = NULL WHERE f.shop_id = $1 AND f.fact_id = ANY (ARRAY(
			SELECT p.fact_id FROM goen_fact AS p
			WHERE p.shop_id = $1 AND p.body IS NOT NULL AND p.event_at < greatest($2::timestamptz, $3::timestamptz)
				AND p.event_at < CASE WHEN p.type = ANY ($4::text[]) THEN $3::timestamptz ELSE $2::timestamptz END
				AND NOT EXISTS (SELECT FROM goen_inbox AS i WHERE i.shop_id = $1 AND i.fact_id = p.fact_id)
			ORDER BY p.event_at, p.fact_id LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED
		))`
	purgeContents = `
		UPDATE goen_message AS m SET content = NULL, recipient = '' WHERE m.shop_id = $1 AND m.message_id = ANY (ARRAY(
			SELECT p.message_id FROM goen_message AS p
			WHERE p.shop_id = $1 AND p.settled_at < $2 AND p.state <> 'unknown' AND (p.content IS NOT NULL OR p.recipient <> '')
			ORDER BY p.settled_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
		))`
	purgeDecisions = `
		DELETE FROM goen_decision AS d WHERE d.shop_id = $1 AND d.seq = ANY (ARRAY(
			SELECT p.seq FROM goen_decision AS p WHERE p.shop_id = $1 AND p.at < $2
			ORDER BY p.seq LIMIT $3 FOR UPDATE SKIP LOCKED
		))`
)

// Purge implements [crm.Purger].
func (s *Store) Purge(ctx context.Context, shop string, req crm.PurgeRequest) (crm.Purged, error) {
	var purged crm.Purged
	limit := max(req.Limit, 0)
	evidence := append([]string{}, req.Evidence...)
	err := s.write(ctx, "purge", limit, func(tx *transaction) error {
		purged = crm.Purged{}
		if !req.Facts.IsZero() || !req.Consents.IsZero() {
			tx.queue(purgeFacts, shop, req.Facts, req.Consents, evidence, limit).Exec(counter(&purged.Facts))
		}
		if !req.Contents.IsZero() {
			tx.queue(purgeContents, shop, req.Contents, limit).Exec(counter(&purged.Contents))
		}
		if !req.Decisions.IsZero() {
			tx.queue(purgeDecisions, shop, req.Decisions, limit).Exec(counter(&purged.Decisions))
		}
		return tx.commit(ctx)
	})
	if err != nil {
		return crm.Purged{}, err
	}
	return purged, nil
}

// counter counts the rows that a statement has changed.
func counter(n *int) func(tag pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		*n = int(tag.RowsAffected())
		return nil
	}
}
