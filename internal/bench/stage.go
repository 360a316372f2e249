package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/go-sql-driver/mysql" // the floor's drivers
	_ "modernc.org/sqlite"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/memory"
	"github.com/goen-crm/crm/storage/mysql"
	"github.com/goen-crm/crm/storage/postgres"
	"github.com/goen-crm/crm/storage/sqlite"
)

// A stage is where scenarios play: it opens new stores of one kind, and new
// databases of the same kind for the floor.
type stage struct {
	kind    string
	dir     string
	rounds  int
	workers int
	batch   int

	server *dbtest.Server // started when first asked for
	made   []string       // directories
}

func (s *stage) declare(flags *flag.FlagSet) {
	flags.StringVar(&s.kind, "store", "sqlite", "`kind` of store: memory, sqlite, postgres or mysql")
	flags.Func("dsn", "`name` of a server's database, with the right to create others (default: a server of our own)", func(dsn string) error {
		return errors.Join(os.Setenv("GOEN_TEST_POSTGRES", dsn), os.Setenv("GOEN_TEST_MYSQL", dsn))
	})
	flags.StringVar(&s.dir, "dir", "", "`directory` for SQLite's files (default: the system's for temporary files)")
	flags.IntVar(&s.rounds, "rounds", 3, "`number` of rounds, whose median counts")
	flags.IntVar(&s.workers, "workers", 2, "`number` of goroutines that work, and of the floor's connections")
	flags.IntVar(&s.batch, "batch-size", 200, "`number` of customers in one transaction of a worker")
}

// errNoFloor: there is no driver below the store in memory.
var errNoFloor = errors.New("the store in memory has no floor")

// place names a new, empty database, and says how to remove it.
func (s *stage) place(ctx context.Context) (name string, drop func() error, err error) {
	switch s.kind {
	case "memory":
		return "", func() error { return nil }, nil
	case "sqlite":
		return s.file()
	case "postgres", "mysql":
		name, err = s.database(ctx)
		return name, func() error { return nil }, err
	}
	return "", nil, fmt.Errorf("there is no store %q", s.kind)
}

// open opens the store on a database.
func (s *stage) open(ctx context.Context, name string) (crm.Store, func() error, error) {
	switch s.kind {
	case "memory":
		return memory.New(), func() error { return nil }, nil
	case "sqlite":
		return opened(sqlite.Open(ctx, name))
	case "postgres":
		return opened(postgres.Open(ctx, name, nil))
	case "mysql":
		return opened(mysql.Open(ctx, name, nil))
	}
	return nil, nil, fmt.Errorf("there is no store %q", s.kind)
}

// opened is a store and how to close it.
func opened[S interface {
	crm.Store
	Close() error
}](store S, err error) (crm.Store, func() error, error) {
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

// store opens a new, empty store.
func (s *stage) store(ctx context.Context) (crm.Store, func() error, error) {
	name, drop, err := s.place(ctx)
	if err != nil {
		return nil, nil, err
	}
	store, shut, err := s.open(ctx, name)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return store, func() error { return errors.Join(shut(), drop()) }, nil
}

// drivers are the bare drivers' names.
var drivers = map[string]string{"sqlite": "sqlite", "postgres": "pgx", "mysql": "mysql"}

// bare opens a new, empty database with nothing but its driver.
func (s *stage) bare(ctx context.Context) (*sql.DB, func() error, error) {
	if s.kind == "memory" {
		return nil, nil, errNoFloor
	}
	name, drop, err := s.place(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.kind == "sqlite" {
		name = "file:" + name + "?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
			"&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(8000)"
	}
	db, err := sql.Open(drivers[s.kind], name)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	db.SetMaxIdleConns(clients)
	if s.kind == "sqlite" {
		db.SetMaxOpenConns(1) // it has one writer: more would only get in each other's way
	}
	return db, drop, nil
}

// database makes a new database on a server. Ours has memory and a log as
// somebody would give it who runs it, not as a test needs them.
func (s *stage) database(ctx context.Context) (dsn string, err error) {
	if s.server == nil {
		start, settings := dbtest.StartPostgres, []string{"shared_buffers=1GB"}
		if s.kind == "mysql" {
			start, settings = dbtest.StartMariaDB, []string{"innodb-buffer-pool-size=1G", "innodb-log-file-size=1G"}
		}
		if s.server, err = start(ctx, settings...); err != nil {
			return "", err
		}
	}
	return s.server.Database(ctx)
}

// file names a file in a new directory, and says how to remove both.
func (s *stage) file() (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp(s.dir, "goen-bench-")
	if err != nil {
		return "", nil, err
	}
	s.made = append(s.made, dir)
	return filepath.Join(dir, "shop.db"), func() error { return os.RemoveAll(dir) }, nil
}

// close stops the server and removes what is left.
func (s *stage) close() error {
	var errs []error
	if s.server != nil {
		errs = append(errs, s.server.Stop())
	}
	for _, dir := range s.made {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
