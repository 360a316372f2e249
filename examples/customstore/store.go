// Package customstore is a crm.Store of a cart vendor's own: goen's rows live in
// the vendor's SQLite database, in tables named by the vendor, beside users and
// orders. It is an example to read: docs/writing-a-store.md goes through it.
//
// It is written for clarity. Where a statement a customer is simple and a
// statement for all of them is faster, it takes the simple way.
package customstore

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"time"

	"modernc.org/sqlite" // the driver of the vendor's handle

	"github.com/goen-crm/crm"
)

//go:embed schema.sql
var schema string

// A Store keeps goen's rows in the vendor's database. It is safe for concurrent
// use, by several processes too.
type Store struct {
	db *sql.DB
	// turn has room for one who writes. SQLite would have goroutines look for
	// its lock again and again, and some of them never find it free.
	turn chan struct{}
}

var _ crm.Store = (*Store)(nil)

// New makes goen's tables if they are missing. The handle is the vendor's, and
// the vendor's to close. Its transactions must begin with the database's write
// lock (_txlock=immediate), wait for it (busy_timeout) and be durable (WAL with
// synchronous=FULL): SQLite then has one writer at a time, and whoever has the
// lock has locked every customer there is.
func New(ctx context.Context, db *sql.DB) (*Store, error) {
	_, err := db.ExecContext(ctx, schema)
	return &Store{db, make(chan struct{}, 1)}, err
}

// A call is what one method of the store does in one shop. The shop is the
// first argument of every statement: no row of another is ever touched.
type call struct {
	ctx  context.Context
	q    queryer
	shop string
}

// A queryer is a database or a transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// write runs fn in one transaction.
func (s *Store) write(ctx context.Context, shop string, fn func(c call) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		return s.transact(ctx, shop, nil, fn)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read runs fn in one transaction that takes no lock: all its statements see
// one state.
func (s *Store) read(ctx context.Context, shop string, fn func(c call) error) error {
	return s.transact(ctx, shop, &sql.TxOptions{ReadOnly: true}, fn)
}

func (s *Store) transact(ctx context.Context, shop string, options *sql.TxOptions, fn func(c call) error) error {
	tx, err := s.begin(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing; fn may panic
	if err := fn(call{ctx, tx, shop}); err != nil {
		return err
	}
	return tx.Commit()
}

// begin begins a transaction, and waits for the lock as long as ctx allows:
// longer than SQLite does by itself, which other processes may keep from it.
func (s *Store) begin(ctx context.Context, options *sql.TxOptions) (*sql.Tx, error) {
	const busy = 5 // SQLITE_BUSY
	for {
		tx, err := s.db.BeginTx(ctx, options)
		var locked *sqlite.Error
		if !errors.As(err, &locked) || locked.Code() != busy {
			return tx, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// exec runs a statement. ?1 in it is the shop.
func (c call) exec(query string, args ...any) error {
	_, err := c.q.ExecContext(c.ctx, query, append([]any{c.shop}, args...)...)
	return err
}

// query returns what scan makes of each row. ?1 in the query is the shop.
func query[R any](c call, scan func(*sql.Rows) (R, error), query string, args ...any) ([]R, error) {
	rows, err := c.q.QueryContext(c.ctx, query, append([]any{c.shop}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []R
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// one scans a row of one column.
func one[V any](rows *sql.Rows) (v V, err error) { return v, rows.Scan(&v) }

// micro is a time as a column keeps it: NULL if it is zero.
func micro(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// instant reads what micro wrote.
type instant time.Time

// Scan implements sql.Scanner.
func (i *instant) Scan(column any) error {
	*i = instant{}
	if n, ok := column.(int64); ok {
		*i = instant(time.UnixMicro(n).UTC())
	}
	return nil
}

// text is a document as a column keeps it: text, for SQL's JSON functions, and
// NULL if there is none.
func text(document []byte) any {
	if document == nil {
		return nil
	}
	return string(document)
}
