package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/postgres"
)

func init() { engines["postgres"] = postgresEngine{} }

// postgresEngine is a PostgreSQL server of the run's own.
type postgresEngine struct{}

func (postgresEngine) create(ctx context.Context, _ string) (string, *dbtest.Server, error) {
	server, err := dbtest.StartPostgres(ctx)
	return newDatabase(ctx, server, err)
}

func (postgresEngine) open(ctx context.Context, dsn string) (Store, error) {
	store, err := postgres.Open(ctx, dsn, nil)
	return store, err
}

func (postgresEngine) manyWriters() bool { return true }

func (postgresEngine) till(ctx context.Context, dsn string) (Till, error) {
	settings, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	settings.MaxConns = shops * tills
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, err
	}
	store, err := postgres.New(ctx, pool, nil)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &pgxTill{pool, store}, nil
}

// pgxTill is the till of a cart that uses pgx.
type pgxTill struct {
	pool  *pgxpool.Pool
	store *postgres.Store
}

// Store implements [Till].
func (t *pgxTill) Store() crm.Store { return t.store }

// Close implements [Till].
func (t *pgxTill) Close() error {
	err := t.store.Close()
	t.pool.Close()
	return err
}

// Begin implements [Till].
func (t *pgxTill) Begin(ctx context.Context) (Transaction, error) {
	tx, err := t.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return pgxTransaction{t.store.Tx(tx), tx}, nil
}

// pgxTransaction is a transaction of pgx.
type pgxTransaction struct {
	crm.Appender
	pgx.Tx
}
