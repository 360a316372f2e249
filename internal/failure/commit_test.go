package failure_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// A call is a call of a store that writes, on rows of a shop of its own.
type call struct {
	name string
	// prepare writes what must be there before. Defaults to nothing.
	prepare func(*ledger)
	do      func(*ledger, store) error
	// effect reports all that the call writes, each part of it.
	effect func(*ledger) map[string]bool
	// repeated checks the call made again after one of which it is known by now
	// whether it was carried out.
	repeated func(l *ledger, written bool)
}

// A ledger is what a test knows of a shop: its rows, over a line that is whole.
type ledger struct {
	*testing.T
	store store
	shop  string
	at    time.Time
	host  func(statement string)
}

func (l *ledger) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *ledger) is(what string, got, want any) {
	l.Helper()
	if got != want {
		l.Errorf("%s: %v, want %v", what, got, want)
	}
}

const (
	hanako = "hanako"
	guest  = "guest:hanako"
)

func (l *ledger) facts() []crm.FactRow {
	var rows []crm.FactRow
	for _, id := range []string{"f1", "f2"} {
		rows = append(rows, crm.FactRow{
			ID: id, Customer: hanako, Keys: []string{hanako, guest}, Type: "custom", Time: l.at, RecordedAt: l.at,
			Hash: []byte("hash of " + id), Body: []byte(`{"id":"` + id + `"}`),
		})
	}
	return rows
}

func (l *ledger) append() { l.must(l.store.Append(l.Context(), l.shop, l.facts())) }

// queue folds the facts, as far as they are there, and queues a message.
func queue(l *ledger, s store) error {
	_, err := s.Update(l.Context(), l.shop, crm.Selection{IDs: []string{hanako}}, func(w *crm.Work) (*crm.Changes, error) {
		ch := new(crm.Changes)
		for _, row := range w.Customers {
			for _, f := range row.Pending {
				ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: row.ID, Fact: f.ID})
			}
		}
		if len(ch.Consumed) == 0 {
			return ch, nil
		}
		ch.Customers = []crm.CustomerRow{{ID: hanako, State: []byte(`{"folded":true}`)}}
		ch.Orders = []crm.OrderRow{{ID: "o1", Customer: hanako, Status: "paid", State: []byte(`{}`)}}
		ch.Queue = []crm.Message{{
			ID: l.message(), Enrollment: "e", Journey: "j", Version: 1, Step: "s", Visit: 1, Template: "t", TemplateVersion: 1,
			Class: crm.Marketing, Customer: hanako, To: "hanako@example.jp", SendAt: l.at, State: crm.MessageQueued,
		}}
		ch.Decisions = []crm.Decision{{Customer: hanako, At: l.at, Kind: crm.DecidedQueue, Message: l.message()}}
		return ch, nil
	})
	return err
}

func (l *ledger) message() string { return "m-" + l.shop }

// until repeats a call until it had something to do: a server may need a moment
// to let go of what a client has locked that is gone, and what is locked is
// passed over.
func (l *ledger) until(n int, call func() int) {
	l.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got := call(); got != 0 {
			l.is("found", got, n)
			return
		}
	}
	l.Error("what the lost connection had locked stays locked")
}

func (l *ledger) claim(s store, at time.Time) ([]crm.Message, error) {
	leases, err := s.Lease(l.Context(), l.shop, crm.LeaseRequest{Now: at, Until: at.Add(5 * time.Second), Limit: 9})
	return leases.Claimed, err
}

func (l *ledger) mark(s store, to crm.MessageState, from ...crm.MessageState) (bool, error) {
	applied, err := s.Mark(l.Context(), l.shop, []crm.Mark{{
		Message: l.message(), Attempt: 1, From: from, To: to, At: l.at, Lease: l.at.Add(time.Hour), Content: []byte("mail"),
		Decision: &crm.Decision{Customer: hanako, At: l.at, Kind: crm.DecisionKind(to), Message: l.message()},
	}})
	return err == nil && applied[0], err
}

func (l *ledger) start(s store) (bool, error) {
	return l.mark(s, crm.MessageStarted, crm.MessageClaimed)
}
func (l *ledger) settle(s store) (bool, error) { return l.mark(s, crm.MessageSent, crm.MessageStarted) }

// recorded says which facts are in the log and which in the inboxes.
func (l *ledger) recorded() map[string]bool {
	found := map[string]bool{"fact f1": false, "fact f2": false, "f1 pending": false, "f2 pending": false, "f1 pending for the guest": false, "f2 pending for the guest": false}
	for f, err := range l.store.Facts(l.Context(), l.shop, crm.FactQuery{}) {
		l.must(err)
		found["fact "+f.ID] = true
	}
	for c, err := range l.store.Customers(l.Context(), l.shop, crm.CustomerQuery{}) {
		l.must(err)
		for _, f := range c.Pending {
			found[f.ID+map[string]string{hanako: " pending", guest: " pending for the guest"}[c.ID]] = true
		}
	}
	return found
}

