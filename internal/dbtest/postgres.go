package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

type postgres struct{ settings []string }

func (postgres) name() string               { return "PostgreSQL" }
func (postgres) variable() string           { return "GOEN_TEST_POSTGRES" }
func (postgres) packages() string           { return "postgresql" }
func (postgres) programs() []need           { return []need{{"postgres"}, {"initdb"}} }
func (postgres) accounts() []string         { return []string{"postgres", "nobody"} }
func (postgres) stopSignal() syscall.Signal { return syscall.SIGINT }  // "fast"
func (postgres) killSignal() syscall.Signal { return syscall.SIGQUIT } // "immediate", children too

func (postgres) folders() []string {
	return []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"}
}

func (postgres) install(f *folder) ([][]string, error) {
	plain := []string{f.programs["initdb"], "-D", f.path("data"), "-U", "goen", "--pwfile", f.path("password"),
		"-A", "password", "-E", "UTF8", "--locale", "C", "--no-sync"}
	byLanguage := append(plain, "--locale-provider", "icu", "--icu-locale", "en")
	// The plain one is for those before PostgreSQL 15, or built without ICU.
	return [][]string{byLanguage, plain}, f.write("password", f.password)
}

func (p postgres) serve(f *folder, port int) []string {
	command := []string{f.programs["postgres"], "-D", f.path("data")}
	// Of a setting that is there twice, the last counts.
	for _, setting := range append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + f.path(""),
		"fsync=on", "full_page_writes=on", "synchronous_commit=on",
		"max_connections=200", "shared_buffers=128MB", "max_wal_size=4GB",
	}, p.settings...) {
		command = append(command, "-c", setting)
	}
	return command
}

func (postgres) dsn(f *folder, port int) string {
	return fmt.Sprintf("postgres://goen:%s@127.0.0.1:%d/postgres?sslmode=disable", f.password, port)
}

func (p postgres) inDatabase(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return "", errors.New("dbtest: " + p.variable() + " is not a URL") // the DSN has a password in it
	}
	u.Path = "/" + name
	return u.String(), nil
}

func (postgres) exec(ctx context.Context, dsn, statement string) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

func (p postgres) cut(ctx context.Context, dsn string) error {
	return p.exec(ctx, dsn, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
}
