package dbtest_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/jackc/pgx/v5"
)

func init() { _ = mysql.SetLogger(&mysql.NopLogger{}) } // connections are lost here on purpose

// A kind is a kind of server under test.
type kind struct {
	name     string
	variable string
	start    func(context.Context, ...string) (*dbtest.Server, error)
	shared   func(testing.TB) *dbtest.Server
	connect  func(ctx context.Context, dsn string) (client, error)
	address  func(dsn string) string
	settings map[string]string // queries and the answers that make the server durable

	chosen                    string // a setting that it has not otherwise
	chosenQuery, chosenAnswer string // what tells of it
}

var kinds = []kind{
	{
		name: "PostgreSQL", variable: "GOEN_TEST_POSTGRES",
		start: dbtest.StartPostgres, shared: dbtest.Postgres,
		connect: connectPostgres,
		address: func(dsn string) string {
			u, _ := url.Parse(dsn)
			return u.Host
		},
		settings: map[string]string{
			"SHOW fsync": "on", "SHOW synchronous_commit": "on", "SHOW server_encoding": "UTF8",
			"SELECT CASE WHEN 'a' < 'B' THEN 'by language' ELSE 'by bytes' END": "by language",
		},
		chosen: "shared_buffers=64MB", chosenQuery: "SHOW shared_buffers", chosenAnswer: "64MB",
	},
	{
		name: "MariaDB", variable: "GOEN_TEST_MYSQL",
		start: dbtest.StartMariaDB, shared: dbtest.MariaDB,
		connect: connectMariaDB,
		address: func(dsn string) string {
			c, _ := mysql.ParseDSN(dsn)
			return c.Addr
		},
		settings: map[string]string{
			"SELECT @@innodb_flush_log_at_trx_commit": "1", "SELECT @@character_set_database": "utf8mb4",
		},
		chosen: "innodb-buffer-pool-size=64M", chosenQuery: "SELECT @@innodb_buffer_pool_size", chosenAnswer: "67108864",
	},
}

// A client is one connection to a server.
type client struct {
	exec  func(statement string) error
	query func(statement string) (string, error)
	close func()
}

func connectPostgres(ctx context.Context, dsn string) (client, error) {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return client{}, err
	}
	return client{
		exec:  func(s string) error { _, err := c.Exec(ctx, s); return err },
		query: func(s string) (v string, err error) { return v, c.QueryRow(ctx, s).Scan(&v) },
		close: func() { c.Close(ctx) },
	}, nil
}

func connectMariaDB(ctx context.Context, dsn string) (client, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return client{}, err
	}
	c, err := db.Conn(ctx)
	if err != nil {
		db.Close()
		return client{}, err
	}
	return client{
		exec:  func(s string) error { _, err := c.ExecContext(ctx, s); return err },
		query: func(s string) (v string, err error) { err = c.QueryRowContext(ctx, s).Scan(&v); return v, err },
		close: func() { c.Close(); db.Close() },
	}, nil
}

// each runs a test for each kind of server.
func each(t *testing.T, test func(*testing.T, kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

// own starts a server for one test, without what the environment names.
func (k kind) own(t *testing.T, settings ...string) *dbtest.Server {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server of its own")
	}
	t.Setenv(k.variable, "")
	s, err := k.start(t.Context(), settings...)
	dbtest.Need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (k kind) database(t *testing.T, s *dbtest.Server) string {
	t.Helper()
	dsn, err := s.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func (k kind) client(t *testing.T, dsn string) client {
	t.Helper()
	c, err := k.connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func (c client) mustExec(t *testing.T, statement string) {
	t.Helper()
	if err := c.exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (c client) want(t *testing.T, query, want string) {
	t.Helper()
	if got, err := c.query(query); err != nil || got != want {
		t.Fatalf("%s: %q, %v; want %q", query, got, err, want)
	}
}

func TestSharedServerIsDurable(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.shared(t)
		if k.shared(t) != s {
			t.Error("two tests have two servers")
		}
		c := k.client(t, k.database(t, s))
		for query, want := range k.settings {
			c.want(t, query, want)
		}
	})
}

func TestChosenSettings(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.own(t, k.chosen)
		dsn := k.database(t, s)
		k.client(t, dsn).want(t, k.chosenQuery, k.chosenAnswer)
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := k.client(t, dsn)
		c.want(t, k.chosenQuery, k.chosenAnswer)
		for query, want := range k.settings {
			c.want(t, query, want)
		}
	})
}

func TestDatabasesAreSeparate(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.shared(t)
		for range 2 {
			c := k.client(t, k.database(t, s))
			c.mustExec(t, "CREATE TABLE thing (n int)") // fails if it is there
		}
	})
}

func TestKillKeepsWhatWasCommitted(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.own(t)
		dsn := k.database(t, s)
		c := k.client(t, dsn)
		c.mustExec(t, "CREATE TABLE thing (n int)")
		c.mustExec(t, "INSERT INTO thing VALUES (1)")
		c.mustExec(t, "START TRANSACTION")
		c.mustExec(t, "INSERT INTO thing VALUES (2)")
		for range 2 { // the second finds nothing to kill
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.exec("COMMIT"); err == nil {
			t.Error("a killed server commits")
		}
		if _, err := net.Dial("tcp", k.address(dsn)); err == nil {
			t.Error("a killed server listens")
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		k.client(t, dsn).want(t, "SELECT sum(n) FROM thing", "1")
		if err := s.Restart(t.Context()); err != nil { // while it runs
			t.Fatal(err)
		}
		k.client(t, dsn).want(t, "SELECT sum(n) FROM thing", "1")
	})
}

