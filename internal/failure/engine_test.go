package failure_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // for handles of the host
	"go.uber.org/goleak"
	sqlitedriver "modernc.org/sqlite"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/mysql"
	"github.com/goen-crm/crm/storage/postgres"
	"github.com/goen-crm/crm/storage/sqlite"
)

func TestMain(m *testing.M) {
	_ = mysqldriver.SetLogger(&mysqldriver.NopLogger{}) // connections are cut here on purpose
	if name := os.Getenv(childEngine); name != "" {
		os.Exit(child(name, os.Getenv(childDSN)))
	}
	goleak.VerifyTestMain(m)
}

// An engine is a kind of database.
type engine struct {
	name string
	// create makes an empty database and returns how to reach it.
	create func(t *testing.T) (dsn string)
	// start starts a server for one test; nil for a database without one.
	start func(context.Context, ...string) (*dbtest.Server, error)
	// open opens a store whose statements go over a line.
	open func(t *testing.T, dsn string, l *line) (store, error)
	// driver is the name that database/sql knows the engine's driver by, for
	// statements of the host's own.
	driver string
}

// A store is a store that can be closed.
type store interface {
	crm.Store
	crm.Importer
	crm.Intake
	Close() error
}

var (
	onSQLite = engine{
		name: "SQLite", driver: "sqlite", open: openSQLite,
		create: func(t *testing.T) string { return filepath.ToSlash(filepath.Join(t.TempDir(), "shop.db")) },
	}
	onPostgreSQL = engine{
		name: "PostgreSQL", driver: "pgx", open: openPostgreSQL, start: dbtest.StartPostgres,
		create: func(t *testing.T) string { return newDatabase(t, dbtest.Postgres(t)) },
	}
	onMariaDB = engine{
		name: "MariaDB", driver: "mysql", open: openMariaDB, start: dbtest.StartMariaDB,
		create: func(t *testing.T) string { return newDatabase(t, dbtest.MariaDB(t)) },
	}
	engines = []engine{onSQLite, onPostgreSQL, onMariaDB}
)

// onEach runs a test on each kind of database, beside each other.
func onEach(t *testing.T, test func(*testing.T, engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

func newDatabase(t *testing.T, server *dbtest.Server) string {
	t.Helper()
	dsn, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// host is the cart's own handle on a database, closed when t ends.
func (e engine) host(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(e.driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openSQLite(t *testing.T, path string, l *line) (store, error) {
	settings := url.Values{
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
		"_txlock": {"immediate"},
	}
	connector, err := sqlitedriver.NewConnector("file:" + path + "?" + settings.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(lineConnector{connector, l})
	s, err := sqlite.New(t.Context(), db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return borrowing{s, db}, nil
}

// borrowing is a store together with the handle that it works on.
type borrowing struct {
	*sqlite.Store
	db io.Closer
}

func (b borrowing) Close() error { return errors.Join(b.Store.Close(), b.db.Close()) }

func openPostgreSQL(t *testing.T, dsn string, l *line) (store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return l.dial(answersOfPostgreSQL, func() (net.Conn, error) { return dial(ctx, network, addr) })
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		return nil, err
	}
	s, err := postgres.New(t.Context(), pool, nil)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pooled{s, pool}, nil
}

// pooled is a store together with the pool that it works on.
type pooled struct {
	*postgres.Store
	pool *pgxpool.Pool
}

func (p pooled) Close() error {
	err := p.Store.Close()
	p.pool.Close()
	return err
}

func openMariaDB(t *testing.T, dsn string, l *line) (store, error) {
	config, err := mysqldriver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	network := "line-" + rand.Text()
	mysqldriver.RegisterDialContext(network, func(ctx context.Context, addr string) (net.Conn, error) {
		return l.dial(answersOfMariaDB, func() (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", addr) })
	})
	t.Cleanup(func() { mysqldriver.DeregisterDialContext(network) })
	config.Net = network
	s, err := mysql.Open(t.Context(), config.FormatDSN(), nil)
	if err != nil {
		return nil, err
	}
	return s, nil
}
