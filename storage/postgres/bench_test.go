package postgres_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/postgres"
)

// The figures are per customer, fact or message: a call works on a batch.
const (
	batch   = 500
	workers = 4
)

var benchTime = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func benchStore(b *testing.B) *postgres.Store { return open(b, newDatabase(b)) }

// scattered is an id that does not follow the one before.
func scattered(what string, n int) string { return fmt.Sprintf("%s-%08x", what, uint32(n)*2654435761) }

func benchFacts(from, n int) []crm.FactRow {
	facts := make([]crm.FactRow, n)
	for i := range facts {
		n := from + i
		customer := scattered("customer", n)
		facts[i] = crm.FactRow{
			ID: scattered("fact", n), Customer: customer, Keys: []string{customer, scattered("guest", n)}, Type: "order.placed",
			Time: benchTime.Add(time.Duration(n) * time.Millisecond), RecordedAt: benchTime,
			Hash: bytes.Repeat([]byte{byte(n)}, 32), Body: []byte(`{"text":"` + strings.Repeat("x", 480) + `"}`),
		}
	}
	return facts
}

func benchMessage(n int, customer string) crm.Message {
	return crm.Message{
		ID: scattered("message", n), Enrollment: "cart-recovery/" + customer, Journey: "cart-recovery", Version: 1, Step: "reminder", Visit: 1,
		Template: "cart-reminder", TemplateVersion: 1, Class: crm.Marketing, Customer: customer, AddressKey: "guest-" + customer,
		To: "hanako@example.jp", SendAt: benchTime.Add(time.Duration(n) * time.Millisecond), Deadline: benchTime.Add(time.Hour), State: crm.MessageQueued,
	}
}

