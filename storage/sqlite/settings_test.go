package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/goen-crm/crm"
)

func openInternal(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "shop with spaces, 100% & a ?#.db"))
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

// settingOf reads a setting of a connection.
func settingOf(t *testing.T, conn *sql.Conn, pragma string) string {
	t.Helper()
	var value string
	if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestEveryConnectionIsSet(t *testing.T) {
	s := openInternal(t)
	if err := s.Append(t.Context(), "shop", nil); err != nil { // the connection that writes
		t.Fatal(err)
	}
	for range 7 { // the ones that read
		conn, err := s.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, want := range wanted {
			if got := settingOf(t, conn, want.pragma); got != want.value {
				t.Errorf("%s is %s, want %s", want.pragma, got, want.value)
			}
		}
	}
	for pragma, want := range map[string]string{"synchronous": "3", "journal_mode": "wal", "foreign_keys": "1", "secure_delete": "1"} {
		if got := settingOf(t, s.kept.conn, pragma); got != want {
			t.Errorf("of the connection that writes, %s is %s, want %s", pragma, got, want)
		}
	}
}

func TestRefusedSettingIsNoticed(t *testing.T) {
	was := wanted[1].value
	defer func() { wanted[1].value = was }()
	wanted[1].value = "4" // as if SQLite had kept a lower level than asked for
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	if !errors.Is(err, ErrUnsafe) {
		t.Errorf("Open returns %v, want ErrUnsafe", err)
	}
}

func TestBorrowedConnections(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cart.db")+"?_pragma=busy_timeout(1234)&_pragma=journal_mode(wal)&_pragma=synchronous(off)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // also: the store never wants two at once
	s, err := New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	err = s.write(t.Context(), func(_ context.Context, tx *session) error {
		for pragma, want := range map[string]string{"synchronous": "3", "secure_delete": "1"} {
			if got := settingOf(t, tx.conn, pragma); got != want {
				t.Errorf("while the store writes, %s is %s, want %s", pragma, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
		t.Fatal(c, err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for pragma, want := range map[string]string{"synchronous": "0", "secure_delete": "0", "busy_timeout": "1234"} {
		if got := settingOf(t, conn, pragma); got != want {
			t.Errorf("given back, %s is %s, want %s as before", pragma, got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "shop", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close returns %v, want ErrClosed", err)
	}
	if got := settingOf(t, conn, "journal_mode"); got != "wal" {
		t.Errorf("after Close of the store, the cart's connection answers %s", got)
	}
}

func TestUnsafeDatabases(t *testing.T) {
	for _, path := range []string{"", ":memory:"} {
		if _, err := Open(t.Context(), path); err == nil {
			t.Errorf("Open of %q returns no error", path)
		}
	}
	for _, source := range []string{":memory:", "file:%s?_pragma=journal_mode(off)", "file:%s?_pragma=journal_mode(memory)"} {
		if source != ":memory:" {
			source = fmt.Sprintf(source, filepath.Join(t.TempDir(), "cart.db"))
		}
		db, err := sql.Open("sqlite", source)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := New(t.Context(), db); !errors.Is(err, ErrUnsafe) {
			t.Errorf("New on %q returns %v, want ErrUnsafe", source, err)
		}
	}
}
