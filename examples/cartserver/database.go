package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
)

//go:embed schema.sql
var schema string

// A database holds the shop's tables and goen's, side by side.
type database struct {
	*sql.DB
	store crm.Store
	// goen is a transaction of the shop as goen's store sees it.
	goen  func(*sql.Tx) crm.Appender
	close func() error
}

// openDatabase opens a PostgreSQL database by its URL, or a SQLite file.
func openDatabase(ctx context.Context, dsn string) (*database, error) {
	open := openSQLite
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		open = openPostgres
	}
	d, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := d.stock(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// openSQLite opens a file. The shop and goen share one handle.
func openSQLite(ctx context.Context, path string) (*database, error) {
	settings := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
	}
	file := url.URL{Path: filepath.ToSlash(path)}
	db, err := sql.Open("sqlite", "file:"+file.EscapedPath()+"?"+settings.Encode())
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	store, err := sqlite.New(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &database{DB: db, store: store, goen: store.Tx, close: func() error {
		return errors.Join(store.Close(), db.Close())
	}}, nil
}

// transact runs fn in one transaction. What fn gives to goen is recorded if,
// and only if, all the rest of it is: they are one transaction.
func (d *database) transact(ctx context.Context, fn func(tx *sql.Tx, goen crm.Appender) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx, d.goen(tx)); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// A queryer is a database or a transaction.
type queryer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// changes runs a statement and reports whether it changed a row.
func changes(ctx context.Context, q queryer, query string, args ...any) (bool, error) {
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// secret returns a random key that all processes on the database share.
func (d *database) secret(ctx context.Context, name string) (string, error) {
	if _, err := d.ExecContext(ctx, `INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, rand.Text()); err != nil {
		return "", err
	}
	var value string
	err := d.QueryRowContext(ctx, `SELECT value FROM secret WHERE name = $1`, name).Scan(&value)
	return value, err
}
