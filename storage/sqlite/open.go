package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"

	driver "modernc.org/sqlite"

	"github.com/goen-crm/crm"
)

// A Store is a [crm.Store] in a SQLite database. Use [Open] or [New]. It is
// safe for concurrent use, also by several processes on one file.
type Store struct {
	db  *sql.DB
	own bool // db was opened by Open

	// writer admits one transaction at a time, so that goroutines wait in a
	// queue instead of polling the database's lock. Guards kept.
	writer chan struct{}
	kept   *session // Open's connection for writing, nil before its first use

	readers readers
	breath  breath
	closing sync.Once
	closed  chan struct{}
}

var (
	_ crm.Store    = (*Store)(nil)
	_ crm.Importer = (*Store)(nil)
	_ crm.Intake   = (*Store)(nil)
	_ crm.Counter  = (*Store)(nil)
	_ crm.Purger   = (*Store)(nil)
)

// Open opens the database file at path, creates it if there is none, brings
// its tables up to date, and returns a store on it. The file is switched to
// write-ahead logging, for good. Close the store when done.
func Open(ctx context.Context, path string) (*Store, error) {
	if path == "" || path == ":memory:" {
		return nil, fmt.Errorf("sqlite: open %q: a path is wanted; package storage/memory keeps a store in memory", path)
	}
	return openSource(ctx, dataSource(path))
}

func openSource(ctx context.Context, source string) (*Store, error) {
	connector, err := driver.NewConnector(source)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	db := sql.OpenDB(&checked{connector})
	db.SetMaxOpenConns(8) // one writes, the others read
	db.SetMaxIdleConns(8)
	s, err := open(ctx, db, true)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// New brings goen's tables in the cart's own database up to date and returns a
// store on it. db must be of driver modernc.org/sqlite and on a file; its
// journal may be the classic one or, better, a write-ahead log. A
// handle limited to one connection will do, but then everything waits for the
// cart's transaction, and the transaction for itself if it calls anything of
// goen's but RecordIn. A connection that
// the store borrows from db to write is set to PRAGMA synchronous=EXTRA and
// secure_delete=ON meanwhile. Closing the store leaves db open.
func New(ctx context.Context, db *sql.DB) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlite: no database handle")
	}
	return open(ctx, db, false)
}

func open(ctx context.Context, db *sql.DB, own bool) (*Store, error) {
	s := &Store{db: db, own: own, writer: make(chan struct{}, 1), closed: make(chan struct{})}
	if own {
		s.readers.keep = 4
	}
	if err := s.checkJournal(ctx); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for the write in progress and releases what the store holds. A
// database that was given to New stays open. Closing twice is harmless.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		s.writer <- struct{}{} // kept for ever: nobody writes any more
		if s.kept != nil {
			err = s.kept.release()
		}
		err = errors.Join(err, s.readers.close())
		if s.own {
			err = errors.Join(err, s.db.Close())
		}
	})
	return err
}

// dataSource names a file to the driver, with the settings of each connection.
func dataSource(path string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path // file:/C:/shop.db
	}
	settings := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(EXTRA)", "foreign_keys(ON)", "secure_delete(ON)"},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
}
