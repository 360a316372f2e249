package mysql

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
)

// The tables, one statement a file: the server commits each of them by itself,
// so that each can be run again after a crash. A released file is never
// changed.
//
//go:embed schema/*.sql
var migrations embed.FS

// migrate brings the tables up to date. Processes that do it at once take
// turns.
func (s *Store) migrate(ctx context.Context, server server) error {
	files, err := fs.Sub(migrations, "schema")
	if err != nil {
		return failed("migrate", err)
	}
	provider, err := goose.NewProvider(goose.DialectMySQL, s.db, s.adapted(files, server),
		goose.WithTableName(s.prefix+"migration"), goose.WithSessionLocker(&migrationLock{store: s}), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return failed("migrate", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	var current, oldest int64
	err = s.connected(ctx, func(conn *sql.Conn) (err error) {
		current, oldest, err = s.schemaVersion(ctx, conn)
		return err
	})
	switch {
	case err != nil:
		return failed("migrate", err)
	case current > newest && oldest > newest:
		return fmt.Errorf("%w: version %d, known is %d", ErrNewerSchema, current, newest)
	case current >= newest:
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return failed("migrate", err)
	}
	return nil
}

// schemaVersion reads the version of the tables, 0 if there are none, and the
// oldest version whose library may work with them.
func (s *Store) schemaVersion(ctx context.Context, conn *sql.Conn) (current, oldest int64, err error) {
	var tables int
	err = conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN (?, ?)`,
		s.prefix+"migration", s.prefix+"schema").Scan(&tables)
	if err != nil || tables < 2 {
		return 0, 0, err
	}
	var version, compatible sql.NullInt64
	err = conn.QueryRowContext(ctx, s.sql(`SELECT (SELECT MAX(version_id) FROM goen_migration), (SELECT MAX(oldest) FROM goen_schema)`)).Scan(&version, &compatible)
	return version.Int64, compatible.Int64, err
}

// A migrationLock lets one process at a time migrate one database, on a
// connection with the variables that statements of ours rely on.
type migrationLock struct {
	store *Store
	had   []variable
}

// lockName is the lock's name for this prefix in this database: names are the
// whole server's.
const lockName = `CONCAT('goen_', SHA1(CONCAT(DATABASE(), '/', ?)))`

// migrationWait is how many seconds a process waits for another one's
// migrations.
const migrationWait = 300

// SessionLock implements goose's lock.SessionLocker.
func (l *migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) (err error) {
	if l.had, err = settle(ctx, conn, wantedAlone); err != nil {
		return err
	}
	var locked sql.NullInt64
	if err := conn.QueryRowContext(ctx, `SELECT GET_LOCK(`+lockName+`, ?)`, l.store.prefix, migrationWait).Scan(&locked); err != nil {
		return err
	}
	if locked.Int64 != 1 {
		return errors.New("another process is still migrating")
	}
	return l.mend(ctx, conn)
}

// mend completes the table of versions, if a process was killed between making
// it and writing its first row.
func (l *migrationLock) mend(ctx context.Context, conn *sql.Conn) error {
	table := l.store.prefix + "migration"
	var tables, rows int
	err := conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?`, table).Scan(&tables)
	if err != nil || tables == 0 {
		return err
	}
	if err := conn.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&rows); err != nil || rows > 0 {
		return err
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO `+table+` (version_id, is_applied) VALUES (0, 1)`)
	return err
}

// SessionUnlock implements goose's lock.SessionLocker.
func (l *migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `DO RELEASE_LOCK(`+lockName+`)`, l.store.prefix)
	return errors.Join(err, restore(ctx, conn, l.had))
}

// adapted are the files with the prefix of this store's tables and, on MySQL,
// its name of the collation that compares bytes.
func (s *Store) adapted(files fs.FS, server server) fs.FS {
	words := []string{defaultPrefix, s.prefix}
	if !server.mariaDB {
		words = append(words, "utf8mb4_nopad_bin", "utf8mb4_0900_bin")
	}
	return &adapted{files, strings.NewReplacer(words...)}
}

type adapted struct {
	fs.FS
	words *strings.Replacer
}

// Open implements [fs.FS].
func (a *adapted) Open(name string) (fs.File, error) {
	file, err := a.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	text, err := fs.ReadFile(a.FS, name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &adaptedFile{file, strings.NewReader(a.words.Replace(string(text)))}, nil
}

type adaptedFile struct {
	fs.File
	text *strings.Reader
}

// Read implements [fs.File].
func (f *adaptedFile) Read(p []byte) (int, error) { return f.text.Read(p) }
