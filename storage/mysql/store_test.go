package mysql_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/mysql"
	"github.com/goen-crm/crm/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// database creates an empty database and returns its DSN.
func database(t testing.TB) string {
	t.Helper()
	dsn, err := dbtest.MariaDB(t).Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// open opens a store that is closed when t ends.
func open(t testing.TB, dsn string) *mysql.Store {
	t.Helper()
	s, err := mysql.Open(context.Background(), dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// handle opens a database as a cart would, with parameters of its own.
func handle(t testing.TB, dsn string, parameters func(*driver.Config)) *sql.DB {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = &driver.NopLogger{}
	parameters(config)
	connector, err := driver.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// A bench knows the databases of the stores that it has opened, and the handle
// that the cart has on each.
type bench struct {
	mu    sync.Mutex
	dsns  map[crm.Store]string
	carts map[crm.Store]*sql.DB
	level sql.IsolationLevel // of the cart's transactions
}

func newBench(level sql.IsolationLevel) *bench {
	return &bench{dsns: make(map[crm.Store]string), carts: make(map[crm.Store]*sql.DB), level: level}
}

func (b *bench) add(s crm.Store, dsn string, cart *sql.DB) crm.Store {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dsns[s], b.carts[s] = dsn, cart
	return s
}

func (b *bench) begin(t *testing.T, s crm.Store) storagetest.Tx {
	t.Helper()
	b.mu.Lock()
	cart := b.carts[s]
	b.mu.Unlock()
	tx, err := cart.BeginTx(context.Background(), &sql.TxOptions{Isolation: b.level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() }) // if the check ended before it ended the transaction
	return storagetest.Tx{Appender: s.(*mysql.Store).Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback}
}

// insert is what a cart does that is not written in Go.
func (b *bench) insert(t *testing.T, s crm.Store, shop string, body []byte) {
	t.Helper()
	b.mu.Lock()
	dsn := b.dsns[s]
	b.mu.Unlock()
	other, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "INSERT INTO goen_incoming (shop_id, body) VALUES (?, ?)", shop, string(body)); err != nil {
		t.Fatal(err)
	}
}

// harness runs the suite with stores that at opens on a DSN.
func (b *bench) harness(at func(t *testing.T, dsn string) crm.Store) storagetest.Harness {
	return storagetest.Harness{
		Open: func(t *testing.T) crm.Store { return at(t, database(t)) },
		Reopen: func(t *testing.T, s crm.Store) crm.Store {
			if err := s.(*mysql.Store).Close(); err != nil {
				t.Fatal(err)
			}
			return at(t, b.dsns[s])
		},
		Another:  func(t *testing.T, s crm.Store) crm.Store { return at(t, b.dsns[s]) },
		Begin:    b.begin,
		Insert:   b.insert,
		Parallel: true,
	}
}

// A store with connections of its own, beside a cart whose transactions are the
// server's default.
func TestOwn(t *testing.T) {
	b := newBench(sql.LevelDefault)
	storagetest.Run(t, b.harness(func(t *testing.T, dsn string) crm.Store {
		return b.add(open(t, dsn), dsn, handle(t, dsn, func(*driver.Config) {}))
	}))
}

// A store on the handle of a cart whose connections are set as badly as can be.
func TestCart(t *testing.T) {
	b := newBench(sql.LevelReadCommitted)
	storagetest.Run(t, b.harness(func(t *testing.T, dsn string) crm.Store {
		cart := handle(t, dsn, strange)
		s, err := mysql.New(t.Context(), cart, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return b.add(s, dsn, cart)
	}))
}
