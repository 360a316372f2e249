package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
)

// A Config says how a store is to work. Nil and the zero value mean the
// defaults.
type Config struct {
	// Prefix is what the names of the tables begin with: a lower-case letter,
	// then lower-case letters, digits and underscores, up to 20 in all.
	// Defaults to "goen_".
	Prefix string
}

const defaultPrefix = "goen_"

var prefixes = regexp.MustCompile(`^[a-z][a-z0-9_]{0,19}$`)

func (c *Config) prefix() (string, error) {
	switch {
	case c == nil || c.Prefix == "":
		return defaultPrefix, nil
	case !prefixes.MatchString(c.Prefix):
		return "", errors.New("mysql: Config.Prefix: a lower-case letter is wanted, then lower-case letters, digits and underscores, up to 20")
	}
	return c.Prefix, nil
}

// A Store is a [crm.Store] in a MariaDB or MySQL database. Use [Open] or [New].
// It is safe for concurrent use, also by several processes on one database.
type Store struct {
	db     *sql.DB
	own    bool // db was opened by Open
	prefix string
	packet int // how many bytes of rows go into one statement

	prepared map[string]*sql.Stmt // the repeated insertions, if db is ours

	// calls is held for reading by each call, and by Close for good.
	calls  sync.RWMutex
	closed bool
}

var (
	_ crm.Store      = (*Store)(nil)
	_ crm.Importer   = (*Store)(nil)
	_ crm.Intake     = (*Store)(nil)
	_ crm.Counter    = (*Store)(nil)
	_ crm.Purger     = (*Store)(nil)
	_ crm.Timekeeper = (*Store)(nil)
)

// Open connects to the database that dsn names, in the form of package
// github.com/go-sql-driver/mysql, brings its tables up to date, and returns a
// store on it. The database itself must be there. Of the parameters in dsn,
// those that decide how values are passed and transactions run are set by the
// store, whatever dsn says. Close the store when done.
func Open(ctx context.Context, dsn string, config *Config) (*Store, error) {
	settings, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("mysql: open: the DSN cannot be parsed") // the driver's error may quote it
	}
	if settings.DBName == "" {
		return nil, errors.New("mysql: open: the DSN names no database")
	}
	connector, err := newConnector(settings)
	if err != nil {
		return nil, failed("open", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	db.SetConnMaxIdleTime(5 * time.Minute)
	s, err := open(ctx, db, config, true)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// New brings goen's tables in the cart's own database up to date and returns a
// store on it. db must be of package github.com/go-sql-driver/mysql; its
// parameters do not matter, but with interpolateParams=true in its DSN calls
// take fewer round trips. A connection borrowed from db is given back with the
// settings that it had. Closing the store leaves db open.
func New(ctx context.Context, db *sql.DB, config *Config) (*Store, error) {
	if db == nil {
		return nil, errors.New("mysql: no database handle")
	}
	return open(ctx, db, config, false)
}

func open(ctx context.Context, db *sql.DB, config *Config, own bool) (*Store, error) {
	prefix, err := config.prefix()
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, own: own, prefix: prefix}
	server, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, server); err != nil {
		return nil, err
	}
	if own {
		if err := s.prepare(ctx); err != nil {
			return nil, failed("open", err)
		}
	}
	return s, nil
}

// Close waits for the calls in progress and releases what the store holds. A
// handle that was given to New stays open. Closing twice is harmless.
func (s *Store) Close() error {
	s.calls.Lock()
	defer s.calls.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.own {
		return errors.Join(s.unprepare(), s.db.Close())
	}
	return nil
}

// enter begins a call; the function that it returns ends it.
func (s *Store) enter(ctx context.Context) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.calls.RLock()
	if s.closed {
		s.calls.RUnlock()
		return nil, ErrClosed
	}
	return s.calls.RUnlock, nil
}

// sql is a statement with the names of this store's tables.
func (s *Store) sql(query string) string {
	if s.prefix == defaultPrefix {
		return query
	}
	return strings.ReplaceAll(query, defaultPrefix, s.prefix)
}

// A server is what was found at the other end.
type server struct {
	mariaDB bool
}

// oldest are the versions from which on SKIP LOCKED, CHECK and expressions as
// defaults are there.
var oldest = map[bool][3]int{true: {10, 6, 0}, false: {8, 0, 16}}

// maxPacket is how much of rows is put into one statement at most. Beyond it,
// longer statements gain nothing.
const maxPacket = 1 << 20

// look asks the server what it is.
func (s *Store) look(ctx context.Context) (server, error) {
	var version string
	var packet int64
	err := s.connected(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "SELECT VERSION(), @@max_allowed_packet").Scan(&version, &packet)
	})
	if err != nil {
		return server{}, failed("open", err)
	}
	found := server{mariaDB: strings.Contains(strings.ToLower(version), "mariadb")}
	if found.mariaDB {
		version = strings.TrimPrefix(version, "5.5.5-") // what some proxies put before it
	}
	var v [3]int
	_, _ = fmt.Sscanf(version, "%d.%d.%d", &v[0], &v[1], &v[2]) // what can't be read is taken for old
	if least := oldest[found.mariaDB]; v[0] < least[0] ||
		v[0] == least[0] && (v[1] < least[1] || v[1] == least[1] && v[2] < least[2]) {
		return server{}, fmt.Errorf("%w: this is %d.%d.%d", ErrUnsupported, v[0], v[1], v[2])
	}
	s.packet = int(min(packet/4, maxPacket)) // escaped, bytes may be twice as many
	return found, nil
}
