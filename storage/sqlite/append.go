package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
)

// Append implements [crm.Appender].
func (s *Store) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	return s.write(ctx, func(ctx context.Context, tx *session) error {
		return appendFacts(ctx, tx, shop, facts)
	})
}

// Tx returns an appender that works inside a transaction of the cart's: its
// facts are recorded if and when tx commits. tx must be on the store's
// database; it may be of any *sql.DB on that file.
//
// Append takes the database's write lock for tx, if tx does not have it yet. If
// it fails, tx is as before: nothing of the batch is in it, and it may go on
// and commit. The context given to Append is only looked at before it begins.
//
// A transaction that begins with a read may be refused the lock later, by
// SQLITE_BUSY, because another has written in between. Let the cart's handle
// begin with _txlock=immediate to rule that out.
func (s *Store) Tx(tx *sql.Tx) crm.Appender { return cartTx{tx} }

// cartTx appends in a transaction of the cart's.
type cartTx struct{ tx *sql.Tx }

// Append implements [crm.Appender].
func (c cartTx) Append(ctx context.Context, shop string, facts []crm.FactRow) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	// An interrupted statement would roll back the cart's whole transaction.
	ctx = context.WithoutCancel(ctx)
	session := newSession(c.tx)
	defer func() { err = errors.Join(err, session.finish()) }()
	if _, err := c.tx.ExecContext(ctx, "SAVEPOINT goen_append"); err != nil {
		return fmt.Errorf("sqlite: append: %w", err)
	}
	err = appendFacts(ctx, session, shop, facts)
	if err != nil {
		_, undo := c.tx.ExecContext(ctx, "ROLLBACK TO goen_append")
		err = errors.Join(err, undo)
	}
	_, release := c.tx.ExecContext(ctx, "RELEASE goen_append")
	return errors.Join(err, release)
}

const (
	intoFacts = `
		INSERT OR FAIL INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body)`
	selectHash = `SELECT hash FROM goen_fact WHERE shop_id = ? AND fact_id = ?`
)

var (
	insertFacts     = newInsertion(intoFacts, 9, `ON CONFLICT DO NOTHING RETURNING fact_id`)
	insertFact      = newInsertion(intoFacts, 9, `ON CONFLICT DO NOTHING`).of(1)
	insertCustomers = newInsertion(`INSERT OR FAIL INTO goen_customer (shop_id, customer_id, bucket)`, 3, `ON CONFLICT DO NOTHING`)
	insertInboxes   = newInsertion(`INSERT OR FAIL INTO goen_inbox (shop_id, customer_id, fact_id)`, 3, `ON CONFLICT DO NOTHING`)
)

// appendFacts writes before it reads, so that a transaction of the cart's that
// has done nothing yet waits for the write lock, instead of being refused it.
// It stops at the first conflict; the caller undoes what was written.
func appendFacts(ctx context.Context, tx *session, shop string, facts []crm.FactRow) error {
	var arrived []crm.InboxEntry
	index := 0
	for chunk := range chunks(facts) {
		unseen, err := writeFacts(ctx, tx, shop, chunk)
		if err != nil {
			return fmt.Errorf("sqlite: append: %w", err)
		}
		for _, f := range chunk {
			added := unseen[f.ID]
			delete(unseen, f.ID) // a second one in the chunk is compared
			if added {
				for _, key := range f.Keys {
					arrived = append(arrived, crm.InboxEntry{Customer: key, Fact: f.ID})
				}
			} else if err := compare(ctx, tx, shop, index, f); err != nil {
				return err
			}
			index++
		}
	}
	if err := deliver(ctx, tx, shop, arrived); err != nil {
		return fmt.Errorf("sqlite: append: %w", err)
	}
	return nil
}

// writeFacts adds those of facts that are not there yet, and returns their ids.
func writeFacts(ctx context.Context, tx *session, shop string, facts []crm.FactRow) (map[string]bool, error) {
	args := make([]any, 0, 9*len(facts))
	for _, f := range facts {
		args = append(args, shop, f.ID, f.Customer, f.Type, ordered(f.Time), optional(f.RecordedAt),
			blob(f.Hash), optionalText(f.SetAside), text(f.Body))
	}
	added := make(map[string]bool, len(facts))
	if len(facts) == 1 { // most often; without RETURNING it is faster
		one, err := tx.changed(ctx, insertFact, args...)
		added[facts[0].ID] = one
		return added, err
	}
	err := tx.each(ctx, insertFacts.of(len(facts)), args, func(scan scanner) error {
		var id string
		err := scan(&id)
		added[id] = true
		return err
	})
	return added, err
}

// compare looks whether a fact that is there already is the same.
func compare(ctx context.Context, tx *session, shop string, index int, f crm.FactRow) error {
	var known []byte
	if err := tx.one(ctx, selectHash, []any{shop, f.ID}, &known); err != nil {
		return fmt.Errorf("sqlite: append: %w", err)
	}
	if !bytes.Equal(known, f.Hash) {
		return &crm.BatchError{Index: index, ID: f.ID, Err: crm.ErrConflict}
	}
	return nil
}

// deliver puts new facts into the inboxes of their customers.
func deliver(ctx context.Context, tx *session, shop string, arrived []crm.InboxEntry) error {
	err := insert(ctx, tx, insertCustomers, arrived, func(args []any, e *crm.InboxEntry) []any {
		return append(args, shop, e.Customer, crm.Bucket(e.Customer))
	})
	if err != nil {
		return err
	}
	return insert(ctx, tx, insertInboxes, arrived, func(args []any, e *crm.InboxEntry) []any {
		return append(args, shop, e.Customer, e.Fact)
	})
}
