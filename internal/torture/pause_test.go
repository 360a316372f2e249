//go:build unix

package main

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// TestPausedWorker stops a worker in the middle of a send, lets another one
// find its lease run out and do what is to be done, and lets the first go on as
// if nothing had happened.
func TestPausedWorker(t *testing.T) {
	type counts map[crm.DecisionKind]int
	for _, test := range []struct {
		name     string
		template string
		at       Phase // where the worker stands still
		drop     bool  // the server hangs up on it at DATA
		state    crm.MessageState
		attempt  int
		received []string // by whom the mail is sent
		log      counts   // attempts in the log
		learns   bool     // the paused worker's result is news
	}{
		// It has not marked its start, and must not any more.
		{"claimed", Welcome, Claim, false, crm.MessageSent, 2, []string{"second"}, counts{crm.DecidedSend: 1}, false},
		// It has, and nobody knows: marketing is left alone.
		{"started", Welcome, Data, true, crm.MessageUnknown, 1, nil, counts{crm.DecidedUnknown: 1}, false},
		// A transactional mail goes out again, and the first attempt is over.
		{"started transactional", Receipt, Data, true, crm.MessageSent, 2, []string{"second"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, false},
		// When it wakes, its start is too old to go on with, and it sends nothing.
		{"started late", Welcome, Data, false, crm.MessageUnknown, 1, nil, counts{crm.DecidedUnknown: 1}, false},
		{"started late transactional", Receipt, Data, false, crm.MessageSent, 2, []string{"second"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, false},
		// The one double that is allowed: what was unknown had arrived.
		{"answered late transactional", Receipt, Answer, false, crm.MessageSent, 2, []string{"first", "second"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, false},
		// A late result of the attempt that is unknown tells what became of it.
		{"answered late", Welcome, Answer, false, crm.MessageSent, 1, []string{"first"}, counts{crm.DecidedUnknown: 1, crm.DecidedSend: 1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStandstill(t, test.template, test.at, test.drop)
			s.queue()
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
			for _, e := range s.log() {
				if e.Phase == Accepted && strings.HasPrefix(e.Mail.Subject, test.template) {
					received = append(received, e.Worker)
				}
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
	*desk
	template string
	at       Phase
	second   *crm.CRM
}

func newStandstill(t *testing.T, template string, at Phase, drop bool) *standstill {
	s := &standstill{desk: newDesk(t, nil), template: template, at: at}
	if drop {
		s.sink.server.Fail(smtptest.Fault{Phase: smtptest.PhaseData, Drop: true, Match: func(e smtptest.Envelope) bool {
			return strings.HasPrefix(e.From, "first.")
		}})
	}
	relay, err := smtp.New(s.sink.Addr, nil)
	s.must(err)
	t.Cleanup(func() { s.must(relay.Close()) })
	s.second = s.crm(s.open(), signed{relay, "second"}, crm.Config{})
	return s
}

// queue records what makes a mail due, and folds it.
func (s *standstill) queue() {
	store := s.open()
	hanako := &person{name: "hanako", email: "hanako" + customerDomain}
	at := s.clock.Now().Add(-wait)
	facts := []crm.Fact{hanako.does("agrees", at, consents(true)), hanako.does("joins", at, crm.Custom{Name: joined})}
	if s.template == Receipt {
		facts = []crm.Fact{hanako.does("orders", s.clock.Now(), hanako.orders(0))}
	}
	s.must(s.shop(store).Record(s.Context(), facts...))
	relay, err := smtp.New(s.sink.Addr, nil)
	s.must(err)
	s.must(s.crm(store, relay, crm.Config{Mode: crm.Off}).RunUntil(s.Context(), s.clock.Now()))
}

// pause starts the first worker, and stops it where it is to stand still.
func (s *standstill) pause() *Process {
	standing := make(chan struct{})
	first, err := StartWorker(WorkerSettings{
		Name: "first", Database: s.database(), Relay: s.sink.Addr, Clock: s.clock.file.Name(), Connections: 1, Patience: time.Minute,
		Doom: Doom{Phase: s.at, Site: pauses[s.at], Nth: 1, Pause: true},
	}, os.Stderr, func(string) { close(standing) })
	s.must(err)
	s.Cleanup(first.Kill)
	select {
	case <-standing:
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
		s.must(s.clock.Advance(startPause))
		s.must(s.second.RunUntil(ctx, s.clock.Now()))
	}
}

// resume lets the first worker go on, and complete what it believes it is doing.
func (s *standstill) resume(first *Process) {
	s.must(first.Proceed())
	s.must(first.Resume())
	s.must(first.Stop())
}

// A picture is all that there is to know of the one message.
type picture struct {
	message crm.Message
	log     map[crm.DecisionKind]int
}

func (s *standstill) picture() picture {
	p := picture{log: make(map[crm.DecisionKind]int)}
	shop := s.shop(s.open())
	for m, err := range shop.Messages(s.Context(), crm.MessageQuery{Content: true}) {
		s.must(err)
		if m.Template == s.template {
			p.message = m
		}
	}
	for d, err := range shop.Decisions(s.Context()) {
		s.must(err)
		if d.Message == p.message.ID {
			p.log[d.Kind]++
		}
	}
	return p
}