func TestCutEndsConnections(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.own(t)
		dsn := k.database(t, s)
		before := []client{k.client(t, dsn), k.client(t, dsn)}
		if err := s.Cut(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, c := range before {
			if err := c.exec("SELECT 1"); err == nil {
				t.Errorf("connection %d lives", i)
			}
		}
		k.client(t, dsn).mustExec(t, "SELECT 1")
	})
}

func TestStoppedServerIsGone(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		tmp := shortTempDir(t)
		t.Setenv("TMPDIR", tmp)
		s := k.own(t)
		dsn := k.database(t, s)
		for range 2 {
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := net.Dial("tcp", k.address(dsn)); err == nil {
			t.Error("it listens")
		}
		if left := list(t, tmp); len(left) > 0 {
			t.Errorf("it left %v", left)
		}
		if err := s.Kill(); !errors.Is(err, dbtest.ErrStopped) {
			t.Errorf("Kill: %v", err)
		}
		if err := s.Restart(t.Context()); !errors.Is(err, dbtest.ErrStopped) {
			t.Errorf("Restart: %v", err)
		}
	})
}

func TestFailedStartQuotesTheLog(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.own(t)
		dsn := k.database(t, s)
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", k.address(dsn))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		err = s.Restart(t.Context())
		if err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("the port is taken, and the error is: %v", err)
		}
		l.Close()
		if err := s.Restart(t.Context()); err != nil {
			t.Errorf("the port is free again: %v", err)
		}
	})
}

func TestCancelledStart(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		s := k.own(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Restart(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Restart: %v", err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestServerOfTheEnvironment(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		server := k.own(t)
		t.Setenv(k.variable, k.database(t, server))
		s, err := k.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := k.client(t, k.database(t, s))
		c.mustExec(t, "CREATE TABLE thing (n int)")
		if err := s.Kill(); !errors.Is(err, dbtest.ErrForeign) {
			t.Errorf("Kill: %v", err)
		}
		if err := s.Restart(t.Context()); !errors.Is(err, dbtest.ErrForeign) {
			t.Errorf("Restart: %v", err)
		}
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
		c.mustExec(t, "INSERT INTO thing VALUES (1)")
		if err := s.Cut(t.Context()); err != nil {
			t.Errorf("Cut: %v", err)
		}
		if err := c.exec("SELECT 1"); err == nil {
			t.Error("Cut left a connection")
		}
	})
}

// child is set for the process that TestServersDieWithTheirProcess kills.
const child = "GOEN_DBTEST_CHILD"

func TestServersDieWithTheirProcess(t *testing.T) {
	if os.Getenv(child) != "" {
		startAndWait(t)
	}
	each(t, func(t *testing.T, k kind) {
		dsn, tmp := killedChild(t, k)
		deadline := time.Now().Add(time.Minute)
		for {
			c, err := net.Dial("tcp", k.address(dsn))
			if err == nil {
				c.Close()
			}
			if left := list(t, tmp); err != nil && len(left) == 0 {
				return
			} else if time.Now().After(deadline) {
				t.Fatalf("the server outlives its process: listening %t, files %v", err == nil, left)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// killedChild runs this test in a process of its own and kills it once it has
// a server, whose DSN and temporary folder it returns.
func killedChild(t *testing.T, k kind) (dsn, tmp string) {
	k.own(t) // or skip
	tmp = shortTempDir(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheirProcess$")
	cmd.Env = append(os.Environ(), child+"="+k.name, k.variable+"=", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dsn, err = bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(dsn), tmp
}

// startAndWait starts a server, prints its DSN and waits to be killed.
func startAndWait(t *testing.T) {
	for _, k := range kinds {
		if k.name != os.Getenv(child) {
			continue
		}
		s, err := k.start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dsn := k.database(t, s)
		k.client(t, dsn).mustExec(t, "CREATE TABLE thing (n int)")
		fmt.Println(dsn)
		_, _ = io.Copy(io.Discard, os.Stdin) // which nobody writes to
	}
}

// shortTempDir is a temporary folder that a server may use which runs as
// another user.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "goen-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// list returns the names of the servers' folders that are in dir.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "goen-db-") {
			names = append(names, e.Name())
		}
	}
	return names
}

// A verdict is a test of which only the end is known.
type verdict struct {
	testing.TB
	skipped, failed bool
}

func (*verdict) Helper()        {}
func (v *verdict) Skip(...any)  { v.skipped = true; runtime.Goexit() }
func (v *verdict) Fatal(...any) { v.failed = true; runtime.Goexit() }

func TestNeed(t *testing.T) {
	for _, test := range []struct {
		name, ci        string
		err             error
		skipped, failed bool
	}{
		{name: "there"},
		{name: "missing", err: fmt.Errorf("%w: no server", dbtest.ErrMissing), skipped: true},
		{name: "missing in CI", ci: "true", err: dbtest.ErrMissing, failed: true},
		{name: "broken", err: errors.New("broken"), failed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CI", test.ci)
			v := &verdict{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				dbtest.Need(v, test.err)
			}()
			<-done
			if v.skipped != test.skipped || v.failed != test.failed {
				t.Errorf("skipped %t, failed %t", v.skipped, v.failed)
			}
		})
	}
}
