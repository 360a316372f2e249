//go:build linux

package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// What a call has reported as done survives a loss of power at any moment, and
// a call that was at work leaves all or nothing. kill -9 proves neither: what a
// process has written stays with the operating system.
func TestPowerCut(t *testing.T) {
	for name, mode := range map[string]struct {
		open func(ctx context.Context, path string) (*Store, func() error, error)
		// careless says that the cart's settings do not keep its database
		// whole: it is once goen has written something.
		careless bool
	}{
		"File": {func(ctx context.Context, path string) (*Store, func() error, error) {
			s, err := openSource(ctx, dataSource(path)+"&vfs="+diskVFS)
			return s, func() error { return nil }, err
		}, false},
		"ClassicJournal":  {cartOn("_pragma=busy_timeout(5000)"), false},
		"CarelessJournal": {cartOn("_pragma=busy_timeout(5000)&_pragma=synchronous(off)"), true},
		"CarelessWAL":     {cartOn("_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(normal)"), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := memory(t)
			d, path := newDisk(t, dir), filepath.Join(dir, "shop.db")
			r := &record{disk: d, dir: dir}
			for round := range 2 {
				s, done, err := mode.open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				r.note(t, s)
				for _, step := range steps(round) {
					if err := step(t.Context(), s); err != nil {
						t.Fatal(err)
					}
					r.note(t, s)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if err := done(); err != nil {
					t.Fatal(err)
				}
			}
			if mode.careless {
				r.from = r.calls[1].events
			}
			r.cutEverywhere(t)
		})
	}
}

// memory returns a directory in memory, if there is one: what is synced is noted,
// and a real disk's syncing would take most of the time.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "goen-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// cartOn opens a cart's database and a store on it.
func cartOn(settings string) func(ctx context.Context, path string) (*Store, func() error, error) {
	return func(ctx context.Context, path string) (*Store, func() error, error) {
		db, err := sql.Open("sqlite", "file:"+path+"?vfs="+diskVFS+"&"+settings)
		if err != nil {
			return nil, nil, err
		}
		s, err := New(ctx, db)
		return s, db.Close, err
	}
}

// A record is what a store held after each of its calls had returned.
type record struct {
	disk  *disk
	dir   string // where there is room for what is left
	from  int    // the first event at which the power may fail
	calls []call
}

type call struct {
	events int // how many there were when it had returned
	rows   string
}

func (r *record) note(t *testing.T, s *Store) {
	t.Helper()
	r.calls = append(r.calls, call{r.disk.happened(), rows(t, s)})
}

// cutEverywhere cuts the power before and after every sync and deletion, at the
// end of every call and once within it.
func (r *record) cutEverywhere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var cuts []int
	for _, at := range r.disk.syncs() {
		cuts = append(cuts, at, at+1)
	}
	for i, c := range r.calls[1:] {
		if between := c.events - r.calls[i].events; between > 0 {
			cuts = append(cuts, r.calls[i].events+random.IntN(between), c.events)
		}
	}
	slices.Sort(cuts)
	for _, at := range slices.Compact(cuts) {
		if at < r.from {
			continue
		}
		cases := []survival{nothing, everything, some(random)}
		if testing.Short() {
			cases = cases[:1]
		}
		for _, survives := range cases {
			if r.cut(t, at, survives); t.Failed() {
				t.Fatalf("the power was cut after %d of %d events", at, len(r.disk.events))
			}
		}
	}
}

// cut opens what is left after a power cut, and looks whether it is what one of
// the calls left that were done or at work.
func (r *record) cut(t *testing.T, at int, survives survival) {
	t.Helper()
	dir, err := os.MkdirTemp(r.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, data := range r.disk.left(at, survives) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), filepath.Join(dir, "shop.db"))
	if err != nil {
		t.Errorf("what is left can't be opened: %v", err)
		return
	}
	defer s.Close()
	var verdict string
	if err := s.db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("what is left is damaged: %s, %v", verdict, err)
	}
	done := 0
	for done+1 < len(r.calls) && r.calls[done+1].events <= at {
		done++
	}
	got := rows(t, s)
	if got != r.calls[done].rows && (done+1 == len(r.calls) || got != r.calls[done+1].rows) {
		t.Errorf("after %d calls had returned, of %d, there is left:\n%s\nwant:\n%s", done, len(r.calls)-1, got, r.calls[done].rows)
	}
	if err := s.Append(t.Context(), "shop", []crm.FactRow{powerFact("afterwards")}); err != nil {
		t.Errorf("Append afterwards: %v", err)
	}
}

// rows are all rows of all tables, shortened to compare.
func rows(t *testing.T, s *Store) string {
	t.Helper()
	var all strings.Builder
	for _, table := range []string{
		"goen_customer", "goen_fact", "goen_inbox", "goen_incoming", "goen_import", "goen_orders", "goen_message", "goen_decision", "goen_definition",
	} {
		fmt.Fprintf(&all, "%s: %s\n", table, content(t, s, table))
	}
	return all.String()
}

