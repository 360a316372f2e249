package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/sqlite"
)

func init() { engines["sqlite"] = sqliteEngine{} }

// sqliteEngine is a SQLite file that workers and the cart share.
type sqliteEngine struct{}

func (sqliteEngine) create(_ context.Context, dir string) (string, *dbtest.Server, error) {
	return filepath.Join(dir, "shop.db"), nil, nil
}

func (sqliteEngine) open(ctx context.Context, path string) (Store, error) {
	store, err := sqlite.Open(ctx, path)
	return store, err
}

func (sqliteEngine) manyWriters() bool { return false }

func (sqliteEngine) till(ctx context.Context, path string) (Till, error) {
	settings := url.Values{
		"_pragma": {"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(path)+"?"+settings.Encode())
	if err != nil {
		return nil, err
	}
	store, err := sqlite.New(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqlTill{db, store, store.Tx, store.Close}, nil
}

// sqlTill is the till of a cart that uses database/sql.
type sqlTill struct {
	db    *sql.DB
	store crm.Store
	tx    func(*sql.Tx) crm.Appender
	close func() error // close closes the store.
}

// Store implements [Till].
func (t *sqlTill) Store() crm.Store { return t.store }

// Close implements [Till].
func (t *sqlTill) Close() error { return errors.Join(t.close(), t.db.Close()) }

// Begin implements [Till].
func (t *sqlTill) Begin(ctx context.Context) (Transaction, error) {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return sqlTransaction{t.tx(tx), tx}, nil
}

// sqlTransaction is a transaction of database/sql.
type sqlTransaction struct {
	crm.Appender
	tx *sql.Tx
}

// Commit implements [Transaction].
func (t sqlTransaction) Commit(context.Context) error { return t.tx.Commit() }

// Rollback implements [Transaction].
func (t sqlTransaction) Rollback(context.Context) error { return t.tx.Rollback() }
