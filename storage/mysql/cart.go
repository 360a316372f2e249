package mysql

import (
	"context"
	"database/sql"

	"github.com/goen-crm/crm"
)

// Tx returns an appender that works inside a transaction of the cart's: its
// facts are recorded if and when tx commits. tx must be on the store's
// database; it may be of any *sql.DB on it, and of any isolation level.
//
// If Append fails, tx is as before: nothing of the batch is in it, and it may go
// on and commit. There is one exception, [ErrRolledBack]: the server has undone
// the whole transaction, as it does with one of two that deadlock, and the cart
// must roll back and begin again.
//
// The context given to Append is only looked at before it begins: the driver
// cuts the connection of a statement that is interrupted, and the cart's
// transaction with it.
func (s *Store) Tx(tx *sql.Tx) crm.Appender { return cartTx{s, tx} }

// cartTx appends in a transaction of the cart's.
type cartTx struct {
	store *Store
	tx    *sql.Tx
}

// Append implements [crm.Appender].
func (c cartTx) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	leave, err := c.store.enter(ctx)
	if err != nil {
		return failed("append", err)
	}
	defer leave()
	if len(facts) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	had, err := settle(ctx, c.tx, wanted)
	if err != nil {
		return failed("append", err)
	}
	err = c.append(ctx, shop, facts)
	if undo := restore(ctx, c.tx, had); err == nil {
		err = undo
	}
	return refusal("append", err)
}

func (c cartTx) append(ctx context.Context, shop string, facts []crm.FactRow) error {
	if _, err := c.tx.ExecContext(ctx, "SAVEPOINT goen_append"); err != nil {
		return err
	}
	err := appendAll(ctx, &session{querier: c.tx, store: c.store}, shop, facts)
	if err == nil {
		_, err = c.tx.ExecContext(ctx, "RELEASE SAVEPOINT goen_append")
		return err
	}
	// Where the transaction is gone, so is the savepoint.
	if _, undo := c.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT goen_append"); undo != nil {
		return rolledBack{err}
	}
	_, _ = c.tx.ExecContext(ctx, "RELEASE SAVEPOINT goen_append") // one that stays does no harm
	return err
}

// rolledBack is ErrRolledBack with its cause.
type rolledBack struct{ cause error }

// Error says what has happened, and why.
func (r rolledBack) Error() string {
	return "the server has rolled back the cart's transaction: " + clean(r.cause).Error()
}

// Unwrap returns the sentinel and the cause.
func (r rolledBack) Unwrap() []error { return []error{ErrRolledBack, clean(r.cause)} }
