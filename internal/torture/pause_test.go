//go:build unix

package torture_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/torture"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
	"github.com/goen-crm/crm/storage/sqlite"
)

// TestPausedWorker stops a worker in the middle of a send, lets another one
// find its lease run out and do what is to be done, and lets the first go on as
// if nothing had happened.
func TestPausedWorker(t *testing.T) {
	type counts map[crm.DecisionKind]int
	for _, test := range []struct {
		name     string
		class    crm.Class
		at       smtptest.Phase // where the worker stands still
		drop     bool           // the server hangs up on it instead of answering
		state    crm.MessageState
		attempt  int
		received []string // by whom the mail is sent
		log      counts   // attempts in the log
		learns   bool     // the paused worker's result is news
	}{
		// It has not marked its start, and must not any more.
		{"claimed", crm.Marketing, smtptest.PhaseRcpt, false, crm.MessageSent, 2, []string{"second"}, counts{crm.DecidedSend: 1}, false},
		// It has, and nobody knows: marketing is left alone.
		{"started", crm.Marketing, smtptest.PhaseData, true, crm.MessageUnknown, 1, nil, counts{crm.DecidedUnknown: 1}, false},
		// A transactional mail goes out again, and the first attempt is over.
		{"started transactional", crm.Transactional, smtptest.PhaseData, true, crm.MessageSent, 2, []string{"second"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, false},
		// The one double that is allowed: what was unknown arrives after all.
		{"answered late transactional", crm.Transactional, smtptest.PhaseData, false, crm.MessageSent, 2, []string{"second", "first"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, false},
		// A late result of the attempt that is unknown tells what became of it.
		{"answered late", crm.Marketing, smtptest.PhaseData, false, crm.MessageSent, 1, []string{"first"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandstill(t, test.at, test.drop)
			s.queue(torture.Entry{Customer: "c1", Address: "hanako@example.jp", Class: test.class})
			first := s.pause()
			s.takeOver()
			before := s.picture()
			s.resume(first)
			after := s.picture()

			if !test.learns && !reflect.DeepEqual(before, after) {
				t.Errorf("the paused worker changed something:\nbefore %+v\nafter  %+v", before, after)
			}
			if m := after.message; m.State != test.state || m.Attempt != test.attempt {
				t.Errorf("the message is %s at attempt %d, want %s at %d", m.State, m.Attempt, test.state, test.attempt)
			}
			var received []string
			for _, e := range s.sink.Accepted() {
				received = append(received, e.Worker)
			}
			if !reflect.DeepEqual(received, test.received) {
				t.Errorf("received from %q, want %q", received, test.received)
			}
			for _, kind := range []crm.DecisionKind{crm.DecidedSend, crm.DecidedUnknown, crm.DecidedRetry, crm.DecidedFail} {
				if after.log[kind] != test.log[kind] {
					t.Errorf("the log has %d entries %q, want %d", after.log[kind], kind, test.log[kind])
				}
			}
		})
	}
}

// A standstill is a shop whose first worker is stopped in the middle of a send.
type standstill struct {
	*testing.T
	database string
	clock    *torture.Clock
	sink     *torture.Sink
	crm      *crm.CRM // crm is the second worker.
	shop     *crm.Shop

	reached chan struct{} // reached is closed when the first worker has come to where it is to stand still.
	proceed chan struct{} // proceed is closed when the sink may answer it.
}

func newStandstill(t *testing.T, at smtptest.Phase, drop bool) *standstill {
	s := &standstill{
		T: t, database: filepath.Join(t.TempDir(), "shop.db"), clock: new(torture.Clock),
		reached: make(chan struct{}), proceed: make(chan struct{}),
	}
	s.sink = torture.NewSink(func(e torture.Event) {
		if e.Worker == "first" && e.Phase == at {
			close(s.reached)
			<-s.proceed
		}
	})
	t.Cleanup(s.sink.Close)
	if drop {
		s.sink.Server.Fail(smtptest.Fault{Phase: at, Drop: true, Match: func(e smtptest.Envelope) bool {
			return e.From == "first@worker.example.jp"
		}})
	}
	store, err := sqlite.Open(t.Context(), s.database)
	s.must(err)
	t.Cleanup(func() { s.must(store.Close()) })
	relay, err := smtp.New(s.sink.Addr, &smtp.Config{ReturnPath: "second@worker.example.jp"})
	s.must(err)
	t.Cleanup(func() { s.must(relay.Close()) })
	s.crm, err = crm.New(store, relay, &crm.Config{Clock: s.clock.Now, Logger: slog.New(slog.NewTextHandler(complaints{t}, nil))})
	s.must(err)
	s.shop = s.crm.Shop(torture.ShopID)
	s.must(torture.Publish(t.Context(), s.shop))
	s.clock.Advance(5 * time.Minute)
	return s
}

// queue records what makes a mail due, and folds it. The first worker then
// finds nothing to write but its send, so that it holds no lock on the database
// when it is stopped.
func (s *standstill) queue(e torture.Entry) {
	s.must((&torture.Ledger{Entries: []torture.Entry{e}}).Record(s.Context(), s.shop, s.clock))
	nobody, err := sqlite.Open(s.Context(), s.database)
	s.must(err)
	defer nobody.Close()
	relay, err := smtp.New(s.sink.Addr, nil)
	s.must(err)
	folder, err := crm.New(nobody, relay, &crm.Config{Clock: s.clock.Now, Mode: crm.Off})
	s.must(err)
	s.must(folder.RunUntil(s.Context(), s.clock.Now()))
}

// pause starts the first worker, and stops it where it is to stand still.
func (s *standstill) pause() *torture.Process {
	first, err := torture.StartWorker(torture.WorkerSettings{
		Name: "first", Database: s.database, Relay: s.sink.Addr, Ahead: s.clock.Ahead(),
		Connections: 1, SendTimeout: 30 * time.Second,
	})
	s.must(err)
	s.Cleanup(func() { first.Kill() })
	select {
	case <-s.reached:
	case <-time.After(30 * time.Second):
		s.Fatal("the worker sends nothing")
	}
	s.must(first.Pause())
	return first
}

// takeOver lets the second worker do all that is due once the first one's
// lease has run out, and once more after the pause that follows a loss.
func (s *standstill) takeOver() {
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	for range 3 {
		s.clock.Advance(3 * time.Minute)
		s.must(s.crm.RunUntil(ctx, s.clock.Now()))
	}
}

// resume lets the first worker go on, and complete what it believes it is doing.
func (s *standstill) resume(first *torture.Process) {
	s.must(first.Resume())
	close(s.proceed)
	s.must(first.Stop())
}

// A picture is all that there is to know of the one message.
type picture struct {
	message crm.Message
	log     map[crm.DecisionKind]int
}

func (s *standstill) picture() picture {
	p := picture{log: make(map[crm.DecisionKind]int)}
	for m, err := range s.shop.Messages(s.Context(), crm.MessageQuery{Content: true}) {
		s.must(err)
		p.message = m
	}
	for d, err := range s.shop.Decisions(s.Context()) {
		s.must(err)
		p.log[d.Kind]++
	}
	return p
}

func (s *standstill) must(err error) {
	if err != nil {
		s.Helper()
		s.Fatal(err)
	}
}
