package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A kind is what a column of the floor's tables holds.
type columnKind int

const (
	keyText columnKind = iota // short, may be part of a key
	longText
	number
)

// A dialect is how one database is written to by hand, as fast as it can be.
type dialect struct {
	types     map[columnKind]string
	isolation sql.IsolationLevel
	skip      string // how a SELECT locks its rows and passes over those locked by others
	nth       func(n int) string
	// insert adds rows; replace writes the columns behind the key of rows that
	// exist, and upsert of those too that do not.
	insert, replace, upsert func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error
	// copy adds very many rows, in a transaction of its own; nil if there is
	// nothing faster than insert.
	copy func(ctx context.Context, db *sql.DB, t *table, rows [][]any) error
}

func question(int) string      { return "?" }
func numbered(n int) string    { return fmt.Sprintf("$%d", n) }
func excluded(c string) string { return c + " = excluded." + c }

var dialects = map[string]dialect{
	"sqlite": {
		types: map[columnKind]string{keyText: "TEXT", longText: "TEXT", number: "INTEGER"},
		nth:   question,
		insert: func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
			return fewRows(ctx, tx, t, rows, "")
		},
		replace: upsertSQLite,
		upsert:  upsertSQLite,
	},
	"mysql": {
		types:     map[columnKind]string{keyText: "VARCHAR(100)", longText: "LONGTEXT", number: "BIGINT"},
		isolation: sql.LevelReadCommitted,
		skip:      " FOR UPDATE SKIP LOCKED",
		nth:       question,
		insert: func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
			return manyRows(ctx, tx, t, rows, "")
		},
		replace: replaceMySQL,
		upsert:  replaceMySQL,
	},
	"postgres": {
		copy:      copyPostgres,
		types:     map[columnKind]string{keyText: "text", longText: "text", number: "bigint"},
		isolation: sql.LevelReadCommitted,
		skip:      " FOR NO KEY UPDATE SKIP LOCKED",
		nth:       numbered,
		insert: func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO "+t.name+" ("+t.names()+") SELECT * FROM "+t.unnest(), t.arrays(rows)...)
			return err
		},
		replace: func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
			query := "UPDATE " + t.name + " t SET " + each(t.columns[t.key:], ", ", func(c column) string { return c.name + " = u." + c.name }) +
				" FROM " + t.unnest() + " u (" + t.names() + ") WHERE " +
				each(t.columns[:t.key], " AND ", func(c column) string { return "t." + c.name + " = u." + c.name })
			_, err := tx.ExecContext(ctx, query, t.arrays(rows)...)
			return err
		},
		upsert: func(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO "+t.name+" ("+t.names()+") SELECT * FROM "+t.unnest()+t.onConflict(), t.arrays(rows)...)
			return err
		},
	},
}

func copyPostgres(ctx context.Context, db *sql.DB, t *table, rows [][]any) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, strings.Split(t.names(), ", "), pgx.CopyFromRows(rows))
		return err
	})
}

func replaceMySQL(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
	return manyRows(ctx, tx, t, rows, " ON DUPLICATE KEY UPDATE "+
		each(t.columns[t.key:], ", ", func(c column) string { return c.name + " = VALUES(" + c.name + ")" }))
}

func upsertSQLite(ctx context.Context, tx *sql.Tx, t *table, rows [][]any) error {
	return fewRows(ctx, tx, t, rows, t.onConflict())
}

// fewRows runs a prepared statement for some rows at a time: more make it slower
// again.
func fewRows(ctx context.Context, tx *sql.Tx, t *table, rows [][]any, suffix string) error {
	const few = 100
	var stmt *sql.Stmt
	for ; len(rows) >= few; rows = rows[few:] {
		if stmt == nil {
			var err error
			if stmt, err = tx.PrepareContext(ctx, t.insert(few, question)+suffix); err != nil {
				return err
			}
			defer func() { _ = stmt.Close() }()
		}
		if _, err := stmt.ExecContext(ctx, slices.Concat(rows[:few]...)...); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return manyRows(ctx, tx, t, rows, suffix)
}

// manyRows runs one statement for all rows.
func manyRows(ctx context.Context, tx *sql.Tx, t *table, rows [][]any, suffix string) error {
	args := make([]any, 0, len(rows)*len(t.columns))
	for _, row := range rows {
		args = append(args, row...)
	}
	_, err := tx.ExecContext(ctx, t.insert(len(rows), question)+suffix, args...)
	return err
}

// A table is one of the floor's.
type table struct {
	name    string
	columns []column
	key     int // how many of the first columns are the primary key
	indexes []string
}

type column struct {
	name string
	kind columnKind
}

func each(columns []column, between string, text func(column) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = text(c)
	}
	return strings.Join(parts, between)
}

func (t *table) names() string { return each(t.columns, ", ", func(c column) string { return c.name }) }

func (t *table) create(types map[columnKind]string) string {
	return "CREATE TABLE " + t.name + " (" + each(t.columns, ", ", func(c column) string { return c.name + " " + types[c.kind] }) +
		", PRIMARY KEY (" + each(t.columns[:t.key], ", ", func(c column) string { return c.name }) + "))"
}

func (t *table) insert(rows int, nth func(int) string) string {
	row := "(" + each(t.columns, ", ", func(column) string { return nth(0) }) + ")"
	return "INSERT INTO " + t.name + " (" + t.names() + ") VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", rows), ", ")
}

func (t *table) onConflict() string {
	return " ON CONFLICT (" + each(t.columns[:t.key], ", ", func(c column) string { return c.name }) + ") DO UPDATE SET " +
		each(t.columns[t.key:], ", ", func(c column) string { return excluded(c.name) })
}

// unnest is the parameters as rows, one array a column.
func (t *table) unnest() string {
	n := 0
	return "unnest(" + each(t.columns, ", ", func(c column) string {
		n++
		if c.kind == number {
			return fmt.Sprintf("$%d::bigint[]", n)
		}
		return fmt.Sprintf("$%d::text[]", n)
	}) + ")"
}

// arrays turns rows into columns.
func (t *table) arrays(rows [][]any) []any {
	arrays := make([]any, len(t.columns))
	for i, c := range t.columns {
		if c.kind == number {
			arrays[i] = columnOf[int64](rows, i)
		} else {
			arrays[i] = columnOf[string](rows, i)
		}
	}
	return arrays
}

func columnOf[T any](rows [][]any, i int) []T {
	values := make([]T, len(rows))
	for n, row := range rows {
		values[n] = row[i].(T)
	}
	return values
}
