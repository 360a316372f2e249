package mysql_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/mysql"
)

func fact(id string, keys ...string) crm.FactRow {
	hash := sha256.Sum256([]byte(id))
	return crm.FactRow{ID: id, Customer: keys[0], Keys: keys, Type: "test", Time: testTime, RecordedAt: testTime, Hash: hash[:], Body: []byte(`{}`)}
}

var testTime = time.Date(2026, 1, 5, 9, 0, 0, 123456000, time.UTC)

func altered(f crm.FactRow) crm.FactRow {
	f.Hash = []byte("altered")
	return f
}

// A cart is a transaction of a cart's, on a connection of its own.
type cart struct {
	t    *testing.T
	s    *mysql.Store
	db   *sql.DB
	shop string
	tx   *sql.Tx
	conn int64 // the server's number of the connection
}

func beginCart(t *testing.T, s *mysql.Store, db *sql.DB, level sql.IsolationLevel) *cart {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	c := &cart{t: t, s: s, db: db, shop: t.Name(), tx: tx}
	var n int // a snapshot, before anything of the test happens
	if err := tx.QueryRowContext(t.Context(), "SELECT CONNECTION_ID(), (SELECT COUNT(*) FROM goen_definition)").Scan(&c.conn, &n); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cart) record(facts ...crm.FactRow) error {
	return c.s.Tx(c.tx).Append(c.t.Context(), c.shop, facts)
}

func (c *cart) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// recording records in the background and returns when it is done, or waits for
// a lock.
func (c *cart) recording(facts ...crm.FactRow) (done chan error, waits bool) {
	c.t.Helper()
	done = make(chan error, 1)
	go func() { done <- c.record(facts...) }()
	for {
		select {
		case err := <-done:
			done <- err
			return done, false
		default:
		}
		if c.somebodyWaits() {
			return done, true
		}
		time.Sleep(time.Millisecond)
	}
}

// somebodyWaits asks the server whether a transaction waits for a row. What it
// says of each transaction is not up to date for those who ask often.
func (c *cart) somebodyWaits() bool {
	c.t.Helper()
	var name string
	var waits int
	c.must(c.db.QueryRowContext(c.t.Context(), "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").Scan(&name, &waits))
	return waits > 0
}

var levels = []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable}

// Two transactions of a cart record at once. What they wait for depends on what
// they record, and what they have recorded in the end does not depend on their
// isolation level.
func TestCartsBesideEachOther(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn), handle(t, dsn, func(*driver.Config) {})
	for _, c := range []struct {
		name          string
		first, second crm.FactRow
		waits         []bool // by level
		conflict      bool
	}{
		{"one customer", fact("f1", "known"), fact("f2", "known"), []bool{false, false, false}, false},
		{"neighbours of a customer", fact("f1", "known-a"), fact("f2", "known-b"), []bool{false, false, true}, false},
		{"one new customer", fact("f1", "new"), fact("f2", "new"), []bool{true, true, true}, false},
		{"one fact", fact("f", "known"), fact("f", "known"), []bool{true, true, true}, false},
		{"one fact, two contents", fact("f", "known"), altered(fact("f", "known")), []bool{true, true, true}, true},
		{"a known fact", fact("met", "known"), fact("met", "known"), []bool{false, false, false}, false},
		{"neighbours of a known fact", fact("met", "known"), fact("meet", "known"), []bool{false, false, false}, false},
	} {
		for i, level := range levels {
			for _, end := range []string{"commit", "rollback"} {
				t.Run(fmt.Sprintf("%s/%s/%s", c.name, level, end), func(t *testing.T) {
					if err := s.Append(t.Context(), t.Name(), []crm.FactRow{fact("met", "known")}); err != nil {
						t.Fatal(err)
					}
					a, b := beginCart(t, s, db, level), beginCart(t, s, db, level)
					a.must(a.record(c.first))
					done, waits := b.recording(c.second)
					if waits != c.waits[i] {
						t.Errorf("the second waits: %t, want %t", waits, c.waits[i])
					}
					if end == "commit" {
						a.must(a.tx.Commit())
					} else {
						a.must(a.tx.Rollback())
					}
					err := <-done
					if conflict := c.conflict && end == "commit"; errors.Is(err, crm.ErrConflict) != conflict || err != nil && !conflict {
						t.Errorf("the second's error is %v", err)
					}
					b.must(b.record(fact("z", "known"))) // it goes on
					b.must(b.tx.Commit())
					want := []string{"met", c.second.ID, "z"}
					if end == "commit" {
						want = append(want, c.first.ID)
					}
					if got := factIDs(t, s); !slices.Equal(got, compact(want)) {
						t.Errorf("facts %v, want %v", got, compact(want))
					}
				})
			}
		}
	}
}

