package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// synchronousExtra is the level of PRAGMA synchronous at which a transaction that
// has committed survives a loss of power. FULL is enough for a write-ahead log.
// With a classic journal it is not: the journal's deletion, by which a
// transaction commits, is then not synced.
const synchronousExtra = 3

// checked opens connections and looks whether each has the settings it was
// asked for: a setting that was refused silently would be noticed only when
// the power fails.
type checked struct{ driver.Connector }

// wanted are the settings of the connections of [Open].
var wanted = []struct{ pragma, value string }{
	{"journal_mode", "wal"},
	{"synchronous", "3"},
	{"busy_timeout", "5000"},
	{"foreign_keys", "1"},
	{"secure_delete", "1"},
}

// Connect implements [driver.Connector]. Two processes that open a new file at
// once may meet while one switches its journal, for which SQLite does not wait
// by itself.
func (c *checked) Connect(ctx context.Context) (driver.Conn, error) {
	var conn driver.Conn
	err := retry(ctx, func() (err error) {
		conn, err = c.Connector.Connect(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, want := range wanted {
		got, err := pragma(ctx, conn, want.pragma)
		if err == nil && got != want.value {
			err = fmt.Errorf("%w: %s is %s", ErrUnsafe, want.pragma, got)
		}
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// pragma reads a setting of a connection that database/sql has not seen yet.
func pragma(ctx context.Context, conn driver.Conn, name string) (string, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "PRAGMA "+name, nil)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return fmt.Sprint(value[0]), nil
}

// checkJournal refuses a database that can't roll back after a crash.
func (s *Store) checkJournal(ctx context.Context) error {
	var journal string
	err := retry(ctx, func() error { return s.db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal) })
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if journal == "off" || journal == "memory" {
		return fmt.Errorf("%w: journal_mode is %s", ErrUnsafe, journal)
	}
	return nil
}

// tune gives the one connection that writes for as long as the store lives more
// memory, and a longer log before its pages are copied to the database: pages
// that are written again and again are then copied once.
func (tx *session) tune(ctx context.Context) error {
	_, err := tx.conn.ExecContext(ctx, "PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8000")
	return err
}

// A setting is a pragma of a connection and its value.
type setting struct {
	pragma string
	value  int
}

// secure gives a connection the settings that writing wants, and remembers
// those it had. Waiting for locks is taken from SQLite by retry, which looks
// at the context.
func (tx *session) secure(ctx context.Context) error {
	for _, want := range []setting{{"synchronous", synchronousExtra}, {"busy_timeout", 0}, {"secure_delete", 1}} {
		had := setting{pragma: want.pragma}
		if err := tx.conn.QueryRowContext(ctx, "PRAGMA "+want.pragma).Scan(&had.value); err != nil {
			return err
		}
		if had.value == want.value || want.pragma == "synchronous" && had.value > want.value {
			continue
		}
		if err := tx.set(ctx, want); err != nil {
			return err
		}
		tx.had = append(tx.had, had)
	}
	return nil
}

// restore puts back what secure has changed.
func (tx *session) restore(ctx context.Context) error {
	for _, had := range tx.had {
		if err := tx.set(ctx, had); err != nil {
			return err
		}
	}
	return nil
}

func (tx *session) set(ctx context.Context, to setting) error {
	_, err := tx.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA %s = %d", to.pragma, to.value))
	return err
}
