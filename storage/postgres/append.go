package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Append implements [crm.Appender]. It is one round trip, and needs no
// transaction but that of its statement, unless some of the facts are there
// already or others append them at the same time.
func (s *Store) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	batch, conflict := newBatch(shop, facts)
	if conflict != nil {
		return conflict
	}
	if err := cmp.Or(s.check(), ctx.Err()); err != nil || len(facts) == 0 {
		return err
	}
	args, done := batch.args(), 0
	own, _ := arrays(args)
	err := s.pool.QueryRow(ctx, s.tables(addAlone), own...).Scan(nil, &done, nil)
	switch {
	case err == nil && done == len(batch.facts):
		return nil
	case err != nil && !isUndone(err):
		return failed("append", cmp.Or(s.check(), err))
	}
	return s.write(ctx, "append", len(facts), func(tx *transaction) error {
		var conflicts []int32
		tx.queue(appendFacts, args...).QueryRow(func(row pgx.Row) error { return row.Scan(&conflicts, nil) })
		if err := tx.commit(ctx); err != nil {
			return err
		}
		return batch.refusal(conflicts)
	})
}

// addInside and addAlone write facts if all of them are new. They read no table,
// so that there is one way to run them, whatever the server believes about the
// tables: the plan is made once, where one for appendFacts takes longer than to
// run it.
//
// They return how many facts they are done with: all, or none if all of them are
// there already. If some are, they fail by a division by zero. Facts, and then
// customers, come in order of their keys, for the same reason as in appendFacts.
const (
	addInside = addFacts + addEntries + ` FROM added`
	// addAlone is a transaction of its own. Where that is not at READ COMMITTED, it
	// finds itself done with nothing. What the server remembers is how to look up
	// customers for the foreign key, as in useIndexes.
	addAlone = addFacts + ` WHERE current_setting('transaction_isolation') = 'read committed'` +
		addEntries + `, set_config('enable_seqscan', 'off', true) FROM added`

	addFacts = `
	WITH added AS (
		INSERT INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body)
		SELECT $1, unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::timestamptz[]), unnest($6::timestamptz[]),
			unnest($7::bytea[]), nullif(unnest($8::text[]), ''), nullif(unnest($9::text[]), '')::json`
	addEntries = `
		ON CONFLICT DO NOTHING
		RETURNING 1
	), met AS (
		INSERT INTO goen_customer (shop_id, customer_id, bucket)
		SELECT $1, unnest($11::text[]), unnest($12::smallint[]) WHERE EXISTS (SELECT FROM added)
		ON CONFLICT DO NOTHING
		RETURNING customer_id
	), put AS (
		INSERT INTO goen_inbox (shop_id, customer_id, fact_id, share, fence)
		SELECT $1, k.customer_id, k.fact_id, k.bucket % 8, CASE WHEN k.customer_id NOT IN (SELECT customer_id FROM met) THEN k.customer_id END
		FROM unnest($10::text[], $11::text[], $12::smallint[]) AS k (fact_id, customer_id, bucket) WHERE EXISTS (SELECT FROM added)
	)
	SELECT NULL::int[], count(*) / (CASE WHEN count(*) IN (0, array_length($2, 1)) THEN 1 ELSE 0 END)`
)

