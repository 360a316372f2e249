package main

import (
	"context"
	"fmt"
	"io"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/mysql"
	"github.com/goen-crm/crm/storage/postgres"
	"github.com/goen-crm/crm/storage/sqlite"
)

// A store is a database that can be closed.
type store interface {
	crm.Store
	io.Closer
}

// openStore opens a database of a kind. Keep the one that you use: a program
// that imports one of them is smaller.
func openStore(ctx context.Context, kind, dsn string) (store, error) {
	switch kind {
	case "sqlite":
		return sqlite.Open(ctx, dsn)
	case "postgres":
		return postgres.Open(ctx, dsn, nil)
	case "mysql":
		return mysql.Open(ctx, dsn, nil)
	}
	return nil, fmt.Errorf("-store %q: it is sqlite, postgres or mysql", kind)
}
