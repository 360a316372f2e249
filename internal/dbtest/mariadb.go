package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

type mariadb struct{ settings []string }

func (mariadb) name() string               { return "MariaDB" }
func (mariadb) variable() string           { return "GOEN_TEST_MYSQL" }
func (mariadb) packages() string           { return "mariadb-server" }
func (mariadb) accounts() []string         { return []string{"mysql", "nobody"} }
func (mariadb) stopSignal() syscall.Signal { return syscall.SIGTERM }
func (mariadb) killSignal() syscall.Signal { return syscall.SIGKILL }

func (mariadb) programs() []need {
	return []need{{"mariadbd", "mysqld"}, {"mariadb-install-db", "mysql_install_db"}}
}
func (mariadb) folders() []string {
	return []string{"/usr/sbin", "/usr/libexec", "/opt/homebrew/opt/mariadb*/bin", "/usr/local/opt/mariadb*/bin"}
}

func (mariadb) install(f *folder) ([][]string, error) {
	command := []string{f.programs["mariadb-install-db"], "--no-defaults", "--datadir=" + f.path("data"),
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=128M"}
	// Read at each start. Root keeps its way in by the socket alone.
	return [][]string{command}, f.write("init.sql", fmt.Sprintf(`CREATE OR REPLACE USER goen@'127.0.0.1' IDENTIFIED BY '%s';
GRANT ALL ON *.* TO goen@'127.0.0.1' WITH GRANT OPTION;
DROP USER IF EXISTS root@'127.0.0.1', root@'::1';
`, f.password))
}

func (m mariadb) serve(f *folder, port int) []string {
	command := []string{f.programs["mariadbd"], "--no-defaults", "--datadir=" + f.path("data"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(port), "--socket=" + f.path("socket"), "--pid-file=" + f.path("pid"),
		"--tmpdir=" + f.path(""), "--init-file=" + f.path("init.sql"), "--skip-name-resolve",
		"--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1",
		"--innodb-buffer-pool-size=128M", "--innodb-log-file-size=128M", "--max-connections=200",
		"--character-set-server=utf8mb4"}
	for _, setting := range m.settings { // of one that is there twice, the last counts
		command = append(command, "--"+setting)
	}
	return command
}

func (mariadb) dsn(f *folder, port int) string {
	return fmt.Sprintf("goen:%s@tcp(127.0.0.1:%d)/?parseTime=true", f.password, port)
}

func (m mariadb) inDatabase(dsn, name string) (string, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return "", errors.New("dbtest: " + m.variable() + " is not a DSN") // it has a password in it
	}
	c.DBName = name
	return c.FormatDSN(), nil
}

func (m mariadb) open(dsn string) (*sql.DB, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, errors.New("dbtest: " + m.variable() + " is not a DSN")
	}
	c.Logger = &mysql.NopLogger{} // it would tell of each try while the server starts
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (m mariadb) exec(ctx context.Context, dsn, statement string) error {
	db, err := m.open(dsn)
	if err != nil {
		return err
	}
	defer drop(db)
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (m mariadb) cut(ctx context.Context, dsn string) error {
	db, err := m.open(dsn)
	if err != nil {
		return err
	}
	defer drop(db)
	rows, err := db.QueryContext(ctx, `SELECT id FROM information_schema.processlist
		WHERE id <> connection_id() AND user NOT IN ('system user', 'event_scheduler')`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	const gone = 1094 // it ended by itself in between
	for _, id := range ids {
		_, err := db.ExecContext(ctx, "KILL "+strconv.FormatInt(id, 10))
		if e := (*mysql.MySQLError)(nil); err != nil && !(errors.As(err, &e) && e.Number == gone) {
			return err
		}
	}
	return nil
}
