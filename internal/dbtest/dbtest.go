// Package dbtest starts real database servers for tests and programs:
// PostgreSQL and MariaDB as they are installed on the machine, in a temporary
// folder, on 127.0.0.1, with their durable settings on. A server ends and its
// files go with the process that started it, also if that process is killed.
//
// The environment variables GOEN_TEST_POSTGRES and GOEN_TEST_MYSQL may name
// servers to use instead, by a DSN with the right to create databases. Those
// are never stopped, and the databases made there stay.
package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

var (
	// ErrMissing is the error of a server that is not installed, or cannot be
	// started on this operating system.
	ErrMissing = errors.New("dbtest: not installed")
	// ErrForeign is the error of Kill and Restart for a server that the
	// environment names.
	ErrForeign = errors.New("dbtest: the environment names this server; it is not ours to stop")
	// ErrStopped is the error of Kill and Restart after Stop.
	ErrStopped = errors.New("dbtest: server is stopped")
)

// A Server is a database server. It is safe for use by several goroutines.
type Server struct {
	product product
	admin   string        // the DSN that databases are created with
	local   *installation // nil if the environment names the server
}

var (
	sharedPostgres = sync.OnceValues(func() (*Server, error) { return StartPostgres(context.Background()) })
	sharedMariaDB  = sync.OnceValues(func() (*Server, error) { return StartMariaDB(context.Background()) })
)

// Postgres returns the PostgreSQL server that the tests of one binary share;
// the first call starts it, and the end of the binary stops it. If none is
// installed the test is skipped: see [Need].
func Postgres(t testing.TB) *Server {
	t.Helper()
	s, err := sharedPostgres()
	Need(t, err)
	return s
}

// MariaDB is like [Postgres], for MariaDB.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	s, err := sharedMariaDB()
	Need(t, err)
	return s
}

// Need ends a test that could not start a server: it is skipped if err is of
// kind [ErrMissing] and the environment variable CI is not set, and fails on
// any other error.
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// StartPostgres starts a PostgreSQL server of one's own. Its databases sort
// text by language, as on most servers in use. Settings such as
// "shared_buffers=1GB" go before those that it has otherwise, which suit many
// small servers; one that the environment names keeps its own. The error is of
// kind [ErrMissing] if PostgreSQL is not installed.
func StartPostgres(ctx context.Context, settings ...string) (*Server, error) {
	return start(ctx, postgres{settings})
}

// StartMariaDB starts a MariaDB server of one's own. Settings are options of the
// server's without their dashes, such as "innodb-buffer-pool-size=1G"; otherwise
// as for [StartPostgres]. The error is of kind [ErrMissing] if MariaDB is not
// installed.
func StartMariaDB(ctx context.Context, settings ...string) (*Server, error) {
	return start(ctx, mariadb{settings})
}

func start(ctx context.Context, p product) (*Server, error) {
	if dsn := os.Getenv(p.variable()); dsn != "" {
		if err := p.exec(ctx, dsn, "SELECT 1"); err != nil {
			return nil, fmt.Errorf("dbtest: %s: %w", p.variable(), err)
		}
		return &Server{product: p, admin: dsn}, nil
	}
	local, err := install(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Server{product: p, admin: local.dsn(), local: local}, nil
}

// Database creates an empty database and returns its DSN: a URL for pgx, or
// what github.com/go-sql-driver/mysql takes.
func (s *Server) Database(ctx context.Context) (dsn string, err error) {
	name := "goen_" + strings.ToLower(rand.Text())
	if dsn, err = s.product.inDatabase(s.admin, name); err != nil {
		return "", err
	}
	return dsn, s.product.exec(ctx, s.admin, "CREATE DATABASE "+name)
}

// Cut ends all connections of clients. The server keeps running.
func (s *Server) Cut(ctx context.Context) error {
	return s.product.cut(ctx, s.admin)
}

// Kill ends all of the server's processes at once with SIGKILL, so that it has
// to recover at the next Restart. Nothing happens if it does not run.
func (s *Server) Kill() error {
	if s.local == nil {
		return ErrForeign
	}
	return s.local.kill()
}

// Restart starts the server again on the same data, port and settings, and
// returns when it answers. One that runs is first stopped in good order.
func (s *Server) Restart(ctx context.Context) error {
	if s.local == nil {
		return ErrForeign
	}
	return s.local.restart(ctx)
}

// Stop stops the server and deletes its files. It does nothing to a server
// that the environment names.
func (s *Server) Stop() error {
	if s.local == nil {
		return nil
	}
	return s.local.remove()
}
