package mysql_test

import (
	"context"
	"database/sql"
	"testing"
	"time"
	_ "time/tzdata" // for strange

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/mysql"
)

// strange gives a connection parameters that no statement of goen's is written
// for.
func strange(c *driver.Config) {
	c.ParseTime, c.ClientFoundRows, c.ColumnsWithAlias, c.MultiStatements = true, true, true, true
	if berlin, err := time.LoadLocation("Europe/Berlin"); err == nil {
		c.Loc = berlin // has hours that do not exist
	}
	c.Params = map[string]string{
		"time_zone": "'-03:00'", "sql_mode": "'ANSI,NO_BACKSLASH_ESCAPES'", "autocommit": "0", "foreign_key_checks": "0",
		"character_set_client": "latin1", "collation_connection": "latin1_german2_ci", "character_set_results": "NULL",
	}
}

// A handle with one connection will do, and the connection is given back with
// the variables that it had.
func TestGivesConnectionBack(t *testing.T) {
	db := handle(t, database(t), strange)
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	before := variables(t, db)
	s, err := mysql.New(ctx, db, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Append(ctx, "shop", []crm.FactRow{fact("縁", "花子")}); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tx(tx).Append(ctx, "shop", []crm.FactRow{fact("ご縁", "花子")}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for f, err := range s.Facts(ctx, "shop", crm.FactQuery{Customer: "花子"}) {
		if n++; err != nil || !f.Time.Equal(testTime) {
			t.Errorf("the fact's time is %v, %v", f.Time, err)
		}
	}
	if after := variables(t, db); n != 2 || before != after {
		t.Errorf("%d facts; the connection had %v and has %v", n, before, after)
	}
}

func variables(t *testing.T, db *sql.DB) (v [6]string) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), "SELECT @@sql_mode, @@foreign_key_checks, @@character_set_client, COALESCE(@@character_set_results, 'NULL'), @@autocommit, @@collation_connection").
		Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5])
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The store's own connections have its settings, whatever the DSN asks for.
func TestDSNDoesNotMatter(t *testing.T) {
	config, err := driver.ParseDSN(database(t))
	if err != nil {
		t.Fatal(err)
	}
	strange(config)
	s := open(t, config.FormatDSN())
	if err := s.Append(t.Context(), "shop", []crm.FactRow{fact("縁", "花子")}); err != nil {
		t.Fatal(err)
	}
	for f, err := range s.Facts(t.Context(), "shop", crm.FactQuery{}) {
		if err != nil || f.ID != "縁" || !f.Time.Equal(testTime) {
			t.Errorf("the fact is %q of %v, %v", f.ID, f.Time, err)
		}
	}
	now, err := s.ServerTime(t.Context())
	if off := time.Since(now).Abs(); err != nil || off > time.Minute {
		t.Errorf("the server's clock is off by %v, %v", off, err)
	}
}
