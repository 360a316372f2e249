package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
	"github.com/goen-crm/crm/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store that is closed when t ends.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
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

// openCart opens a database as a cart would, with a store on it.
func openCart(t *testing.T, path, settings string) (*sql.DB, *sqlite.Store) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?"+settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := sqlite.New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, s
}

// A bench remembers where its stores are.
type bench struct {
	mu    sync.Mutex
	paths map[crm.Store]string
	carts map[crm.Store]*sql.DB
}

func (b *bench) add(s crm.Store, path string, db *sql.DB) crm.Store {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paths[s], b.carts[s] = path, db
	return s
}

// begin begins a transaction of the cart.
func (b *bench) begin(t *testing.T, s crm.Store) storagetest.Tx {
	tx, err := b.carts[s].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return storagetest.Tx{Appender: s.(*sqlite.Store).Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback}
}

// insert inserts an incoming fact as a cart that knows nothing of the store.
func (b *bench) insert(t *testing.T, s crm.Store, shop string, body []byte) {
	_, err := b.carts[s].ExecContext(t.Context(), "INSERT INTO goen_incoming (shop_id, body) VALUES (?, ?)", shop, string(body))
	if err != nil {
		t.Fatal(err)
	}
}

func newBench() *bench {
	return &bench{paths: make(map[crm.Store]string), carts: make(map[crm.Store]*sql.DB)}
}

// A store on a file of its own. The cart has a handle of its own on the file.
func TestFile(t *testing.T) {
	b := newBench()
	at := func(t *testing.T, path string) crm.Store {
		s := open(t, path)
		cart, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_txlock=immediate")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cart.Close() })
		return b.add(s, path, cart)
	}
	storagetest.Run(t, storagetest.Harness{
		Open: func(t *testing.T) crm.Store { return at(t, filepath.Join(t.TempDir(), "shop.db")) },
		Reopen: func(t *testing.T, s crm.Store) crm.Store {
			if err := s.(*sqlite.Store).Close(); err != nil {
				t.Fatal(err)
			}
			return at(t, b.paths[s])
		},
		Another: func(t *testing.T, s crm.Store) crm.Store { return at(t, b.paths[s]) },
		Begin:   b.begin,
		Insert:  b.insert,
	})
}

// A store in the cart's own database, whose settings are the driver's.
func TestCart(t *testing.T) {
	for name, settings := range map[string]string{
		"ClassicJournal": "_pragma=busy_timeout(5000)",
		"WAL":            "_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=foreign_keys(1)",
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "WAL" {
				t.Skip("much like TestFile")
			}
			b := newBench()
			at := func(t *testing.T, path string) crm.Store {
				db, s := openCart(t, path, settings)
				return b.add(s, path, db)
			}
			storagetest.Run(t, storagetest.Harness{
				Open:    func(t *testing.T) crm.Store { return at(t, filepath.Join(t.TempDir(), "shop.db")) },
				Reopen:  func(t *testing.T, s crm.Store) crm.Store { return at(t, b.paths[s]) },
				Another: func(t *testing.T, s crm.Store) crm.Store { return at(t, b.paths[s]) },
				Begin:   b.begin,
				Insert:  b.insert,
			})
		})
	}
}
