package mysql

import (
	"context"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// Latest first: what is due for purging lies before what was purged already, so
// that only the last of several calls reads all of that.
const (
	selectOldFacts = `
		SELECT f.fact_id FROM goen_fact f FORCE INDEX (time) WHERE f.shop_id = ? AND f.event_at < ? AND f.body IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = f.shop_id AND i.fact_id = f.fact_id)`
	selectOldContents = `
		SELECT message_id FROM goen_message FORCE INDEX (due)
		WHERE shop_id = ? AND state IN ('sent', 'failed', 'skipped') AND settled_at < ? AND (content IS NOT NULL OR recipient <> '')
		LIMIT ?`
	purgeContents = `UPDATE goen_message SET content = NULL, recipient = '' WHERE shop_id = ? AND message_id ` + inList
	// Decisions have no index by time, which each of them would pay for. They are
	// looked through in the order they were written, without a lock: the DELETE
	// would wait for what is being written.
	selectOldDecisions = `SELECT seq FROM goen_decision FORCE INDEX (PRIMARY) WHERE shop_id = ? AND at < ? ORDER BY seq LIMIT ?`
	deleteDecisions    = `DELETE FROM goen_decision WHERE shop_id = ? AND seq ` + inList
)

// Purge implements [crm.Purger]. Each kind is a transaction of its own.
func (s *Store) Purge(ctx context.Context, shop string, req crm.PurgeRequest) (purged crm.Purged, err error) {
	for _, step := range []func(context.Context, *session) error{
		func(ctx context.Context, tx *session) (err error) {
			purged.Facts, err = purgeOldFacts(ctx, tx, shop, req)
			return err
		},
		func(ctx context.Context, tx *session) (err error) {
			purged.Contents, err = purgeOldContents(ctx, tx, shop, req)
			return err
		},
		func(ctx context.Context, tx *session) (err error) {
			purged.Decisions, err = purgeOldDecisions(ctx, tx, shop, req)
			return err
		},
	} {
		if err := s.write(ctx, step); err != nil {
			return purged, failed("purge", err)
		}
	}
	return purged, nil
}

func purgeOldFacts(ctx context.Context, tx *session, shop string, req crm.PurgeRequest) (int, error) {
	var ids []string
	find := func(before time.Time, evidence bool) error {
		if before.IsZero() || evidence && len(req.Evidence) == 0 {
			return nil
		}
		query, args := selectOldFacts, []any{shop, ordered(before)}
		if len(req.Evidence) > 0 {
			query += " AND f.type "
			if !evidence {
				query += "NOT "
			}
			query, args = listed(query+inList, args, req.Evidence)
		}
		found, err := tx.keys(ctx, query+" ORDER BY f.event_at DESC LIMIT ?", append(args, max(req.Limit-len(ids), 0))...)
		ids = append(ids, found...)
		return err
	}
	if err := find(req.Facts, false); err != nil {
		return 0, err
	}
	if err := find(req.Consents, true); err != nil {
		return 0, err
	}
	return len(ids), tx.execIn(ctx, purgeFacts, []any{shop}, ids)
}

func purgeOldContents(ctx context.Context, tx *session, shop string, req crm.PurgeRequest) (int, error) {
	if req.Contents.IsZero() {
		return 0, nil
	}
	ids, err := tx.keys(ctx, selectOldContents, shop, ordered(req.Contents), max(req.Limit, 0))
	if err != nil {
		return 0, err
	}
	return len(ids), tx.execIn(ctx, purgeContents, []any{shop}, ids)
}

func purgeOldDecisions(ctx context.Context, tx *session, shop string, req crm.PurgeRequest) (deleted int, err error) {
	if req.Decisions.IsZero() {
		return 0, nil
	}
	var seqs []uint64
	err = tx.each(ctx, selectOldDecisions, []any{shop, ordered(req.Decisions), max(req.Limit, 0)}, func(scan scanner) error {
		var seq uint64
		err := scan(&seq)
		seqs = append(seqs, seq)
		return err
	})
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(seqs, chunk) {
		query, args := listed(deleteDecisions, []any{shop}, part)
		n, err := tx.exec(ctx, query, args...)
		if err != nil {
			return 0, err
		}
		deleted += n
	}
	return deleted, nil
}