// content is how many rows a table has, and a digest of them.
func content(t *testing.T, s *Store, table string) string {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	n, hash := 0, fnv.New64a()
	for rows.Next() {
		row := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(hash, "%q\n", row)
		n++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d rows, %x", n, hash.Sum64())
}

func powerFact(id string) crm.FactRow {
	return crm.FactRow{ID: id, Customer: "c-" + id, Keys: []string{"c-" + id, "all"}, Type: "test", Time: powerTime, Hash: []byte(id), Body: bytes.Repeat([]byte("b"), 700)}
}

var powerTime = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// steps are calls that write, one of each kind.
func steps(round int) []func(context.Context, *Store) error {
	name := func(kind string, n int) string { return fmt.Sprintf("%s-%d-%d", kind, round, n) }
	var facts []crm.FactRow
	for n := range 12 {
		facts = append(facts, powerFact(name("f", n)))
	}
	var leases crm.Leases
	mark := func(from, to crm.MessageState) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error {
			var marks []crm.Mark
			for _, m := range leases.Claimed {
				marks = append(marks, crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{from}, To: to, At: powerTime,
					Lease: powerTime.Add(time.Hour), Content: bytes.Repeat([]byte("c"), 3000), Decision: &crm.Decision{Customer: m.Customer, At: powerTime}})
			}
			applied, err := s.Mark(ctx, "shop", marks)
			if slices.Contains(applied, false) || len(applied) == 0 {
				return fmt.Errorf("marks are not applied: %v, %w", applied, err)
			}
			return err
		}
	}
	update := func(ids []string, change func(*crm.Work) *crm.Changes) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error {
			_, err := s.Update(ctx, "shop", crm.Selection{IDs: ids, DueBy: powerTime, Limit: 100}, func(w *crm.Work) (*crm.Changes, error) { return change(w), nil })
			return err
		}
	}
	return []func(context.Context, *Store) error{
		func(ctx context.Context, s *Store) error { return s.Append(ctx, "shop", facts) },
		update(nil, func(w *crm.Work) *crm.Changes {
			ch := new(crm.Changes)
			for _, c := range w.Customers {
				for _, f := range c.Pending {
					ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
				}
				ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, State: bytes.Repeat([]byte("s"), 1500), NextReview: powerTime})
				ch.Orders = append(ch.Orders, crm.OrderRow{ID: "o", Customer: c.ID, State: []byte("{}")})
				ch.Queue = append(ch.Queue, crm.Message{ID: name("m", len(ch.Queue)), Customer: c.ID, To: "x@example.jp", SendAt: powerTime, State: crm.MessageQueued})
				ch.Decisions = append(ch.Decisions, crm.Decision{Customer: c.ID, At: powerTime})
			}
			return ch
		}),
		func(ctx context.Context, s *Store) (err error) {
			leases, err = s.Lease(ctx, "shop", crm.LeaseRequest{Now: powerTime, Until: powerTime.Add(time.Minute), Limit: 5})
			return err
		},
		mark(crm.MessageClaimed, crm.MessageStarted),
		mark(crm.MessageStarted, crm.MessageSent),
		func(ctx context.Context, s *Store) error {
			_, err := s.Define(ctx, "shop", crm.Definition{Kind: "journey", ID: "j", Hash: []byte{byte(round)}, Body: []byte("{}")})
			return err
		},
		func(ctx context.Context, s *Store) error {
			return s.Import(ctx, "shop", crm.ImportBatch{ID: "orders", From: int64(round), To: int64(round) + 1, Facts: []crm.FactRow{powerFact(name("i", 0))}})
		},
		func(ctx context.Context, s *Store) error { // as a cart that cares
			return s.write(ctx, func(ctx context.Context, tx *session) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{}'), ('shop', '{}')")
				return err
			})
		},
		func(ctx context.Context, s *Store) error {
			_, err := s.Take(ctx, "shop", 10, func([]crm.Incoming) []crm.Taken {
				return []crm.Taken{{Fact: powerFact(name("t", 0))}, {Refused: "no fact"}}
			})
			return err
		},
		func(ctx context.Context, s *Store) error { // the log's pages go to the database
			_, err := s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
			return err
		},
		update([]string{"all"}, func(*crm.Work) *crm.Changes {
			return &crm.Changes{Erase: []crm.Erasure{{Customer: "c-" + name("f", 1)}}, Purge: []string{name("f", 2)}}
		}),
		func(ctx context.Context, s *Store) error {
			_, err := s.Purge(ctx, "shop", crm.PurgeRequest{Facts: powerTime.Add(time.Hour), Contents: powerTime.Add(time.Hour), Limit: 4})
			return err
		},
	}
}
