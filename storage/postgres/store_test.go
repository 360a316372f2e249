package postgres_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/postgres"
	"github.com/goen-crm/crm/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newDatabase returns the DSN of an empty database.
func newDatabase(t testing.TB) string {
	t.Helper()
	dsn, err := dbtest.Postgres(t).Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// open opens a store that is closed when t ends.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// newPool is the pool of a cart.
func newPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// harness tests stores on one database, beside a cart with a pool of its own
// whose transactions are begun by begin.
func harness(t *testing.T, begin func(t *testing.T, s *postgres.Store, dsn string, cart *pgxpool.Pool) storagetest.Tx) storagetest.Harness {
	dsn := newDatabase(t)
	cart := newPool(t, dsn)
	return storagetest.Harness{
		Open: func(t *testing.T) crm.Store { return open(t, dsn) },
		Reopen: func(t *testing.T, s crm.Store) crm.Store {
			if err := s.(*postgres.Store).Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, dsn)
		},
		Another: func(t *testing.T, _ crm.Store) crm.Store { return open(t, dsn) },
		Begin: func(t *testing.T, s crm.Store) storagetest.Tx {
			return begin(t, s.(*postgres.Store), dsn, cart)
		},
		Insert: func(t *testing.T, _ crm.Store, shop string, body []byte) {
			if _, err := cart.Exec(t.Context(), "INSERT INTO goen_incoming (shop_id, body) VALUES ($1, $2)", shop, string(body)); err != nil {
				t.Fatal(err)
			}
		},
		Parallel: true,
	}
}

// The cart uses pgx.
func TestStore(t *testing.T) {
	storagetest.Run(t, harness(t, func(t *testing.T, s *postgres.Store, _ string, cart *pgxpool.Pool) storagetest.Tx {
		tx, err := cart.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // of a check that failed
		return storagetest.Tx{
			Appender: s.Tx(tx),
			Commit:   func() error { return tx.Commit(context.Background()) },
			Rollback: func() error { return tx.Rollback(context.Background()) },
		}
	}))
}

// The cart uses database/sql.
func TestSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("much like TestStore")
	}
	storagetest.Run(t, harness(t, func(t *testing.T, s *postgres.Store, dsn string, _ *pgxpool.Pool) storagetest.Tx {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return storagetest.Tx{Appender: s.SQLTx(tx), Commit: tx.Commit, Rollback: tx.Rollback}
	}))
}
