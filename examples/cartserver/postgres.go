package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/goen-crm/crm/storage/postgres"
)

// openPostgres opens a database by its URL. The shop and goen share one pool.
func openPostgres(ctx context.Context, dsn string) (*database, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	release := func() error {
		err := db.Close()
		pool.Close()
		return err
	}
	// Processes that start at once must not both create the tables.
	if _, err := db.ExecContext(ctx, `BEGIN; SELECT pg_advisory_xact_lock(20260401);`+schema+`COMMIT`); err != nil {
		return nil, errors.Join(err, release())
	}
	store, err := postgres.New(ctx, pool, nil)
	if err != nil {
		return nil, errors.Join(err, release())
	}
	return &database{
		DB: db, store: store, goen: store.SQLTx,
		close: func() error { return errors.Join(store.Close(), release()) },
	}, nil
}
