package main

import (
	"context"
	"database/sql"
	"errors"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/mysql"
)

func init() { engines["mysql"] = mysqlEngine{} }

// mysqlEngine is a MariaDB server of the run's own.
type mysqlEngine struct{}

func (mysqlEngine) create(ctx context.Context, _ string) (string, *dbtest.Server, error) {
	_ = driver.SetLogger(&driver.NopLogger{}) // it tells of every connection that is cut
	server, err := dbtest.StartMariaDB(ctx)
	return newDatabase(ctx, server, err)
}

func (mysqlEngine) open(ctx context.Context, dsn string) (Store, error) {
	_ = driver.SetLogger(&driver.NopLogger{})
	store, err := mysql.Open(ctx, dsn, nil)
	return store, err
}

func (mysqlEngine) manyWriters() bool { return true }

func (mysqlEngine) till(ctx context.Context, dsn string) (Till, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(shops * tills)
	store, err := mysql.New(ctx, db, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqlTill{db, store, store.Tx, store.Close}, nil
}
