package postgres_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/postgres"
)

// Every primary key, unique index and foreign key leads with the shop, so that
// the tables can be distributed by it.
func TestKeysLeadWithShop(t *testing.T) {
	dsn := newDatabase(t)
	open(t, dsn)
	cart := newPool(t, dsn)
	rows, err := cart.Query(t.Context(), `
		SELECT k.name, a.attname FROM (
			SELECT indexrelid::regclass::text, indrelid, indkey[0] FROM pg_index WHERE indisunique
			UNION ALL
			SELECT conname, conrelid, conkey[1] FROM pg_constraint WHERE contype = 'f'
		) AS k (name, tab, col) JOIN pg_attribute AS a ON a.attrelid = k.tab AND a.attnum = k.col
		WHERE k.tab::regclass::text LIKE 'goen\_%' AND k.tab <> 'goen_schema'::regclass`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var key, first string
		if err := rows.Scan(&key, &first); err != nil {
			t.Fatal(err)
		}
		if n++; first != "shop_id" {
			t.Errorf("%s leads with %s", key, first)
		}
	}
	if err := rows.Err(); err != nil || n < 11 {
		t.Errorf("saw %d keys, error %v", n, err)
	}
}

// Two stores in one database, told apart by schema and prefix, share nothing.
func TestSchemaAndPrefix(t *testing.T) {
	dsn := newDatabase(t)
	cart := newPool(t, dsn)
	if _, err := cart.Exec(t.Context(), `CREATE SCHEMA "Shop-2"`); err != nil {
		t.Fatal(err)
	}
	var stores []*postgres.Store
	for _, config := range []*postgres.Config{nil, {Schema: "Shop-2"}, {Schema: "Shop-2", Prefix: "crm_"}, {Prefix: "goen_goen_"}} {
		s, err := postgres.New(t.Context(), cart, config)
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s)
	}
	for i, s := range stores {
		if got := factsOf(t, s, "shop"); len(got) != 0 {
			t.Errorf("store %d begins with %v", i, got)
		}
		appendOne(t, s, testFact("f1", "hanako"))
		batch := crm.ImportBatch{ID: "history", To: 1, Facts: []crm.FactRow{testFact("f2", "hanako")}}
		if err := s.Import(t.Context(), "shop", batch); err != nil {
			t.Error(err)
		}
	}
	for table, want := range map[string]int{`goen_fact`: 2, `"Shop-2".goen_fact`: 2, `"Shop-2".crm_fact`: 2, `goen_goen_fact`: 2} {
		var n int
		if err := cart.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != want {
			t.Errorf("%s has %d rows, %v", table, n, err)
		}
	}
}

func TestBadConfig(t *testing.T) {
	cart := newPool(t, newDatabase(t))
	for _, config := range []*postgres.Config{{Prefix: "Goen"}, {Prefix: "a-b"}, {Prefix: strings.Repeat("a", 41)}, {Schema: `a"b`}, {Schema: "a.b"}} {
		if _, err := postgres.New(t.Context(), cart, config); err == nil {
			t.Errorf("New takes %+v", *config)
		}
	}
	if _, err := postgres.New(t.Context(), cart, &postgres.Config{Schema: "nowhere"}); err == nil {
		t.Error("New takes a schema that is not there")
	}
	if _, err := postgres.New(t.Context(), nil, nil); err == nil {
		t.Error("New takes no pool")
	}
}