func compact(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

func factIDs(t *testing.T, s *mysql.Store) []string {
	t.Helper()
	var ids []string
	for f, err := range s.Facts(t.Context(), t.Name(), crm.FactQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

// Of two transactions that deadlock, one is rolled back by the server. Its cart
// learns that, and must roll back: what it would execute then is committed at
// once.
func TestDeadlockObligesToRollBack(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn), handle(t, dsn, func(*driver.Config) {})
	for _, level := range levels {
		t.Run(level.String(), func(t *testing.T) {
			if err := s.Append(t.Context(), t.Name(), []crm.FactRow{fact("met", "known")}); err != nil {
				t.Fatal(err)
			}
			a, b := beginCart(t, s, db, level), beginCart(t, s, db, level)
			a.must(a.record(fact("x", "known")))
			b.must(b.record(fact("z", "known")))
			first, waits := a.recording(fact("a", "known"), fact("z", "known"))
			if !waits {
				t.Fatal("the first does not wait")
			}
			lost, kept, err := b, a, b.record(fact("b", "known"), fact("x", "known"))
			if err == nil {
				lost, kept, err = a, b, <-first
			} else {
				kept.must(<-first)
			}
			if !errors.Is(err, mysql.ErrRolledBack) {
				t.Fatalf("the error is %v, want ErrRolledBack", err)
			}
			lost.must(lost.tx.Rollback())
			kept.must(kept.tx.Commit())
			want := map[*cart][]string{a: {"a", "met", "x", "z"}, b: {"b", "met", "x", "z"}}[kept]
			if got := factIDs(t, s); !slices.Equal(got, want) {
				t.Errorf("facts %v, want %v", got, want)
			}
		})
	}
}

// A lock that is not given up in time leaves the transaction as it was.
func TestLockTimeoutSpoilsNothing(t *testing.T) {
	dsn := database(t)
	s := open(t, dsn)
	db := handle(t, dsn, func(c *driver.Config) { c.Params = map[string]string{"innodb_lock_wait_timeout": "1"} })
	a, b := beginCart(t, s, db, sql.LevelDefault), beginCart(t, s, db, sql.LevelDefault)
	a.must(a.record(fact("f", "new")))
	b.must(b.record(fact("g", "other")))
	err := b.record(fact("h", "new")) // the fact goes in, its customer does not
	var failure *driver.MySQLError
	if !errors.As(err, &failure) || failure.Number != 1205 || errors.Is(err, mysql.ErrRolledBack) {
		t.Errorf("the error is %v, want number 1205", err)
	}
	b.must(b.tx.Commit())
	a.must(a.tx.Rollback())
	if got, want := factIDs(t, s), []string{"g"}; !slices.Equal(got, want) {
		t.Errorf("facts %v, want %v", got, want)
	}
}

// A connection that is cut takes the cart's transaction with it.
func TestCutObligesToRollBack(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn), handle(t, dsn, func(*driver.Config) {})
	a := beginCart(t, s, db, sql.LevelDefault)
	a.must(a.record(fact("f1", "hanako")))
	if _, err := db.ExecContext(t.Context(), fmt.Sprintf("KILL %d", a.conn)); err != nil {
		t.Fatal(err)
	}
	if err := a.record(fact("f2", "hanako")); err == nil {
		t.Error("Append on a connection that was cut returns no error")
	}
	_ = a.tx.Commit()
	if got := factIDs(t, s); len(got) > 0 {
		t.Errorf("facts %v, want none", got)
	}
}

// A context that ends while a statement waits does not end the transaction.
func TestContextIsLookedAtBefore(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn), handle(t, dsn, func(*driver.Config) {})
	a, b := beginCart(t, s, db, sql.LevelDefault), beginCart(t, s, db, sql.LevelDefault)
	a.must(a.record(fact("f", "new")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Tx(b.tx).Append(ctx, t.Name(), []crm.FactRow{fact("f", "new"), fact("g", "new")}) }()
	for !b.somebodyWaits() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	a.must(a.tx.Commit())
	b.must(<-done)
	b.must(b.tx.Commit())
	if got, want := factIDs(t, s), []string{"f", "g"}; !slices.Equal(got, want) {
		t.Errorf("facts %v, want %v", got, want)
	}
}

// A transaction whose snapshot is older than what it records about goes through:
// the customer was folded, or met, and the fact told, since it began. A server
// that is strict about snapshots lets it through for a customer who was folded,
// and rolls it back, as it would for the cart's own statements, where rows are
// new to it.
func TestOldSnapshot(t *testing.T) {
	dsn := database(t)
	s := open(t, dsn)
	for name, parameters := range map[string]func(*driver.Config){
		"default": func(*driver.Config) {},
		"strict snapshots": func(c *driver.Config) {
			c.Params = map[string]string{"innodb_snapshot_isolation": "1"} // MariaDB's; the default from 11.8 on
		},
	} {
		db := handle(t, dsn, parameters)
		for _, level := range levels {
			t.Run(name+"/"+level.String(), func(t *testing.T) {
				if err := s.Append(t.Context(), t.Name(), []crm.FactRow{fact("met", "known")}); err != nil {
					t.Fatal(err)
				}
				a := beginCart(t, s, db, level)
				var n int
				a.must(a.tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM goen_incoming").Scan(&n))
				if err := s.Append(t.Context(), t.Name(), []crm.FactRow{fact("told", "known", "new")}); err != nil {
					t.Fatal(err)
				}
				_, err := s.Update(t.Context(), t.Name(), crm.Selection{IDs: []string{"known", "new"}}, func(w *crm.Work) (*crm.Changes, error) {
					ch := &crm.Changes{Customers: w.Customers, SetAside: map[string]string{"told": "why"}}
					for _, c := range w.Customers {
						for _, f := range c.Pending {
							ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
						}
					}
					return ch, nil
				})
				a.must(err)
				a.must(a.record(fact("mine", "known")))
				err = a.record(fact("told", "known", "new"), fact("met", "known"), fact("more", "new"))
				if name == "strict snapshots" && level != sql.LevelReadCommitted {
					if !errors.Is(err, mysql.ErrRolledBack) {
						t.Errorf("the error is %v, want ErrRolledBack", err)
					}
					a.must(a.tx.Rollback())
					return
				}
				a.must(err)
				if err := a.record(altered(fact("told", "known"))); !errors.Is(err, crm.ErrConflict) {
					t.Errorf("the error is %v, want a conflict", err)
				}
				a.must(a.tx.Commit())
				if got, want := factIDs(t, s), []string{"met", "mine", "more", "told"}; !slices.Equal(got, want) {
					t.Errorf("facts %v, want %v", got, want)
				}
			})
		}
	}
}
