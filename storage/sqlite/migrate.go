package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// The tables, one file a version. A released file is never changed.
//
//go:embed schema/*.sql
var migrations embed.FS

// migrationTable keeps the version of goen's tables, apart from the cart's own
// migrations.
const migrationTable = "goen_migration"

// migrate brings the tables up to date. Several processes may do it at once:
// one of them gets through, and the others look again.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "schema")
	if err != nil {
		return fmt.Errorf("sqlite: migrate: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName(migrationTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("sqlite: migrate: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version

	deadline := time.Now().Add(lockLimit)
	for {
		current, err := schemaVersion(ctx, db)
		switch {
		case err == nil && current == newest:
			return nil
		case err == nil && current > newest:
			return fmt.Errorf("%w: version %d, known is %d", ErrNewerSchema, current, newest)
		case err == nil:
			_, err = provider.Up(ctx)
		}
		if err == nil {
			continue
		}
		// Another process may have been faster, or holds the lock.
		now, lookErr := schemaVersion(ctx, db)
		if ctx.Err() != nil || time.Now().After(deadline) ||
			!isBusy(err) && (lookErr != nil && !isBusy(lookErr) || lookErr == nil && now == current) {
			return fmt.Errorf("sqlite: migrate: %w", errors.Join(err, ctx.Err()))
		}
		_ = pause(ctx, lockPoll) // the context is looked at above
	}
}

// schemaVersion reads the version of goen's tables without writing anything; 0
// if there are none.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var tables int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, migrationTable).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, `SELECT max(version_id) FROM `+migrationTable).Scan(&version)
	return version.Int64, err
}
