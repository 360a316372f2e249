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
	insertFact = `
		INSERT INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	selectHash     = `SELECT hash FROM goen_fact WHERE shop_id = ? AND fact_id = ?`
	insertCustomer = `INSERT INTO goen_customer (shop_id, customer_id, bucket) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	insertInbox    = `INSERT INTO goen_inbox (shop_id, customer_id, fact_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
)

// appendFacts writes before it reads, so that a transaction of the cart's that
// has done nothing yet waits for the write lock, instead of being refused it.
// It stops at the first conflict; the caller undoes what was written.
func appendFacts(ctx context.Context, tx *session, shop string, facts []crm.FactRow) error {
	for i, f := range facts {
		added, err := tx.changed(ctx, insertFact, shop, f.ID, f.Customer, f.Type, ordered(f.Time), optional(f.RecordedAt),
			blob(f.Hash), optionalText(f.SetAside), text(f.Body))
		if err != nil {
			return fmt.Errorf("sqlite: append: %w", err)
		}
		if added {
			if err := deliver(ctx, tx, shop, f); err != nil {
				return fmt.Errorf("sqlite: append: %w", err)
			}
			continue
		}
		var known []byte
		if err := tx.one(ctx, selectHash, []any{shop, f.ID}, &known); err != nil {
			return fmt.Errorf("sqlite: append: %w", err)
		}
		if !bytes.Equal(known, f.Hash) {
			return &crm.BatchError{Index: i, ID: f.ID, Err: crm.ErrConflict}
		}
	}
	return nil
}

// deliver puts a new fact into the inboxes of its customers.
func deliver(ctx context.Context, tx *session, shop string, f crm.FactRow) error {
	for _, key := range f.Keys {
		if _, err := tx.run(ctx, insertCustomer, shop, key, crm.Bucket(key)); err != nil {
			return err
		}
		if _, err := tx.run(ctx, insertInbox, shop, key, f.ID); err != nil {
			return err
		}
	}
	return nil
}