func TestNewerSchema(t *testing.T) {
	dsn := newDatabase(t)
	open(t, dsn)
	cart := newPool(t, dsn)
	set := func(statement string) {
		t.Helper()
		if _, err := cart.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	set(`INSERT INTO goen_schema (version_id, is_applied) VALUES (9999, true)`)
	open(t, dsn) // compatible, as its row says
	set(`UPDATE goen_compatible SET since = 9999`)
	if _, err := postgres.Open(t.Context(), dsn, nil); !errors.Is(err, postgres.ErrNewerSchema) {
		t.Errorf("Open returns %v, want ErrNewerSchema", err)
	}
}

// An account that may not create tables can open a database that has them.
func TestOpenWithoutRights(t *testing.T) {
	dsn := newDatabase(t)
	open(t, dsn)
	cart := newPool(t, dsn)
	config := cart.Config()
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	reader, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s, err := postgres.New(t.Context(), reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := factsOf(t, s, "shop"); len(got) != 0 {
		t.Errorf("the facts are %v", got)
	}
}

// child is the variable that names the database to a process of TestChild.
const child = "GOEN_POSTGRES_CHILD"

// TestChild is no test of its own: it opens a store in a process of its own.
func TestChild(t *testing.T) {
	dsn := os.Getenv(child)
	if dsn == "" {
		t.Skip("run by the other tests")
	}
	appendOne(t, open(t, dsn), testFact("of the child", "hanako"))
}

func spawn(ctx context.Context, dsn string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), child+"="+dsn)
	return cmd
}

// Processes and goroutines that start at once on an empty database all come up.
func TestManyOpenAtOnce(t *testing.T) {
	dsn := newDatabase(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if out, err := spawn(t.Context(), dsn).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), dsn, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("f1", "hanako")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := factsOf(t, open(t, dsn), "shop"); len(got) != 2 {
		t.Errorf("the facts are %v", got)
	}
}

// A process that is killed while it creates the tables leaves nothing in the way
// of the next one.
func TestKilledWhileMigrating(t *testing.T) {
	dsn := newDatabase(t)
	cart := newPool(t, dsn)
	// The child stops at the fifth table: its name is taken by an open transaction.
	blocker, err := cart.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blocker.Exec(t.Context(), `CREATE TABLE goen_message (i int)`); err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(t.Context())
	cmd := spawn(ctx, dsn)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	untilWaiting(t, cart)
	kill()
	_ = cmd.Wait() // it was killed
	if err := blocker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendOne(t, open(t, dsn), testFact("f1", "hanako"))
}

// A connection that is cut leaves the store working, and a server that is killed
// too: what was reported as written is there.
func TestServerDies(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server of its own")
	}
	server, err := dbtest.StartPostgres(t.Context())
	dbtest.Need(t, err)
	t.Cleanup(func() { server.Stop() })
	dsn, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn)
	appendOne(t, s, testFact("f1", "hanako"))
	if err := server.Cut(t.Context()); err != nil {
		t.Fatal(err)
	}
	untilAppended(t, s, testFact("f2", "hanako"))
	if err := server.Kill(); err != nil && !errors.Is(err, dbtest.ErrForeign) {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil && !errors.Is(err, dbtest.ErrForeign) {
		t.Fatal(err)
	}
	untilAppended(t, s, testFact("f3", "hanako"))
	if got := factsOf(t, s, "shop"); len(got) != 3 {
		t.Errorf("the facts are %v", got)
	}
}

// untilAppended tells a fact again until it is known that it is there.
func untilAppended(t *testing.T, s *postgres.Store, f crm.FactRow) {
	t.Helper()
	for range 100 {
		err := s.Append(t.Context(), "shop", []crm.FactRow{f})
		if err == nil {
			return
		}
		t.Log(err)
	}
	t.Fatal("Append does not recover")
}

func TestClosed(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	cart := newPool(t, dsn)
	hosted, err := postgres.New(t.Context(), cart, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*postgres.Store{s, hosted} {
		s.Close()
		s.Close()
		_, lease := s.Lease(t.Context(), "shop", crm.LeaseRequest{Now: benchTime, Until: benchTime, Limit: 1})
		_, backlog := s.Backlog(t.Context(), benchTime)
		_, clock := s.ServerTime(t.Context())
		for _, err := range []error{s.Append(t.Context(), "shop", nil), s.Append(t.Context(), "shop", []crm.FactRow{testFact("f1", "hanako")}), lease, backlog, clock} {
			if !errors.Is(err, crm.ErrClosed) {
				t.Errorf("a closed store returns %v, want ErrClosed", err)
			}
		}
	}
	if err := cart.Ping(t.Context()); err != nil {
		t.Errorf("closing the store has closed the cart's pool: %v", err)
	}
}