// together shares n pieces of work among the workers.
func together(b *testing.B, n int, work func(i int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := work(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAppend(b *testing.B) {
	s := benchStore(b)
	b.ResetTimer()
	together(b, (b.N+batch-1)/batch, func(i int) error { return s.Append(b.Context(), "shop", benchFacts(i*batch, batch)) })
}

func BenchmarkAppendSingly(b *testing.B) {
	s := benchStore(b)
	facts := benchFacts(0, b.N)
	b.ResetTimer()
	together(b, b.N, func(i int) error { return s.Append(b.Context(), "shop", facts[i:i+1]) })
}

func BenchmarkImport(b *testing.B) {
	s := benchStore(b)
	b.ResetTimer()
	together(b, (b.N+batch-1)/batch, func(i int) error {
		return s.Import(b.Context(), "shop", crm.ImportBatch{ID: fmt.Sprint(i), To: 1, Facts: benchFacts(i*batch, batch)})
	})
}

// One decision: a customer loaded and written, a message queued, a line logged.
func BenchmarkDecide(b *testing.B) {
	s := benchStore(b)
	const people = 40_000
	var ids []string
	for from := 0; from < people; from += batch {
		facts := benchFacts(from, batch)
		if err := s.Append(b.Context(), "shop", facts); err != nil {
			b.Fatal(err)
		}
		for _, f := range facts {
			ids = append(ids, f.Customer)
		}
	}
	state := []byte(`{"text":"` + strings.Repeat("s", 1480) + `"}`)
	decide := func(i int) error {
		chunk := ids[i*batch%people:][:batch]
		found, err := s.Update(b.Context(), "shop", crm.Selection{IDs: chunk}, func(w *crm.Work) (*crm.Changes, error) {
			ch := &crm.Changes{}
			for k, c := range w.Customers {
				n := i*batch + k
				ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, State: state, NextDue: benchTime.Add(time.Duration(n) * time.Second)})
				for _, f := range c.Pending {
					ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
				}
				ch.Queue = append(ch.Queue, benchMessage(n, c.ID))
				ch.Decisions = append(ch.Decisions, crm.Decision{Customer: c.ID, At: benchTime, Kind: crm.DecidedQueue, Journey: "cart-recovery",
					Version: 1, Enrollment: "cart-recovery/" + c.ID, Step: "reminder", Message: scattered("message", n)})
			}
			return ch, nil
		})
		if err == nil && found != len(chunk) {
			err = fmt.Errorf("%d of %d customers found", found, len(chunk))
		}
		return err
	}
	together(b, people/batch, decide) // from the inbox, and the first state
	var rounds = people / batch
	b.ResetTimer()
	together(b, (b.N+batch-1)/batch, func(i int) error { return decide(rounds + i) })
}

// One delivery: a message claimed, started with 2 KB of content, and sent.
func BenchmarkDeliver(b *testing.B) {
	s := benchStore(b)
	n := (b.N + batch - 1) / batch
	together(b, n, func(i int) error {
		facts := benchFacts(i*batch, batch)
		if err := s.Append(b.Context(), "shop", facts); err != nil {
			return err
		}
		_, err := s.Update(b.Context(), "shop", crm.Selection{IDs: customersOf(facts)}, func(w *crm.Work) (*crm.Changes, error) {
			var ch crm.Changes
			for k, c := range w.Customers {
				for _, f := range c.Pending {
					ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
				}
				if k%2 == 0 {
					ch.Queue = append(ch.Queue, benchMessage(i*batch+k/2, c.ID))
				}
			}
			return &ch, nil
		})
		return err
	})
	content := bytes.Repeat([]byte("a mail's text, "), 2000/15)
	now := benchTime.Add(24 * time.Hour)
	b.ResetTimer()
	together(b, n, func(int) error {
		leases, err := s.Lease(b.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: batch})
		if err != nil {
			return err
		}
		var started, sent []crm.Mark
		for _, m := range leases.Claimed {
			started = append(started, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted, At: now, Lease: now.Add(time.Minute), Content: content})
			sent = append(sent, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageSent, At: now,
				Decision: &crm.Decision{Customer: m.Customer, At: now, Kind: crm.DecidedSend, Message: m.ID}})
		}
		for _, marks := range [][]crm.Mark{started, sent} {
			applied, err := s.Mark(b.Context(), "shop", marks)
			if err != nil || slices.Contains(applied, false) {
				return fmt.Errorf("marks refused: %w", err)
			}
		}
		return nil
	})
	b.StopTimer()
	count, err := s.Count(b.Context(), "shop", now, 1)
	if err != nil || count.Prompt+count.Leased != 0 {
		b.Errorf("%+v is left, %v", count, err)
	}
}

func customersOf(facts []crm.FactRow) []string {
	var ids []string
	for _, f := range facts {
		ids = append(ids, f.Keys...)
	}
	return ids
}

// Of 5,000 shops with timers, 50 have work.
func BenchmarkBacklog(b *testing.B) {
	s := benchStore(b)
	together(b, 5000, func(i int) error {
		shop := fmt.Sprintf("shop-%04d", i)
		facts := benchFacts(0, 4)
		if err := s.Append(b.Context(), shop, facts); err != nil {
			return err
		}
		_, err := s.Update(b.Context(), shop, crm.Selection{IDs: customersOf(facts)}, func(w *crm.Work) (*crm.Changes, error) {
			var ch crm.Changes
			for k, c := range w.Customers {
				for _, f := range c.Pending {
					if i%100 > 0 || k%2 == 0 {
						ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
					}
				}
				ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, NextDue: benchTime.Add(time.Hour), NextReview: benchTime.Add(time.Hour)})
				m := benchMessage(i*8+k, c.ID)
				m.SendAt = benchTime.Add(2 * time.Hour)
				ch.Queue = append(ch.Queue, m)
			}
			return &ch, nil
		})
		return err
	})
	for name, c := range map[string]struct {
		until time.Time
		shops int
	}{"Few": {benchTime, 50}, "All": {benchTime.Add(3 * time.Hour), 5000}} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				backlogs, err := s.Backlog(b.Context(), c.until)
				if err != nil || len(backlogs) != c.shops {
					b.Fatal(len(backlogs), err)
				}
			}
		})
	}
}