// appendFacts writes all facts that are not there yet, or none if there are
// conflicts: it returns the places, from 1, of facts that are there with another
// hash, and how many facts there are. Facts, and then customers, are inserted in
// order of their keys, so that two carts with the same ones wait for each other
// in one direction only.
//
// A fact that another transaction has inserted since this statement began is
// neither seen nor inserted. The statement then fails by a division by zero, and
// is run again: next time it sees that fact.
const appendFacts = `
	WITH told AS MATERIALIZED (
		SELECT u.*, (SELECT f.hash FROM goen_fact f WHERE f.shop_id = $1 AND f.fact_id = u.fact_id) AS known
		FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::bytea[], $8::text[], $9::text[])
			WITH ORDINALITY AS u (fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body, place)
	), conflict AS MATERIALIZED (
		SELECT place FROM told WHERE known <> hash
	), added AS (
		INSERT INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body)
		SELECT $1, fact_id, customer_id, type, event_at, recorded_at, hash, nullif(set_aside, ''), nullif(body, '')::json
		FROM told WHERE known IS NULL AND NOT EXISTS (SELECT FROM conflict)
		ORDER BY fact_id
		ON CONFLICT DO NOTHING
		RETURNING fact_id
	), entry AS MATERIALIZED (
		SELECT k.customer_id, k.bucket, k.fact_id
		FROM unnest($10::text[], $11::text[], $12::smallint[]) AS k (fact_id, customer_id, bucket) JOIN added USING (fact_id)
	), met AS (
		INSERT INTO goen_customer (shop_id, customer_id, bucket)
		SELECT DISTINCT $1, customer_id, bucket FROM entry ORDER BY customer_id
		ON CONFLICT DO NOTHING
		RETURNING customer_id
	), put AS (
		INSERT INTO goen_inbox (shop_id, customer_id, fact_id, share, fence)
		SELECT $1, customer_id, fact_id, bucket % 8, CASE WHEN customer_id NOT IN (SELECT customer_id FROM met) THEN customer_id END FROM entry
		ON CONFLICT DO NOTHING
	)
	SELECT (SELECT array_agg(place::int) FROM conflict),
		(SELECT count(*) FROM told) / (CASE WHEN EXISTS (SELECT FROM conflict)
			OR (SELECT count(*) FROM added) = (SELECT count(*) FROM told WHERE known IS NULL) THEN 1 ELSE 0 END)`

// A batch is facts to be appended, each id once, in order of id.
type batch struct {
	shop   string
	facts  []crm.FactRow
	places []int // where each fact was in the caller's slice
}

// newBatch fails if two facts of one id have different hashes.
func newBatch(shop string, facts []crm.FactRow) (*batch, *crm.BatchError) {
	b := &batch{shop: shop, facts: make([]crm.FactRow, 0, len(facts)), places: make([]int, 0, len(facts))}
	order := make([]int, len(facts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(facts[i].ID, facts[j].ID) })
	for _, i := range order {
		if n := len(b.facts); n > 0 && b.facts[n-1].ID == facts[i].ID {
			if !bytes.Equal(b.facts[n-1].Hash, facts[i].Hash) {
				return nil, &crm.BatchError{Index: i, ID: facts[i].ID, Err: crm.ErrConflict}
			}
			continue
		}
		b.facts = append(b.facts, facts[i])
		b.places = append(b.places, i)
	}
	return b, nil
}

// args are the arguments of appendFacts.
func (b *batch) args() []any {
	facts, keys, buckets := b.entries()
	return []any{
		b.shop,
		column(b.facts, func(f *crm.FactRow) string { return f.ID }),
		column(b.facts, func(f *crm.FactRow) string { return f.Customer }),
		column(b.facts, func(f *crm.FactRow) string { return f.Type }),
		column(b.facts, func(f *crm.FactRow) time.Time { return f.Time }),
		times(column(b.facts, func(f *crm.FactRow) time.Time { return f.RecordedAt })),
		documents(column(b.facts, func(f *crm.FactRow) []byte { return blob(f.Hash) })),
		sparse(b.facts, func(f *crm.FactRow) string { return f.SetAside }),
		column(b.facts, func(f *crm.FactRow) string { return string(f.Body) }),
		facts, keys, buckets,
	}
}

// entries are the inbox entries of the batch, in order of customer: fact,
// customer and the customer's bucket.
func (b *batch) entries() (facts, keys []string, buckets []int16) {
	var entries []crm.InboxEntry
	for _, f := range b.facts {
		for i, key := range f.Keys {
			if !slices.Contains(f.Keys[:i], key) {
				entries = append(entries, crm.InboxEntry{Customer: key, Fact: f.ID})
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b crm.InboxEntry) int { return cmp.Compare(a.Customer, b.Customer) })
	return column(entries, func(e *crm.InboxEntry) string { return e.Fact }),
		column(entries, func(e *crm.InboxEntry) string { return e.Customer }),
		column(entries, func(e *crm.InboxEntry) int16 { return int16(crm.Bucket(e.Customer)) })
}

// refusal is the error of the first conflict in the caller's slice.
func (b *batch) refusal(conflicts []int32) error {
	first := -1
	for _, n := range conflicts {
		if place := b.places[n-1]; first < 0 || place < first {
			first = place
		}
	}
	if first < 0 {
		return nil
	}
	i := slices.Index(b.places, first)
	return &crm.BatchError{Index: first, ID: b.facts[i].ID, Err: crm.ErrConflict}
}
