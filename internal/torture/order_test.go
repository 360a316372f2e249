package torture_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/torture"
	"github.com/goen-crm/crm/mailer"
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
			w := &witness{T: t, connections: connections, database: filepath.Join(t.TempDir(), "shop.db")}
			w.sendAll(torture.NewLedger(60))
		})
	}
}

// A witness compares what the server hears with what the database says.
type witness struct {
	*testing.T
	connections int
	database    string
	store       *sqlite.Store // store is another handle than the worker's.

	mu    sync.Mutex
	looks map[smtptest.Phase]int
}

func (w *witness) sendAll(ledger *torture.Ledger) {
	w.looks = make(map[smtptest.Phase]int)
	store := w.open()
	w.store = w.open()
	want := ledger.Mails()
	clock := new(torture.Clock)
	teller, err := crm.New(store, mailer.Func(nil), &crm.Config{Clock: clock.Now})
	w.must(err)
	shop := teller.Shop(torture.ShopID)
	w.must(torture.Publish(w.Context(), shop))
	clock.Advance(5 * time.Minute) // facts older than a journey do not start it
	w.must(ledger.Record(w.Context(), shop, clock))
	due := clock.Now().Add(10 * time.Second)

	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	accepted := 0
	sink := torture.NewSink(func(e torture.Event) {
		w.event(e)
		if e.Phase == torture.Accepted { // one call at a time
			if accepted++; accepted == want {
				cancel()
			}
		}
	})
	defer sink.Close()
	relay, err := smtp.New(sink.Addr, &smtp.Config{Connections: w.connections})
	w.must(err)
	defer relay.Close()
	c, err := crm.New(store, relay, &crm.Config{
		Clock:       func() time.Time { return due }, // no claim runs out, however slow the machine is
		Connections: w.connections, Poll: 10 * time.Millisecond, SendTimeout: time.Minute,
		Logger: slog.New(slog.NewTextHandler(complaints{w.T}, nil)),
	})
	w.must(err)
	w.must(c.Run(ctx))
	if accepted != want {
		w.Fatalf("%d of %d mails arrived", accepted, want)
	}
	for _, p := range []smtptest.Phase{smtptest.PhaseRcpt, smtptest.PhaseData, smtptest.PhaseReply} {
		if w.looks[p] != want {
			w.Errorf("%d looks at %s, want %d", w.looks[p], p, want)
		}
	}
	for m, err := range w.store.Messages(w.Context(), torture.ShopID, crm.MessageQuery{States: []crm.MessageState{crm.MessageStarted}}) {
		w.must(err)
		w.Errorf("%s is still started", m.To)
	}
}

// event is called before the server answers.
func (w *witness) event(e torture.Event) {
	if e.To == "" {
		return
	}
	var mine crm.Message
	var started []string
	query := crm.MessageQuery{States: []crm.MessageState{crm.MessageClaimed, crm.MessageStarted}, Content: true}
	for m, err := range w.store.Messages(w.Context(), torture.ShopID, query) {
		if err != nil {
			w.Error(err)
			return
		}
		if m.State == crm.MessageStarted {
			started = append(started, m.To)
		}
		if m.To == e.To {
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
		if w.connections == 1 && !slices.Equal(started, []string{e.To}) {
			w.Errorf("at %s of %s: started are %q", e.Phase, e.To, started)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks[e.Phase]++
}

func (w *witness) open() *sqlite.Store {
	store, err := sqlite.Open(w.Context(), w.database)
	w.must(err)
	w.Cleanup(func() {
		if err := store.Close(); err != nil {
			w.Error(err)
		}
	})
	return store
}

func (w *witness) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

// complaints fail a test that expects none.
type complaints struct{ *testing.T }

var _ io.Writer = complaints{}

// Write fails the test with a line of a log.
func (c complaints) Write(line []byte) (int, error) {
	c.Errorf("%s", line)
	return len(line), nil
}
