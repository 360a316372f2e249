package postgres

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Isolation levels are named, since a database may have another default.
const (
	readCommitted = `BEGIN ISOLATION LEVEL READ COMMITTED`
	oneSnapshot   = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`

	// useIndexes keeps the server from remembering plans that read a table as a
	// whole because it was empty when they were made.
	useIndexes = `SET LOCAL enable_seqscan = off`
	// useKeys is for transactions whose plans the server may remember for ever,
	// which saves it a millisecond each time: rows are found in the order of an
	// index, and through as few entries of it as possible, whatever the server
	// believed about their number when it made the plan. Plans that have no choice
	// would seem worth compiling.
	useKeys = `SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true),
		set_config('enable_incremental_sort', 'off', true), set_config('enable_hashagg', 'off', true),
		set_config('cpu_index_tuple_cost', '1000000', true),
		set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`
	// planAnew keeps it from remembering plans at all: on an empty table, any
	// index that begins with the shop looks as good as the key, and later reads a
	// whole shop to find one row.
	planAnew = `SET LOCAL plan_cache_mode = force_custom_plan`
)

// statementRoom is more than a statement takes beside its arguments.
const statementRoom = 512

// manyRows is from how many rows on a transaction is worth new plans. They take
// about half a millisecond.
const manyRows = 32

// A transaction collects statements and sends them together: a round trip costs
// more than most statements.
type transaction struct {
	s    *Store
	conn *pgxpool.Conn
	next *pgx.Batch // statements that wait for run
	room room       // how large they are
}

// queue adds a statement to the next round trip.
func (tx *transaction) queue(statement string, args ...any) *pgx.QueuedQuery {
	args, size := arrays(args)
	tx.room += room(size + statementRoom)
	return tx.next.Queue(tx.s.tables(statement), args...)
}

// each adds a query, for each of whose rows scan is called.
func (tx *transaction) each(statement string, args []any, scan func(rows pgx.Rows) error) {
	tx.queue(statement, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := scan(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// run sends what was queued. The statements run one after the other, each on a
// snapshot of its own at READ COMMITTED; after one that fails, none is run.
func (tx *transaction) run(ctx context.Context) error {
	batch := tx.next
	tx.next = new(pgx.Batch)
	tx.conn.Conn().PgConn().Frontend().Send(tx.room)
	tx.room = 0
	return tx.conn.SendBatch(ctx, batch).Close()
}

// commit sends what was queued and ends the transaction. If the connection is
// lost meanwhile, nobody knows whether it was committed: the error says so by
// not being one of the server's.
func (tx *transaction) commit(ctx context.Context) error {
	tx.queue(`COMMIT`)
	return tx.run(ctx)
}

// attempts is how often a transaction is tried that the server undid because of
// another.
const attempts = 10

// transact runs fn, about so many rows, in a transaction, which fn has to commit. Any error rolls
// back. A deadlock or serialization failure is tried again: the server has said
// that nothing was written.
func (s *Store) transact(ctx context.Context, begin string, rows int, fn func(tx *transaction) error) error {
	for attempt := 1; ; attempt++ {
		err := s.try(ctx, begin, rows, fn)
		if err == nil || attempt == attempts || !isUndone(err) {
			return err
		}
		if err := pause(ctx, time.Duration(1+rand.IntN(1<<min(attempt, 6)))*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Store) try(ctx context.Context, begin string, rows int, fn func(tx *transaction) error) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return cmp.Or(s.check(), err)
	}
	tx := &transaction{s: s, conn: conn, next: new(pgx.Batch)}
	defer tx.end() // also if fn panics
	tx.queue(begin)
	tx.queue(useIndexes)
	if rows >= manyRows {
		tx.queue(planAnew)
	}
	return fn(tx)
}

// end gives the connection back, and rolls back what was not committed.
func (tx *transaction) end() {
	if conn := tx.conn.Conn(); !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
			_ = conn.Close(ctx) // the server rolls back when it notices
		}
	}
	tx.conn.Release()
}

// read runs fn, about so many rows, in a transaction that sees one state of the
// database.
func (s *Store) read(ctx context.Context, what string, rows int, fn func(tx *transaction) error) error {
	if err := s.transact(ctx, oneSnapshot, rows, fn); err != nil {
		return failed(what, err)
	}
	return nil
}

// theirs is an error of a function that we were given, returned as it is.
type theirs struct{ error }

// write runs fn, about so many rows, in a transaction at READ COMMITTED.
func (s *Store) write(ctx context.Context, what string, rows int, fn func(tx *transaction) error) error {
	err := s.transact(ctx, readCommitted, rows, fn)
	if err, ok := errors.AsType[theirs](err); ok {
		return err.error
	}
	if err != nil {
		return failed(what, err)
	}
	return nil
}

// pause waits, no longer than the context allows.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
