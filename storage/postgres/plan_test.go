package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/postgres"
)

// A server that has planned a statement while the tables were empty, and
// remembers the plan, still looks rows up by their keys when there are many: a
// worker's turn reads no more of a large shop than of a small one.
func TestPlansOfEmptyTables(t *testing.T) {
	dsn := newDatabase(t)
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	conn, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	s, err := postgres.New(t.Context(), conn, nil)
	if err != nil {
		t.Fatal(err)
	}
	workTurn(t, s, "a first")

	const many = 4000
	other := open(t, dsn)
	for from := 0; from < many; from += batch {
		facts := benchFacts(from, batch)
		if err := other.Append(t.Context(), "shop", facts); err != nil {
			t.Fatal(err)
		}
		ids := customersOf(facts)
		settle(t, other, crm.Selection{IDs: ids}, func(i int, id string) (crm.CustomerRow, crm.Message) {
			m := benchMessage(1000+2*from+i, id)
			m.SendAt = benchTime.Add(48 * time.Hour)
			return crm.CustomerRow{ID: id, NextDue: m.SendAt, NextReview: m.SendAt}, m
		})
	}
	if _, err := conn.Exec(t.Context(), `VACUUM goen_inbox`); err != nil { // whose entries were all consumed
		t.Fatal(err)
	}
	before := rowsRead(t, conn)
	workTurn(t, s, "one more")
	if n := rowsRead(t, conn) - before; n > many/2 {
		t.Errorf("a turn with one customer read %d rows of a shop with %d", n, many)
	}
}

// workTurn does all that a worker does for one new customer.
func workTurn(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	appendOne(t, s, testFact("fact of "+id, id))
	message := func(_ int, id string) (crm.CustomerRow, crm.Message) {
		return crm.CustomerRow{ID: id}, benchMessage(len(id), id)
	}
	share := crm.Share{Part: crm.Bucket(id) % 8, Of: 8}
	settle(t, s, crm.Selection{DueBy: benchTime, Limit: 10, Share: share}, message)
	settle(t, s, crm.Selection{IDs: []string{id}}, message)
	if _, err := s.Backlog(t.Context(), benchTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	now := benchTime.Add(time.Hour)
	leases, err := s.Lease(t.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: 10})
	if err != nil || len(leases.Claimed) != 1 {
		t.Fatalf("claimed %d, %v", len(leases.Claimed), err)
	}
	applied, err := s.Mark(t.Context(), "shop", []crm.Mark{{
		Message: leases.Claimed[0].ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageSent, At: now,
		Decision: &crm.Decision{At: now, Kind: crm.DecidedSend},
	}})
	if err != nil || !applied[0] {
		t.Fatalf("the mark was applied: %v, %v", applied, err)
	}
	for _, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{IDs: []string{id}}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// settle writes what becomes of each customer of a selection, and consumes her facts.
func settle(t *testing.T, s *postgres.Store, sel crm.Selection, becomes func(i int, id string) (crm.CustomerRow, crm.Message)) {
	t.Helper()
	_, err := s.Update(t.Context(), "shop", sel, func(w *crm.Work) (*crm.Changes, error) {
		var ch crm.Changes
		for i, c := range w.Customers {
			row, m := becomes(i, c.ID)
			ch.Customers, ch.Queue = append(ch.Customers, row), append(ch.Queue, m)
			ch.Decisions = append(ch.Decisions, crm.Decision{Customer: c.ID, At: benchTime, Kind: crm.DecidedQueue})
			for _, f := range c.Pending {
				ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
			}
		}
		return &ch, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rowsRead is how many rows and index entries were read so far by the pool's
// only connection, and by those that have ended.
func rowsRead(t *testing.T, conn *pgxpool.Pool) (n int) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), `SELECT pg_stat_force_next_flush()`); err != nil {
		t.Fatal(err)
	}
	err := conn.QueryRow(t.Context(), `
		SELECT (SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes)`).Scan(&n)
	if err != nil {
		t.Fatal(fmt.Errorf("the statistics: %w", err))
	}
	return n
}
