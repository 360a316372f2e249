package postgres_test

import (
	"errors"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/postgres"
)

// A wire stands between a store and the server. When it is to be cut, what the
// store says next still arrives, or does not, and the connection ends without
// an answer.
type wire struct {
	server string
	listen net.Listener
	mode   atomic.Int32
}

const (
	whole        = iota
	beforeServer // the statements never arrive
	beforeClient // they were run, and the answer is lost
)

// through opens a store over a wire.
func through(t *testing.T, dsn string) (*postgres.Store, *wire) {
	t.Helper()
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{server: address.Host, listen: listen}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listen.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { w.serve(client) })
		}
	})
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { listen.Close() })
	address.Host = listen.Addr().String()
	query := address.Query()
	query.Set("sslmode", "disable")
	address.RawQuery = query.Encode()
	return open(t, address.String()), w
}

func (w *wire) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { w.pass(server, client, beforeServer) })
	both.Go(func() { w.pass(client, server, beforeClient) })
	both.Wait()
}

// pass copies one direction until the wire is cut there.
func (w *wire) pass(to, from net.Conn, cut int32) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil || w.mode.CompareAndSwap(cut, whole) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A COMMIT that nobody has answered is reported, never repeated behind the
// caller's back; what became of it is found out by doing it again.
func TestCutDuringCommit(t *testing.T) {
	dsn := newDatabase(t)
	for name, c := range map[string]struct {
		mode    int32
		written bool
	}{"NotArrived": {beforeServer, false}, "Committed": {beforeClient, true}} {
		t.Run(name, func(t *testing.T) {
			s, w := through(t, dsn)
			id := "of " + name
			append := func(fact string) error {
				return s.Append(t.Context(), name, []crm.FactRow{testFact(fact, id)})
			}
			if err := append("first"); err != nil { // prepares the statements
				t.Fatal(err)
			}

			w.mode.Store(c.mode)
			if err := append("second"); err == nil || errors.Is(err, crm.ErrConflict) {
				t.Errorf("Append returns %v", err)
			}
			if got := untilFacts(t, s, name)["second"]; got != c.written {
				t.Errorf("the fact is there: %v, want %v", got, c.written)
			}
			if err := append("second"); err != nil {
				t.Errorf("Append, repeated, returns %v", err)
			}

			decided := 0
			update := func(cut int32) (err error) {
				for locked := false; err == nil && !locked; { // the server may not have noticed yet that a connection is gone
					_, err = s.Update(t.Context(), name, crm.Selection{IDs: []string{id}}, func(wk *crm.Work) (*crm.Changes, error) {
						if locked = len(wk.Customers) > 0; !locked {
							return nil, nil
						}
						decided++
						w.mode.Store(cut)
						return &crm.Changes{
							Customers: []crm.CustomerRow{{ID: id, State: []byte(`{}`)}},
							Queue:     []crm.Message{benchMessage(1, id)},
							Consumed:  []crm.InboxEntry{{Customer: id, Fact: "first"}, {Customer: id, Fact: "second"}},
						}, nil
					})
				}
				return err
			}
			if err := update(c.mode); err == nil {
				t.Error("Update returns no error")
			}
			if decided != 1 {
				t.Errorf("decide was called %d times", decided)
			}
			untilFacts(t, s, name)
			if err := update(whole); err != nil {
				t.Errorf("Update, repeated, returns %v", err)
			}

			now := benchTime.Add(time.Hour)
			leases, err := s.Lease(t.Context(), name, crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: 1})
			if err != nil || len(leases.Claimed) != 1 {
				t.Fatal(leases, err)
			}
			start := crm.Mark{Message: leases.Claimed[0].ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted, At: now, Lease: now.Add(time.Hour)}
			unknown := start
			unknown.Attempt = 7
			if _, err := s.Mark(t.Context(), name, []crm.Mark{unknown}); err != nil { // prepares the statements
				t.Fatal(err)
			}
			w.mode.Store(c.mode)
			if _, err := s.Mark(t.Context(), name, []crm.Mark{start}); err == nil {
				t.Error("Mark returns no error")
			}
			untilFacts(t, s, name)
			if applied, err := s.Mark(t.Context(), name, []crm.Mark{start}); err != nil || applied[0] == c.written {
				t.Errorf("the mark, repeated, is applied: %v, %v", applied, err)
			}
		})
	}
}

// untilFacts is factsOf after connections were lost.
func untilFacts(t *testing.T, s *postgres.Store, shop string) map[string]bool {
	t.Helper()
	for range 100 {
		ids, sound := make(map[string]bool), true
		for f, err := range s.Facts(t.Context(), shop, crm.FactQuery{}) {
			sound = sound && err == nil
			ids[f.ID] = true
		}
		if sound {
			return ids
		}
	}
	t.Fatal("Facts does not recover")
	return nil
}

// What becomes due in the past, long before anything else that is due, is found
// at once by the store that has written it.
func TestDueLongAgo(t *testing.T) {
	s := open(t, newDatabase(t))
	now := benchTime.Add(24 * time.Hour)
	appendOne(t, s, testFact("f1", "hanako"))
	lease := func() []crm.Message {
		leases, err := s.Lease(t.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return leases.Claimed
	}
	update := func(sel crm.Selection, ch *crm.Changes) int {
		found, err := s.Update(t.Context(), "shop", sel, func(*crm.Work) (*crm.Changes, error) { return ch, nil })
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	due, reviews := crm.Selection{DueBy: now, Limit: 10}, crm.Selection{DueBy: now, Limit: 10, Lane: crm.Bulk}
	update(crm.Selection{IDs: []string{"hanako"}}, &crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}})
	if n := len(lease()) + update(due, nil) + update(reviews, nil); n > 0 {
		t.Fatalf("%d things are due at the beginning", n)
	}
	message := benchMessage(1, "hanako")
	update(crm.Selection{IDs: []string{"hanako"}}, &crm.Changes{Queue: []crm.Message{message}})
	claimed := lease()
	if len(claimed) != 1 {
		t.Fatalf("%d messages are claimed, want 1", len(claimed))
	}
	back := crm.Mark{Message: message.ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageQueued, At: now, SendAt: benchTime.Add(-time.Hour)}
	if applied, err := s.Mark(t.Context(), "shop", []crm.Mark{back}); err != nil || !applied[0] {
		t.Fatal(applied, err)
	}
	if claimed := lease(); len(claimed) != 1 {
		t.Errorf("%d messages are claimed again, want 1", len(claimed))
	}
	update(crm.Selection{IDs: []string{"hanako"}}, &crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako", NextDue: benchTime, NextReview: benchTime}}})
	if n := update(due, nil); n != 1 {
		t.Errorf("%d timers are found, want 1", n)
	}
	if n := update(reviews, nil); n != 1 {
		t.Errorf("%d reviews are found, want 1", n)
	}
}
