package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
)

// A Database is where goen's rows are: what a process must know to open it.
type Database struct {
	Store string // Store is the name of the store: see storeNames.
	DSN   string
}

// A Store is a store that can be closed.
type Store interface {
	crm.Store
	Close() error
}

// A Till is the cart's side of a database: transactions of its own, in which it
// tells goen what happens.
type Till interface {
	Store() crm.Store
	Begin(ctx context.Context) (Transaction, error)
	Close() error
}

// A Transaction is one of the cart's, with goen's part in it.
type Transaction interface {
	crm.Appender
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

// An engine is a kind of database, and goen's store for it.
type engine interface {
	// create makes an empty database. The server is nil for one without.
	create(ctx context.Context, dir string) (dsn string, server *dbtest.Server, err error)
	open(ctx context.Context, dsn string) (Store, error)
	till(ctx context.Context, dsn string) (Till, error)
	// manyWriters reports whether others can write while a transaction of the
	// cart's is open.
	manyWriters() bool
}

// engines are the kinds of database, by the name of the store.
var engines = map[string]engine{}

func storeNames() []string { return slices.Sorted(maps.Keys(engines)) }

// CreateDatabase makes an empty database for a store. Its server, nil for one
// without, is stopped by the caller.
func CreateDatabase(ctx context.Context, store, dir string) (Database, *dbtest.Server, error) {
	engine := engines[store]
	if engine == nil {
		return Database{}, nil, fmt.Errorf("there is no store %q", store)
	}
	dsn, server, err := engine.create(ctx, dir)
	return Database{store, dsn}, server, err
}

// Open opens the store.
func (d Database) Open(ctx context.Context) (Store, error) { return engines[d.Store].open(ctx, d.DSN) }

// Till opens the cart's side.
func (d Database) Till(ctx context.Context) (Till, error) { return engines[d.Store].till(ctx, d.DSN) }

// manyWriters reports whether the cart may keep a transaction open for seconds:
// on a database with one writer everybody would stand still.
func (d Database) manyWriters() bool { return engines[d.Store].manyWriters() }

// newDatabase makes an empty database on a server that was just started.
func newDatabase(ctx context.Context, server *dbtest.Server, err error) (string, *dbtest.Server, error) {
	if err != nil {
		return "", nil, err
	}
	dsn, err := server.Database(ctx)
	if err != nil {
		return "", nil, errors.Join(err, server.Stop())
	}
	return dsn, server, nil
}