// queued says what of queue is there.
func (l *ledger) queued() map[string]bool {
	found := map[string]bool{"consumed": true, "state": false, "order": false, "message": false, "decision": false}
	for c, err := range l.store.Customers(l.Context(), l.shop, crm.CustomerQuery{IDs: []string{hanako}}) {
		l.must(err)
		found["consumed"] = len(c.Pending) == 0
		found["state"] = c.State != nil
		found["order"] = len(c.Orders) == 1
	}
	_, found["message"] = l.sent()
	found["decision"] = l.decisions(crm.DecidedQueue) == 1
	return found
}

func (l *ledger) sent() (m crm.Message, ok bool) {
	for m, err := range l.store.Messages(l.Context(), l.shop, crm.MessageQuery{Content: true}) {
		l.must(err)
		return m, true
	}
	return m, false
}

func (l *ledger) state() crm.MessageState {
	m, _ := l.sent()
	return m.State
}

func (l *ledger) decisions(kind crm.DecisionKind) int {
	n := 0
	for d, err := range l.store.Decisions(l.Context(), l.shop, crm.DecisionQuery{}) {
		l.must(err)
		if d.Kind == kind {
			n++
		}
	}
	return n
}

func (l *ledger) insertIncoming() {
	for _, id := range []string{"f1", "f2"} {
		l.host(fmt.Sprintf("INSERT INTO goen_incoming (shop_id, body) VALUES ('%s', '{\"id\":\"%s\"}')", l.shop, id))
	}
}

func (l *ledger) take(s store) (int, error) {
	return s.Take(l.Context(), l.shop, 9, func(rows []crm.Incoming) []crm.Taken {
		taken := make([]crm.Taken, len(rows))
		for i, fact := range l.facts()[:len(rows)] {
			taken[i].Fact = fact
		}
		return taken
	})
}

var calls = []call{
	{
		name:   "Append",
		do:     func(l *ledger, s store) error { return s.Append(l.Context(), l.shop, l.facts()) },
		effect: (*ledger).recorded,
		repeated: func(l *ledger, _ bool) {
			l.append()
			n := 0
			for range l.store.Facts(l.Context(), l.shop, crm.FactQuery{}) {
				n++
			}
			l.is("facts", n, 2)
		},
	},
	{
		name:    "Update",
		prepare: (*ledger).append,
		do:      queue,
		effect:  (*ledger).queued,
		repeated: func(l *ledger, _ bool) {
			l.until(1, func() int {
				l.must(queue(l, l.store))
				return l.decisions(crm.DecidedQueue)
			})
		},
	},
	{
		name:    "Lease",
		prepare: func(l *ledger) { l.append(); l.must(queue(l, l.store)) },
		do: func(l *ledger, s store) error {
			_, err := l.claim(s, l.at)
			return err
		},
		effect: func(l *ledger) map[string]bool { return map[string]bool{"claimed": l.state() == crm.MessageClaimed} },
		repeated: func(l *ledger, written bool) {
			at, attempt := l.at, 1
			if written { // somebody has it who never heard of it
				claimed, err := l.claim(l.store, at)
				l.must(err)
				l.is("claims", len(claimed), 0)
				at, attempt = at.Add(5*time.Second), 2
			}
			l.until(attempt, func() int {
				claimed, err := l.claim(l.store, at)
				l.must(err)
				if len(claimed) != 1 {
					return 0
				}
				return claimed[0].Attempt
			})
		},
	},
	{
		name:    "Mark started",
		prepare: claimed,
		do: func(l *ledger, s store) error {
			_, err := l.start(s)
			return err
		},
		effect: func(l *ledger) map[string]bool {
			m, _ := l.sent()
			return map[string]bool{"started": m.State == crm.MessageStarted, "content": m.Content != nil, "decision": l.decisions(crm.DecisionKind(crm.MessageStarted)) == 1}
		},
		repeated: func(l *ledger, written bool) {
			applied, err := l.start(l.store)
			l.must(err)
			l.is("applied again", applied, !written)
			l.is("state", l.state(), crm.MessageStarted)
			l.is("decisions", l.decisions(crm.DecisionKind(crm.MessageStarted)), 1)
		},
	},
	{
		name: "Mark sent",
		prepare: func(l *ledger) {
			claimed(l)
			_, err := l.start(l.store)
			l.must(err)
		},
		do: func(l *ledger, s store) error {
			_, err := l.settle(s)
			return err
		},
		effect: func(l *ledger) map[string]bool {
			return map[string]bool{"sent": l.state() == crm.MessageSent, "decision": l.decisions(crm.DecisionKind(crm.MessageSent)) == 1}
		},
		repeated: func(l *ledger, written bool) {
			applied, err := l.settle(l.store)
			l.must(err)
			l.is("applied again", applied, !written)
			l.is("state", l.state(), crm.MessageSent)
			l.is("decisions", l.decisions(crm.DecisionKind(crm.MessageSent)), 1)
		},
	},
	{
		name: "Define",
		do: func(l *ledger, s store) error {
			_, err := s.Define(l.Context(), l.shop, definition)
			return err
		},
		effect: func(l *ledger) map[string]bool {
			list, revision, err := l.store.Definitions(l.Context(), l.shop)
			l.must(err)
			return map[string]bool{"definition": len(list) == 1, "revision": revision == 1}
		},
		repeated: func(l *ledger, _ bool) {
			d, err := l.store.Define(l.Context(), l.shop, definition)
			l.must(err)
			l.is("version", d.Version, 1)
		},
	},
	{
		name: "Import",
		do: func(l *ledger, s store) error {
			return s.Import(l.Context(), l.shop, crm.ImportBatch{ID: "i", To: 2, Facts: l.facts()})
		},
		effect: func(l *ledger) map[string]bool {
			found := l.recorded()
			at, err := l.store.Imported(l.Context(), l.shop, "i")
			l.must(err)
			found["position"] = at == 2
			return found
		},
		repeated: func(l *ledger, written bool) {
			err := l.store.Import(l.Context(), l.shop, crm.ImportBatch{ID: "i", To: 2, Facts: l.facts()})
			if written != errors.Is(err, crm.ErrConflict) || !written && err != nil {
				l.Errorf("Import, again: %v", err)
			}
		},
	},
	{
		name:    "Take",
		prepare: (*ledger).insertIncoming,
		do: func(l *ledger, s store) error {
			_, err := l.take(s)
			return err
		},
		effect: (*ledger).recorded,
		repeated: func(l *ledger, written bool) {
			take := func() int {
				n, err := l.take(l.store)
				l.must(err)
				return n
			}
			if written {
				l.is("rows taken again", take(), 0)
			} else {
				l.until(2, take)
			}
		},
	},
}

