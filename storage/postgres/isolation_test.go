package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/postgres"
)

var levels = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}

// testFact is a fact in the inboxes of keys.
func testFact(id string, keys ...string) crm.FactRow {
	return crm.FactRow{ID: id, Customer: keys[0], Keys: keys, Type: "test", Time: benchTime, RecordedAt: benchTime, Hash: []byte(id), Body: []byte(`{}`)}
}

func appendOne(t *testing.T, a crm.Appender, f crm.FactRow) {
	t.Helper()
	if err := a.Append(t.Context(), "shop", []crm.FactRow{f}); err != nil {
		t.Fatal(err)
	}
}

// beginAt begins a transaction of the cart whose snapshot is taken.
func beginAt(t *testing.T, cart *pgxpool.Pool, level pgx.TxIsoLevel) pgx.Tx {
	t.Helper()
	tx, err := cart.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	if _, err := tx.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	return tx
}

func commit(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// factsOf are the ids of a shop's facts.
func factsOf(t *testing.T, s *postgres.Store, shop string) map[string]bool {
	t.Helper()
	ids := make(map[string]bool)
	for f, err := range s.Facts(t.Context(), shop, crm.FactQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids[f.ID] = true
	}
	return ids
}

// What another transaction has committed since the cart's snapshot: at READ
// COMMITTED it does not matter; at the other levels the cart is told to repeat
// its transaction, and may commit the rest of it if it would rather not.
func TestRowsSinceTheSnapshot(t *testing.T) {
	for name, c := range map[string]struct {
		before, since, mine crm.FactRow
	}{
		"SameFact":    {testFact("f0", "hanako"), testFact("f1", "hanako"), testFact("f1", "hanako")},
		"NewCustomer": {testFact("f0", "jiro"), testFact("f1", "hanako"), testFact("f2", "hanako")},
	} {
		for _, level := range levels {
			t.Run(name+"/"+string(level), func(t *testing.T) {
				dsn := newDatabase(t)
				s, cart := open(t, dsn), newPool(t, dsn)
				appendOne(t, s, c.before)
				tx := beginAt(t, cart, level)
				appendOne(t, s, c.since)
				err := s.Tx(tx).Append(t.Context(), "shop", []crm.FactRow{c.mine})
				refusal, refused := errors.AsType[*pgconn.PgError](err)
				switch {
				case level == pgx.ReadCommitted && err != nil:
					t.Errorf("Append returns %v", err)
				case level != pgx.ReadCommitted && (!refused || refusal.Code != "40001"):
					t.Errorf("Append returns %v, want a serialization failure", err)
				}
				if level != pgx.Serializable { // where COMMIT may be refused too
					appendOne(t, s.Tx(tx), testFact("f3", c.before.Customer))
				}
				if err := tx.Commit(t.Context()); err != nil && level != pgx.Serializable {
					t.Errorf("Commit returns %v", err)
				}
				again := beginAt(t, cart, level)
				appendOne(t, s.Tx(again), c.mine)
				commit(t, again)
				if !factsOf(t, s, "shop")[c.mine.ID] {
					t.Error("the fact of the repeated transaction is not there")
				}
			})
		}
	}
}

// Customers and facts that were there before the cart's snapshot are no obstacle
// at any level, though others record about them at the same time.
func TestOpenTransactionsBesideEachOther(t *testing.T) {
	for _, level := range levels {
		t.Run(string(level), func(t *testing.T) {
			dsn := newDatabase(t)
			s, cart := open(t, dsn), newPool(t, dsn)
			appendOne(t, s, testFact("f0", "hanako"))
			first, second := beginAt(t, cart, level), beginAt(t, cart, level)
			appendOne(t, s.Tx(first), testFact("f1", "hanako"))
			appendOne(t, s.Tx(second), testFact("f2", "hanako"))
			appendOne(t, s, testFact("f3", "hanako"))
			fold := 0
			if _, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"hanako"}}, func(w *crm.Work) (*crm.Changes, error) {
				fold = len(w.Customers)
				return &crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{}`)}}}, nil
			}); err != nil || fold != 1 {
				t.Errorf("beside open transactions, %d customers are updated, %v", fold, err)
			}
			commit(t, second)
			commit(t, first)
			if got := factsOf(t, s, "shop"); len(got) != 4 {
				t.Errorf("the facts are %v", got)
			}
		})
	}
}

// A fact that another open transaction has recorded is waited for. When that has
// committed, it is passed over, or refused if it is another; when it has rolled
// back, it is added.
func TestSameFactInOpenTransaction(t *testing.T) {
	for name, c := range map[string]struct {
		hash   string
		commit bool
		want   error
	}{
		"Same":       {"f1", true, nil},
		"Other":      {"other", true, crm.ErrConflict},
		"RolledBack": {"other", false, nil},
	} {
		for _, inside := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				dsn := newDatabase(t)
				s, cart := open(t, dsn), newPool(t, dsn)
				appendOne(t, s, testFact("f0", "hanako"))
				first := beginAt(t, cart, pgx.ReadCommitted)
				appendOne(t, s.Tx(first), testFact("f1", "hanako"))
				second := beginAt(t, cart, pgx.ReadCommitted)
				appender := crm.Appender(s)
				if inside {
					appender = s.Tx(second)
				}
				result := make(chan error, 1)
				go func() {
					f := testFact("f1", "hanako")
					f.Hash = []byte(c.hash)
					result <- appender.Append(context.Background(), "shop", []crm.FactRow{testFact("a", "hanako"), f})
				}()
				untilWaiting(t, cart)
				end := first.Rollback
				if c.commit {
					end = first.Commit
				}
				if err := end(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := <-result; !errors.Is(err, c.want) {
					t.Errorf("Append returns %v, want %v", err, c.want)
				}
				commit(t, second)
				if got := factsOf(t, s, "shop")["a"]; got != (c.want == nil) {
					t.Errorf("the other fact of the batch is there: %v", got)
				}
			})
		}
	}
}

// What is taken in waits for it too, in the statement that compares facts.
func TestTakenFactInOpenTransaction(t *testing.T) {
	dsn := newDatabase(t)
	s, cart := open(t, dsn), newPool(t, dsn)
	if _, err := cart.Exec(t.Context(), `INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', 'f1')`); err != nil {
		t.Fatal(err)
	}
	first := beginAt(t, cart, pgx.ReadCommitted)
	appendOne(t, s.Tx(first), testFact("f1", "hanako"))
	result := make(chan error, 1)
	go func() {
		_, err := s.Take(context.Background(), "shop", 10, func([]crm.Incoming) []crm.Taken {
			f := testFact("f1", "hanako")
			f.Hash = []byte("other")
			return []crm.Taken{{Fact: f}}
		})
		result <- err
	}()
	untilWaiting(t, cart)
	commit(t, first)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	var refused *string
	if err := cart.QueryRow(t.Context(), `SELECT min(refused) FROM goen_incoming`).Scan(&refused); err != nil {
		t.Fatal(err)
	}
	if refused == nil || *refused != "conflict" {
		t.Error("a fact of the same id and another content is not refused")
	}
}

// Whatever the database's default, what goen records by itself is at READ
// COMMITTED: no cart's transaction at SERIALIZABLE fails because of it.
func TestDefaultIsolation(t *testing.T) {
	dsn := newDatabase(t)
	cart := newPool(t, dsn)
	if _, err := cart.Exec(t.Context(), `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn)
	tx := beginAt(t, cart, pgx.Serializable) // while it is open, the server keeps what others at SERIALIZABLE have read
	appendOne(t, s, testFact("f1", "hanako"))
	appendOne(t, s, testFact("f2", "hanako"))
	if got := factsOf(t, s, "shop"); len(got) != 2 {
		t.Errorf("the facts are %v", got)
	}
	var kept int
	err := tx.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock' AND pid <> pg_backend_pid()
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&kept)
	if err != nil {
		t.Fatal(err)
	}
	if kept > 0 {
		t.Errorf("%d rows and pages were read at SERIALIZABLE", kept)
	}
}

// untilWaiting returns once a session of the database waits for another's lock.
func untilWaiting(t *testing.T, cart *pgxpool.Pool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		waiting := false
		err := cart.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		if waiting {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waits")
		}
	}
}

// What the server refuses inside a cart's transaction leaves the rest of it as
// it was.
func TestRefusedFactSpoilsNothing(t *testing.T) {
	dsn := newDatabase(t)
	s, cart := open(t, dsn), newPool(t, dsn)
	tx := beginAt(t, cart, pgx.ReadCommitted)
	appendOne(t, s.Tx(tx), testFact("f1", "hanako"))
	broken := testFact("f2", "hanako")
	broken.Body = []byte(`{"no json`)
	if err := s.Tx(tx).Append(t.Context(), "shop", []crm.FactRow{broken}); err == nil {
		t.Error("Append of a body that is no JSON returns no error")
	}
	appendOne(t, s.Tx(tx), testFact("f3", "hanako"))
	commit(t, tx)
	if got := factsOf(t, s, "shop"); len(got) != 2 || got["f2"] {
		t.Errorf("the facts are %v", got)
	}
}

// A claim that takes a while, with a commit in the middle: it locks many
// customers, the last of whom has an open transaction when it begins, which
// commits before the claim comes to her. What the claim saw when it began says
// that her message may go out.
func TestFenceIsReadAfterTheLocks(t *testing.T) {
	dsn := newDatabase(t)
	s, cart := open(t, dsn), newPool(t, dsn)
	const others = 400
	var facts []crm.FactRow
	var changes crm.Changes
	var ids []string
	for i := range others {
		f := testFact(scattered("met", i), scattered("customer", i))
		facts, ids = append(facts, f), append(ids, f.Customer)
		changes.Consumed = append(changes.Consumed, crm.InboxEntry{Customer: f.Customer, Fact: f.ID})
		changes.Queue = append(changes.Queue, benchMessage(i, f.Customer))
	}
	facts, ids = append(facts, testFact("met", "zoe")), append(ids, "zoe")
	changes.Consumed = append(changes.Consumed, crm.InboxEntry{Customer: "zoe", Fact: "met"})
	zoes := benchMessage(others, "zoe")
	changes.Queue = append(changes.Queue, zoes)
	if err := s.Append(t.Context(), "shop", facts); err != nil {
		t.Fatal(err)
	}
	update := func(ids []string, ch *crm.Changes) {
		t.Helper()
		if _, err := s.Update(t.Context(), "shop", crm.Selection{IDs: ids}, func(*crm.Work) (*crm.Changes, error) { return ch, nil }); err != nil {
			t.Fatal(err)
		}
	}
	update(ids, &changes)
	now := benchTime.Add(time.Hour)
	for round := range 40 {
		tx := beginAt(t, cart, pgx.ReadCommitted)
		bought := fmt.Sprintf("bought-%d", round)
		appendOne(t, s.Tx(tx), testFact(bought, "zoe"))
		var leases crm.Leases
		var err error
		calling, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			close(calling)
			leases, err = s.Lease(context.Background(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Hour), Limit: others + 1})
		}()
		<-calling
		for range round % 20 { // so that it commits at another moment each time
			if _, err := tx.Exec(t.Context(), "SELECT 1"); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, tx)
		<-done
		if err != nil {
			t.Fatal(err)
		}
		var back []crm.Mark
		for _, m := range leases.Claimed {
			if m.ID == zoes.ID {
				t.Fatalf("round %d: the message is claimed, though she had bought", round)
			}
			back = append(back, crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageQueued, At: now, SendAt: m.SendAt})
		}
		if _, err := s.Mark(t.Context(), "shop", back); err != nil {
			t.Fatal(err)
		}
		update([]string{"zoe"}, &crm.Changes{Consumed: []crm.InboxEntry{{Customer: "zoe", Fact: bought}}})
	}
}
