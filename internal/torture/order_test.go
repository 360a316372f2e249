package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
	"github.com/goen-crm/crm/storage/sqlite"
)

// TestStartIsMarkedBeforeData looks into the database, through a handle of its
// own, at the moment when the server has heard DATA and not answered it: the
// start of exactly this message must be on record by then, with what is to be
// transmitted, and never are more messages started than there are connections.
func TestStartIsMarkedBeforeData(t *testing.T) {
	for _, connections := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			w := &witness{connections: connections, looks: make(map[smtptest.Phase]int)}
			w.desk = newDesk(t, w.event)
			w.store = w.open()
			w.sendAll(30)
		})
	}
}

// A witness compares what the server hears with what the database says.
type witness struct {
	*desk
	connections int
	store       *sqlite.Store // store is another handle than the worker's.

	mu      sync.Mutex
	looks   map[smtptest.Phase]int
	arrived func()
}

// sendAll lets two mails go out to each of some customers.
func (w *witness) sendAll(customers int) {
	store := w.open()
	var facts []crm.Fact
	for i := range customers {
		p := &person{name: fmt.Sprintf("p%d", i), email: fmt.Sprintf("p%d%s", i, customerDomain)}
		facts = append(facts, p.does("orders", w.clock.Now(), p.orders(0)))
	}
	w.must(w.shop(store).Record(w.Context(), facts...))
	want := 2 * customers
	due := w.clock.Now().Add(wait + time.Second)

	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	w.arrived = cancel
	relay, err := smtp.New(w.sink.Addr, &smtp.Config{Connections: w.connections})
	w.must(err)
	defer relay.Close()
	c := w.crm(store, signed{relay, "w"}, crm.Config{
		Clock:       func() time.Time { return due }, // no claim runs out, however slow the machine is
		Connections: w.connections, Poll: 10 * time.Millisecond, SendTimeout: time.Minute,
	})
	w.must(c.Run(ctx))
	for _, p := range []smtptest.Phase{smtptest.PhaseRcpt, smtptest.PhaseData, smtptest.PhaseReply, Accepted} {
		if w.looks[p] != want {
			w.Errorf("%d mails came to %s, want %d", w.looks[p], p, want)
		}
	}
	for m, err := range w.store.Messages(w.Context(), shopIDs(1)[0], crm.MessageQuery{States: []crm.MessageState{crm.MessageStarted}}) {
		w.must(err)
		w.Errorf("message %s is still started", m.ID)
	}
}

// event is called before the server answers.
func (w *witness) event(e Event) {
	var mine crm.Message
	var started []string
	query := crm.MessageQuery{States: []crm.MessageState{crm.MessageClaimed, crm.MessageStarted}, Content: true}
	for m, err := range w.store.Messages(w.Context(), shopIDs(1)[0], query) {
		if err != nil {
			w.Error(err)
			return
		}
		if m.State == crm.MessageStarted {
			started = append(started, m.ID)
		}
		if m.ID == e.Message {
			mine = m
		}
	}
	if len(started) > w.connections {
		w.Errorf("at %s: %d messages are started, with %d connections", e.Phase, len(started), w.connections)
	}
	switch e.Phase {
	case smtptest.PhaseRcpt:
		if mine.State != crm.MessageClaimed {
			w.Errorf("at %s: the message is %q; nothing has been said yet that cannot be taken back", e.Phase, mine.State)
		}
	case smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply:
		if mine.State != crm.MessageStarted || len(mine.Content) == 0 {
			w.Errorf("at %s: the message is %q with %d bytes of content; from here on it may arrive", e.Phase, mine.State, len(mine.Content))
		}
		if w.connections == 1 && !slices.Equal(started, []string{e.Message}) {
			w.Errorf("at %s of %s: started are %q", e.Phase, e.Message, started)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.looks[e.Phase]++; e.Phase == Accepted && w.looks[e.Phase] == 60 {
		w.arrived()
	}
}