var definition = crm.Definition{Kind: "template", ID: "t", Hash: []byte("hash"), Body: []byte(`{}`), PublishedAt: newClock().Now()}

func claimed(l *ledger) {
	l.append()
	l.must(queue(l, l.store))
	_, err := l.claim(l.store, l.at)
	l.must(err)
}

// A connection that is cut at any statement of a call, COMMIT among them, leaves
// all of the call or nothing; the caller is told that it failed, makes the call
// again, and it is right.
func TestCutInEachCall(t *testing.T) {
	slow(t)
	onEach(t, func(t *testing.T, e engine) {
		dsn := e.create(t)
		sound, err := e.open(t, dsn, new(line))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { sound.Close() })
		db := e.host(t, dsn)
		for _, c := range calls {
			t.Run(c.name, func(t *testing.T) {
				for _, kind := range cuts {
					l := &ledger{T: t, store: sound, at: newClock().Now(), host: func(statement string) {
						if _, err := db.ExecContext(context.Background(), statement); err != nil {
							t.Fatal(err)
						}
					}}
					lost := 0 // calls that were carried out and seemed to have failed
					n := 1
					for ; !t.Failed(); n++ {
						l.shop = id(c.name, kind, n)
						hit, carriedOut := l.cut(e, dsn, c, n, kind)
						if carriedOut {
							lost++
						}
						if !hit {
							break
						}
					}
					if want := map[cut]bool{neverArrived: false, answerLost: true}[kind]; lost > 0 != want {
						t.Errorf("cut so that %s at each of %d statements: %d calls were carried out and reported as failed", kind, n-1, lost)
					}
				}
			})
		}
	})
}

// cut makes a call over a line that is cut at its nth statement, and again over
// one that is whole. It reports whether there were so many, and whether the call
// failed although it was carried out.
func (l *ledger) cut(e engine, dsn string, c call, n int, kind cut) (hit, lost bool) {
	l.Helper()
	over := new(line)
	s, err := e.open(l.T, dsn, over)
	l.must(err)
	if c.prepare != nil {
		c.prepare(l)
	}
	over.cutAt(n, kind)
	err = c.do(l, s)
	_ = s.Close()
	if err != nil && !over.isCut() {
		l.Fatal(err)
	}
	if errors.Is(err, crm.ErrConflict) {
		l.Errorf("cut so that %s at statement %d: %v", kind, n, err)
	}
	written, parts := 0, c.effect(l)
	for _, there := range parts {
		if there {
			written++
		}
	}
	if written != 0 && written != len(parts) || err == nil && written == 0 {
		l.Errorf("cut so that %s at statement %d, error %v: %v", kind, n, err, parts)
	}
	c.repeated(l, written > 0)
	for part, there := range c.effect(l) {
		l.is(fmt.Sprintf("made again after statement %d was cut: %s", n, part), there, true)
	}
	return over.isCut(), err != nil && written > 0
}
