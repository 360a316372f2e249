package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// The tables, one file a version. A released file is never changed. Each runs
// in a transaction. goen_ stands for the prefix; the schema is the session's.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// migrate brings the tables up to date. Several processes may do it at once:
// one goes ahead and the others wait. A database that is up to date is only
// looked at, so that an account without the right to create tables will do.
func (s *Store) migrate(ctx context.Context) error {
	migrations, err := s.migrations()
	if err != nil {
		return err
	}
	newest := migrations[len(migrations)-1].Version
	current, since, err := s.schemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case since > newest:
		return fmt.Errorf("%w: version %d, known is %d", ErrNewerSchema, current, newest)
	case current >= newest:
		return nil
	}
	// A connection of its own, whose search path is the schema.
	config := s.pool.Config()
	db := stdlib.OpenDB(*config.ConnConfig, stdlib.OptionBeforeConnect(func(ctx context.Context, c *pgx.ConnConfig) error {
		if config.BeforeConnect == nil {
			return nil
		}
		return config.BeforeConnect(ctx, c)
	}), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET search_path TO `+pgx.Identifier{s.schema}.Sanitize())
		return err
	}))
	return errors.Join(s.goUp(ctx, db, migrations), db.Close())
}

func (s *Store) goUp(ctx context.Context, db *sql.DB, migrations []*goose.Migration) error {
	id := fnv.New64a()
	id.Write([]byte("goen " + s.schema + " " + s.prefix))
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(id.Sum64())), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, nil, goose.WithTableName(s.prefix+"schema"),
		goose.WithGoMigrations(migrations...), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// migrations returns what the files say, with this store's prefix.
func (s *Store) migrations() ([]*goose.Migration, error) {
	files, err := schemaFiles.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	var migrations []*goose.Migration
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return nil, err
		}
		content, err := schemaFiles.ReadFile(path.Join("schema", file.Name()))
		if err != nil {
			return nil, err
		}
		statements := strings.ReplaceAll(string(content), "goen_", s.prefix)
		migrations = append(migrations, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statements)
			return err
		}}, nil))
	}
	return migrations, nil
}

// schemaVersion returns the version of the tables, 0 if there are none, and the
// oldest version whose library may work with them.
func (s *Store) schemaVersion(ctx context.Context) (current, since int64, err error) {
	var there bool
	err = s.pool.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, s.tables(`goen_compatible`)).Scan(&there)
	if err != nil || !there {
		return 0, 0, err
	}
	err = s.pool.QueryRow(ctx, s.tables(`SELECT max(version_id), (SELECT since FROM goen_compatible) FROM goen_schema WHERE is_applied`)).
		Scan(&current, &since)
	return current, since, err
}
