package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Tx returns an appender that works inside a transaction of the cart's: its
// facts are recorded if and when tx commits. tx must be on the store's database.
//
// Append takes one round trip, or some more if it meets facts that are there
// already. If it fails by a conflict or by anything else
// that the server says, tx is as before: nothing of the batch is in it, and it
// may go on and commit. A context that is over before Append begins does not
// harm it either; one that ends meanwhile costs the connection, as in any
// statement of pgx.
//
// What a cart sees whose transaction is at
//
//   - READ COMMITTED, PostgreSQL's default: no failure but conflicts. It waits
//     for another open transaction only if that has inserted the same fact, or
//     was the first ever to record something of the same customer.
//   - REPEATABLE READ or SERIALIZABLE: also a serialization failure (SQLSTATE
//     40001) where another transaction has done one of these two things and
//     committed since the cart's snapshot: the cart cannot see the row and cannot
//     write it. A repeated transaction succeeds. At SERIALIZABLE, COMMIT may
//     report one as well.
func (s *Store) Tx(tx pgx.Tx) crm.Appender { return cartTx{s, tx} }

// SQLTx is [Store.Tx] for a cart that uses database/sql, with pgx's driver or
// another. Append takes some round trips more.
func (s *Store) SQLTx(tx *sql.Tx) crm.Appender { return cartSQLTx{s, tx} }

const (
	savepoint = `SAVEPOINT crm_append`
	undo      = `ROLLBACK TO SAVEPOINT crm_append`
	release   = `RELEASE SAVEPOINT crm_append`
)

// cartTx appends in a transaction of the cart's.
type cartTx struct {
	s  *Store
	tx pgx.Tx
}

// Append implements [crm.Appender].
func (c cartTx) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	return appendInside(ctx, shop, facts, func(statement string, args []any) (conflicts []int32, done int, err error) {
		var statements pgx.Batch
		statements.Queue(savepoint)
		statements.Queue(c.s.tables(statement), args...).QueryRow(func(row pgx.Row) error { return row.Scan(&conflicts, &done) })
		statements.Queue(release) // a conflict has written nothing
		if err = c.tx.SendBatch(ctx, &statements).Close(); err == nil || c.tx.Conn().PgConn().TxStatus() != 'E' {
			return conflicts, done, err
		}
		_, undone := c.tx.Exec(ctx, undo+`; `+release)
		return nil, 0, errors.Join(err, undone)
	})
}

// cartSQLTx is cartTx for database/sql.
type cartSQLTx struct {
	s  *Store
	tx *sql.Tx
}

// Append implements [crm.Appender].
func (c cartSQLTx) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	return appendInside(ctx, shop, facts, func(statement string, args []any) (conflicts []int32, done int, err error) {
		if _, err := c.tx.ExecContext(ctx, savepoint); err != nil {
			return nil, 0, err
		}
		literals := make([]any, len(args))
		for i := range args {
			literals[i] = literal(args[i])
		}
		var found sql.NullString
		err = c.tx.QueryRowContext(ctx, c.s.tables(statement), literals...).Scan(&found, &done)
		if err != nil {
			_, undone := c.tx.ExecContext(ctx, undo)
			err = errors.Join(err, undone)
		}
		if _, released := c.tx.ExecContext(ctx, release); err != nil || released != nil {
			return nil, 0, errors.Join(err, released)
		}
		conflicts, err = parseInts(found.String)
		return conflicts, done, err
	})
}

// appendInside appends in a transaction of the cart's, with a run of addInside
// and, where that has found facts, of appendFacts. Where that has lost a race, it
// sees what it missed if it is run again: but not in a transaction with one
// snapshot, whose failure is another.
func appendInside(ctx context.Context, shop string, facts []crm.FactRow, run func(statement string, args []any) (conflicts []int32, done int, err error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, conflict := newBatch(shop, facts)
	if conflict != nil {
		return conflict
	}
	if len(facts) == 0 {
		return nil
	}
	statement, args := addInside, b.args()
	for attempt := 1; ; attempt++ {
		conflicts, done, err := run(statement, args)
		switch {
		case err == nil && done == len(b.facts):
			return b.refusal(conflicts)
		case err != nil && (attempt == attempts || !hasCode(err, divisionByZero)):
			return failed("append", err)
		}
		statement = appendFacts
	}
}
