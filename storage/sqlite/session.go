package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// A querier is what statements run on: a connection of ours or a transaction
// of the cart's.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// A session runs statements on one connection and prepares those that are run
// for every row only once.
type session struct {
	querier
	conn     *sql.Conn // nil in a transaction of the cart's
	had      []setting // what its settings were before secure
	prepared map[string]*sql.Stmt
}

func newSession(q querier) *session {
	return &session{querier: q, prepared: make(map[string]*sql.Stmt)}
}

// run executes a statement that is used again and again.
func (tx *session) run(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// changed is run for a statement of one row: it reports whether there was one.
func (tx *session) changed(ctx context.Context, query string, args ...any) (bool, error) {
	result, err := tx.run(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// one reads a single row. It returns sql.ErrNoRows if there is none.
func (tx *session) one(ctx context.Context, query string, args []any, into ...any) error {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(ctx, args...).Scan(into...)
}

// each calls scan for each row of a query, with the row's Scan method.
func (tx *session) each(ctx context.Context, query string, args []any, scan func(scan func(...any) error) error) error {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (tx *session) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := tx.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.PrepareContext(ctx, query)
	if err == nil {
		tx.prepared[query] = stmt
	}
	return stmt, err
}

// finish closes the prepared statements.
func (tx *session) finish() error {
	var errs []error
	for query, stmt := range tx.prepared {
		errs = append(errs, stmt.Close())
		delete(tx.prepared, query)
	}
	return errors.Join(errs...)
}

// release closes the prepared statements and gives the connection back.
func (tx *session) release() error {
	return errors.Join(tx.finish(), tx.conn.Close())
}
