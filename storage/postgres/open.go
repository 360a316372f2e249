package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goen-crm/crm"
)

// Config says where the tables are. Nil means all defaults.
type Config struct {
	// Schema is the PostgreSQL schema that the tables are in. It must exist.
	// Defaults to the current schema of the connection at the time of opening.
	Schema string

	// Prefix begins the name of each table: a small letter or an underscore,
	// then small letters, digits and underscores, at most 40 bytes. Defaults
	// to "goen_".
	Prefix string
}

// A Store is a [crm.Store] in a PostgreSQL database, and all of the optional
// capabilities that package crm knows. Use [Open] or [New]. It is safe for
// concurrent use, also by any number of processes on one database.
type Store struct {
	pool   *pgxpool.Pool
	own    bool // pool was opened by Open
	schema string
	prefix string

	statements sync.Map // what tables has returned
	low        lowWater

	closing sync.Once
	closed  chan struct{}
}

var (
	_ crm.Store      = (*Store)(nil)
	_ crm.Importer   = (*Store)(nil)
	_ crm.Intake     = (*Store)(nil)
	_ crm.Counter    = (*Store)(nil)
	_ crm.Purger     = (*Store)(nil)
	_ crm.Timekeeper = (*Store)(nil)
)

// connections is how many a store opens at most. With as many as the machine has
// processors, pgxpool's own default, checkouts would wait for each other, and for
// the worker, while the server writes its log.
const connections = 16

// Open connects to a database, brings goen's tables up to date, and returns a
// store on it. dsn is a URL or a list of keywords and values, with the settings
// of pgxpool, such as pool_max_conns, which is 16 here if it is not given. Close
// the store when done.
func Open(ctx context.Context, dsn string, config *Config) (*Store, error) {
	settings, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err) // pgx leaves the password out
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		settings.MaxConns = max(settings.MaxConns, connections)
	}
	settings.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		learn(conn.TypeMap())
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	s, err := open(ctx, pool, true, config)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// New brings goen's tables up to date in the database of a pool of the host's
// and returns a store on it. The store takes connections from the pool as any
// other user of it does, one for each call in progress. Closing the store leaves
// the pool open.
func New(ctx context.Context, pool *pgxpool.Pool, config *Config) (*Store, error) {
	if pool == nil {
		return nil, errors.New("postgres: no pool")
	}
	return open(ctx, pool, false, config)
}

var (
	prefixes = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)
	schemas  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$-]{0,62}$`)
)

func open(ctx context.Context, pool *pgxpool.Pool, own bool, config *Config) (*Store, error) {
	s := &Store{pool: pool, own: own, prefix: "goen_", closed: make(chan struct{})}
	if config != nil {
		s.schema = config.Schema
		if config.Prefix != "" {
			s.prefix = config.Prefix
		}
	}
	if !prefixes.MatchString(s.prefix) {
		return nil, fmt.Errorf("postgres: open: Config.Prefix %q is no prefix of table names", s.prefix)
	}
	if s.schema != "" && !schemas.MatchString(s.schema) {
		return nil, fmt.Errorf("postgres: open: Config.Schema %q is no name of a schema", s.schema)
	}
	if s.schema == "" {
		var current *string
		if err := pool.QueryRow(ctx, `SELECT current_schema()`).Scan(&current); err != nil {
			return nil, failed("open", err)
		}
		if current == nil {
			return nil, errors.New("postgres: open: the connection has no current schema; name one in Config.Schema")
		}
		s.schema = *current
	}
	if err := s.migrate(ctx); err != nil {
		return nil, failed("migrate", err)
	}
	return s, nil
}

// Close waits for the calls in progress of a store that was opened by [Open]
// and closes its connections. A pool that was given to [New] stays open.
// Closing twice is harmless.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		if s.own {
			s.pool.Close()
		}
	})
	return nil
}

// check returns ErrClosed once the store was closed.
func (s *Store) check() error {
	select {
	case <-s.closed:
		return ErrClosed
	default:
		return nil
	}
}

// tables returns a statement with the tables' names as they are in this
// database. In the source, each is written as goen_ and its name.
func (s *Store) tables(statement string) string {
	if named, ok := s.statements.Load(statement); ok {
		return named.(string)
	}
	named := strings.ReplaceAll(statement, "goen_", pgx.Identifier{s.schema}.Sanitize()+"."+s.prefix)
	s.statements.Store(statement, named)
	return named
}

// table is the name of a table for COPY.
func (s *Store) table(name string) pgx.Identifier { return pgx.Identifier{s.schema, s.prefix + name} }
