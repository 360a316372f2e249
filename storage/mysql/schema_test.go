package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
)

func database(t *testing.T) string {
	t.Helper()
	dsn, err := dbtest.MariaDB(t).Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

func openInternal(t *testing.T, dsn string, config *Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func execute(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatalf("%v in %s", err, statement)
	}
}

// Every key leads with the shop: a platform can be split by it, and no key
// leads from one shop's rows to another's. Tables that say how the tables are
// have no shop.
func TestKeysLeadWithShop(t *testing.T) {
	s := openInternal(t, database(t), nil)
	rows, err := s.db.QueryContext(t.Context(), `
		SELECT table_name, index_name, column_name FROM information_schema.statistics
		WHERE table_schema = DATABASE() AND non_unique = 0 AND seq_in_index = 1 AND table_name NOT IN ('goen_migration', 'goen_schema')
		UNION ALL
		SELECT table_name, constraint_name, column_name FROM information_schema.key_column_usage
		WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL AND ordinal_position = 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, key, first string
		if err := rows.Scan(&table, &key, &first); err != nil {
			t.Fatal(err)
		}
		if n++; first != "shop_id" {
			t.Errorf("key %s of %s leads with %s", key, table, first)
		}
	}
	if err := rows.Err(); err != nil || n < 11 {
		t.Errorf("saw %d keys, error %v", n, err)
	}
}

// Two stores in one database have nothing to do with each other.
func TestPrefix(t *testing.T) {
	dsn := database(t)
	s, other := openInternal(t, dsn, nil), openInternal(t, dsn, &Config{Prefix: "tea_"})
	if err := s.Append(t.Context(), "shop", []crm.FactRow{{ID: "goen_fact", Customer: "goen_c", Keys: []string{"goen_c"}}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		store *Store
		want  int
	}{"goen_": {s, 1}, "tea_": {other, 0}} {
		n := 0
		for f, err := range c.store.Facts(t.Context(), "shop", crm.FactQuery{}) {
			if n++; err != nil || f.ID != "goen_fact" {
				t.Fatal(f.ID, err)
			}
		}
		if n != c.want {
			t.Errorf("%s has %d facts, want %d", name, n, c.want)
		}
	}
	var tables int
	err := s.db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'tea\_%'`).Scan(&tables)
	if err != nil || tables != 11 {
		t.Errorf("%d tables begin with tea_, error %v", tables, err)
	}
	for _, prefix := range []string{"Goen_", "1_", "a-b", "a`b", strings.Repeat("x", 21)} {
		if _, err := Open(t.Context(), dsn, &Config{Prefix: prefix}); err == nil {
			t.Errorf("the prefix %q is taken", prefix)
		}
	}
}

// A process that is killed anywhere in a migration leaves a database that the
// next one completes: after each statement, before its version is written down.
func TestKilledMigrationResumes(t *testing.T) {
	files, err := fs.Glob(migrations, "schema/*.sql")
	if err != nil || len(files) < 11 {
		t.Fatal(files, err)
	}
	for killed := -1; killed <= len(files); killed++ {
		dsn := database(t)
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		if killed >= 0 {
			execute(t, db, `CREATE TABLE goen_migration (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, version_id BIGINT NOT NULL, is_applied BOOLEAN NOT NULL,
				tstamp DATETIME NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id))`)
		}
		for i, file := range files[:max(killed, 0)] {
			execute(t, db, `INSERT INTO goen_migration (version_id, is_applied) VALUES (?, 1)`, i) // the version of the file before
			text, err := fs.ReadFile(migrations, file)
			if err != nil {
				t.Fatal(err)
			}
			execute(t, db, string(text))
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		s := openInternal(t, dsn, nil)
		if err := s.Append(t.Context(), "shop", []crm.FactRow{{ID: "f", Customer: "c", Keys: []string{"c"}}}); err != nil {
			t.Errorf("after %d statements: %v", killed, err)
		}
		var newest int
		if err := s.db.QueryRowContext(t.Context(), `SELECT MAX(version_id) FROM goen_migration`).Scan(&newest); err != nil || newest != len(files) {
			t.Errorf("after %d statements the version is %d, error %v", killed, newest, err)
		}
	}
}

// A statement that is run again after a crash has to be one: the server commits
// each of them by itself.
func TestMigrationsAreSingleStatements(t *testing.T) {
	files, err := fs.Glob(migrations, "schema/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		statements := 0
		for line := range strings.Lines(string(text)) {
			if line, _, _ = strings.Cut(line, "--"); strings.HasSuffix(strings.TrimSpace(line), ";") {
				statements++
			}
		}
		if statements != 1 {
			t.Errorf("%s has %d statements", path.Base(file), statements)
		}
	}
}

// Many processes that start at once on a new database all come up.
func TestManyOpenAtOnce(t *testing.T) {
	dsn := database(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := Open(t.Context(), dsn, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Append(t.Context(), "shop", []crm.FactRow{{ID: "f", Customer: "c", Keys: []string{"c"}}}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A newer schema is refused, unless it says that this version may work with it.
func TestNewerSchema(t *testing.T) {
	dsn := database(t)
	s := openInternal(t, dsn, nil)
	execute(t, s.db, `INSERT INTO goen_migration (version_id, is_applied) VALUES (9999, 1)`)
	if _, err := New(t.Context(), s.db, nil); err != nil {
		t.Errorf("New on a newer schema that is compatible returns %v", err)
	}
	execute(t, s.db, `UPDATE goen_schema SET oldest = 9999`)
	if _, err := New(t.Context(), s.db, nil); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("New returns %v, want ErrNewerSchema", err)
	}
	if _, err := Open(t.Context(), dsn, nil); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("Open returns %v, want ErrNewerSchema", err)
	}
}

// Statements that run all the time find their rows by an index, on a database
// that the server knows nothing about and on one that it has analyzed.
func TestStatementsUseIndexes(t *testing.T) {
	s := openInternal(t, database(t), nil)
	page := func(q crm.MessageQuery) string {
		query, _ := messagePage("shop", q, &crm.Message{}, fullPage)
		return query
	}
	facts := func(q crm.FactQuery) string {
		query, _ := factPage("shop", q, &crm.FactRow{}, fullPage)
		return query
	}
	inOrder := map[string]string{
		"timers": selectTimers + " ORDER BY next_due LIMIT 5", "reviews": selectReviews + " ORDER BY next_review LIMIT 5",
		"queued": selectQueued + " ORDER BY m.next_at, m.message_id LIMIT 5", "pending": selectPending + " ORDER BY customer_id LIMIT 5",
		"pending of a share": selectPending + " AND bucket % 2 = 1 ORDER BY customer_id LIMIT 5",
		"incoming":           selectIncoming, "customer page": selectCustomerIDs,
		"facts": facts(crm.FactQuery{}), "a customer's facts": facts(crm.FactQuery{Customer: "c"}),
	}
	others := map[string]string{
		"known": selectKnown, "met": selectMet, "customers": selectCustomers, "lock": lockCustomers, "orders": selectOrders, "inbox": selectInbox,
		"open messages": selectOpenMessages, "lapsed": selectLapsed, "expired": selectExpired, "fence": lockFence, "waiting": selectWaiting,
		"claim": lockClaimed, "claimed": claimMessages, "standings": selectStandings, "revision": selectRevision, "newest": selectNewest,
		"consume":   deleteInbox + pickPairs,
		"set aside": setAside, "twins": deleteTwins, "erase facts": eraseFacts, "erase messages": eraseMessages, "erase orders": eraseOrders,
		"facts set aside": facts(crm.FactQuery{SetAside: true}), "messages": page(crm.MessageQuery{}), "a message": page(crm.MessageQuery{ID: "m"}),
		"a customer's messages": page(crm.MessageQuery{Customer: "c"}), "unknown messages": page(crm.MessageQuery{States: []crm.MessageState{crm.MessageUnknown}}),
		"old facts": selectOldFacts, "old contents": selectOldContents, "old decisions": selectOldDecisions, "backlog": selectBacklog,
	}
	for i, c := range counters {
		others[fmt.Sprintf("counter %d", i)] = c.query
	}
	for _, filled := range []bool{false, true} {
		if filled {
			fillUnevenly(t, s)
		}
		for name, statement := range inOrder {
			others[name] = statement
			for _, step := range plan(t, s, statement) {
				if strings.Contains(step, "filesort") || strings.Contains(step, "temporary") {
					t.Errorf("filled=%t: %s is sorted instead of read in order: %s", filled, name, step)
				}
			}
		}
		for name, statement := range others {
			for _, step := range plan(t, s, statement) {
				if strings.HasPrefix(step, "ALL goen_") || strings.HasPrefix(step, "index goen_") {
					t.Errorf("filled=%t: %s reads a whole table: %s", filled, name, step)
				}
			}
		}
		for _, step := range plan(t, s, selectBacklog) {
			if filled && strings.Contains(step, " goen_") && !strings.Contains(step, "for group-by") {
				t.Errorf("the backlog reads rows instead of jumping from shop to shop: %s", step)
			}
		}
	}
}

// plan asks the server how it would run a statement: how it reads each table.
func plan(t *testing.T, s *Store, statement string) []string {
	t.Helper()
	statement = strings.ReplaceAll(statement, inList, "IN ('a', 'b', 'c')")
	statement = strings.ReplaceAll(strings.ReplaceAll(statement, "LIMIT ?", "LIMIT 5"), "?", "'2026-01-01'")
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN "+statement)
	if err != nil {
		t.Fatalf("%v in %s", err, statement)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make(map[string]string)
		for i, column := range columns {
			row[column] = values[i].String
		}
		table := row["table"]
		if len(table) == 1 { // an alias
			table = "goen_ " + table
		}
		steps = append(steps, fmt.Sprintf("%s %s %s %s", row["type"], table, row["key"], row["Extra"]))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// fillUnevenly writes one big shop and some small ones, nearly all of whose
// messages are long sent.
func fillUnevenly(t *testing.T, s *Store) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO goen_customer (shop_id, customer_id, bucket, next_due, next_review)
			SELECT IF(seq > 2900, CONCAT('shop-', seq), 'shop'), CONCAT('c', seq), seq % 64, IF(seq % 10 = 0, '2026-01-01', NULL), IF(seq % 7 = 0, '2026-01-01', NULL) FROM (` + numbers + `) n`,
		`INSERT INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, hash, body) SELECT shop_id, customer_id, customer_id, '', '2026-01-01', '', '{}' FROM goen_customer`,
		`INSERT INTO goen_inbox (shop_id, customer_id, fact_id, bucket) SELECT shop_id, customer_id, fact_id, 0 FROM goen_fact WHERE customer_id LIKE '%00'`,
		`INSERT INTO goen_orders (shop_id, customer_id, order_id, status, currency, total, refunded) SELECT shop_id, customer_id, 'o', 'paid', 'JPY', 1, 0 FROM goen_customer`,
		`INSERT INTO goen_message (shop_id, message_id, state, customer_id, send_at) SELECT shop_id, customer_id, IF(customer_id LIKE '%00', 'queued', 'sent'), customer_id, '2026-01-01' FROM goen_customer`,
		`INSERT INTO goen_decision (shop_id, customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail)
			SELECT shop_id, customer_id, '2026-01-01', 'send', '', 1, '', '', '', '', '' FROM goen_customer`,
		`INSERT INTO goen_incoming (shop_id, body) SELECT shop_id, '{}' FROM goen_inbox`,
		`ANALYZE TABLE goen_customer, goen_fact, goen_inbox, goen_orders, goen_message, goen_decision, goen_incoming`,
	} {
		execute(t, s.db, statement)
	}
}

// numbers are 1 to 3000.
const numbers = `
	WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 1000)
	SELECT seq FROM n UNION ALL SELECT seq + 1000 FROM n UNION ALL SELECT seq + 2000 FROM n`
