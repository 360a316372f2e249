package mysql

import (
	"context"
	"database/sql"
	"strings"
)

// A querier is what statements run on: a connection of ours or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A session runs statements in a transaction, with this store's table names.
type session struct {
	querier
	store *Store
	own   *sql.Tx // nil in a transaction of the cart's
}

// chunk is how many rows or keys one statement names at most. Beyond a
// thousand, MariaDB turns lists of keys into joins, and locks other rows.
const chunk = 500

type scanner = func(into ...any) error

// exec runs a statement and returns how many rows it changed.
func (tx *session) exec(ctx context.Context, query string, args ...any) (int, error) {
	result, err := tx.ExecContext(ctx, tx.store.sql(query), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// each calls scan for each row of a query, with the row's Scan method.
func (tx *session) each(ctx context.Context, query string, args []any, scan func(scan scanner) error) error {
	rows, err := tx.QueryContext(ctx, tx.store.sql(query), args...)
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

// one reads a single row; without one, into stays as it is.
func (tx *session) one(ctx context.Context, query string, args []any, into ...any) error {
	return tx.each(ctx, query, args, func(scan scanner) error { return scan(into...) })
}

// keys reads a column of ids.
func (tx *session) keys(ctx context.Context, query string, args ...any) ([]string, error) {
	var ids []string
	err := tx.each(ctx, query, args, func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// inList is where queries take a list of ids: after all other parameters.
const inList = "IN (...)"

// listed puts a list of ids into a query.
func listed[T any](query string, args []any, ids []T) (string, []any) {
	args = args[:len(args):len(args)]
	for _, id := range ids {
		args = append(args, id)
	}
	return strings.Replace(query, "(...)", "("+marks(len(ids))+")", 1), args
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// eachIn is each for a query that ends with a list of ids, of which there may
// be any number.
func (tx *session) eachIn(ctx context.Context, query string, args []any, ids []string, scan func(scan scanner) error) error {
	for len(ids) > 0 {
		n := min(len(ids), chunk)
		query, args := listed(query, args, ids[:n])
		if err := tx.each(ctx, query, args, scan); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// execIn is exec for a statement that ends with a list of ids.
func (tx *session) execIn(ctx context.Context, query string, args []any, ids []string) error {
	for len(ids) > 0 {
		n := min(len(ids), chunk)
		query, args := listed(query, args, ids[:n])
		if _, err := tx.exec(ctx, query, args...); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
