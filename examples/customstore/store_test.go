package customstore_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/examples/customstore"
	"github.com/goen-crm/crm/storage/storagetest"
)

// An opened store, with the vendor's handle and file.
type opened struct {
	*customstore.Store
	db   *sql.DB
	path string
}

func open(t *testing.T, path string) crm.Store {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(1000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := customstore.New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return opened{s, db, path}
}

func TestStore(t *testing.T) {
	storagetest.Run(t, storagetest.Harness{
		Open: func(t *testing.T) crm.Store { return open(t, filepath.Join(t.TempDir(), "vendor.db")) },
		Reopen: func(t *testing.T, s crm.Store) crm.Store {
			s.(opened).db.Close()
			return open(t, s.(opened).path)
		},
		Another: func(t *testing.T, s crm.Store) crm.Store { return open(t, s.(opened).path) },
		Begin: func(t *testing.T, s crm.Store) storagetest.Tx {
			tx, err := s.(opened).db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return storagetest.Tx{Appender: s.(opened).Tx(tx), Commit: tx.Commit, Rollback: tx.Rollback}
		},
	})
}
