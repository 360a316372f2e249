package sqlite_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
)

// The figures are per customer, fact or message: a call works on a batch.
const batch = 200

func benchStore(b *testing.B) *sqlite.Store {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "shop.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

var benchTime = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func benchFacts(round int) []crm.FactRow {
	facts := make([]crm.FactRow, batch)
	for i := range facts {
		n := round*batch + i
		id := fmt.Sprintf("%08x", uint32(n)*2654435761)
		facts[i] = crm.FactRow{
			ID: "fact-" + id, Customer: "customer-" + id, Keys: []string{"customer-" + id, "guest-" + id}, Type: "order.placed",
			Time: benchTime.Add(time.Duration(n) * time.Millisecond), RecordedAt: benchTime,
			Hash: bytes.Repeat([]byte{byte(n)}, 32), Body: bytes.Repeat([]byte("x"), 500),
		}
	}
	return facts
}

func BenchmarkAppend(b *testing.B) {
	s := benchStore(b)
	b.ResetTimer()
	for round := range (b.N + batch - 1) / batch {
		if err := s.Append(b.Context(), "shop", benchFacts(round)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSingly(b *testing.B) {
	s := benchStore(b)
	var facts []crm.FactRow
	for round := range (b.N + batch - 1) / batch {
		facts = append(facts, benchFacts(round)...)
	}
	b.ResetTimer()
	for i := range b.N {
		if err := s.Append(b.Context(), "shop", facts[i:i+1]); err != nil {
			b.Fatal(err)
		}
	}
}

// One decision: a customer loaded and written, a message queued, a line logged.
func BenchmarkDecide(b *testing.B) {
	s := benchStore(b)
	const people = 20_000
	var ids []string
	for round := range people / batch {
		facts := benchFacts(round)
		if err := s.Append(b.Context(), "shop", facts); err != nil {
			b.Fatal(err)
		}
		for _, f := range facts {
			ids = append(ids, f.Customer)
		}
	}
	state := bytes.Repeat([]byte("s"), 1500)
	n := 0
	decide := func(w *crm.Work) (*crm.Changes, error) {
		ch := &crm.Changes{}
		for _, c := range w.Customers {
			n++
			ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, State: state, NextDue: benchTime.Add(time.Duration(n) * time.Second)})
			for _, f := range c.Pending {
				ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
			}
			ch.Queue = append(ch.Queue, benchMessage(n, c.ID))
			ch.Decisions = append(ch.Decisions, crm.Decision{Customer: c.ID, At: benchTime, Kind: crm.DecidedQueue, Journey: "cart-recovery",
				Version: 1, Enrollment: "cart-recovery/" + c.ID, Step: "reminder", Message: fmt.Sprintf("message-%08d", n)})
		}
		return ch, nil
	}
	b.ResetTimer()
	for round := 0; round*batch < b.N; round++ {
		from := round * batch % people
		if _, err := s.Update(b.Context(), "shop", crm.Selection{IDs: ids[from : from+batch]}, decide); err != nil {
			b.Fatal(err)
		}
	}
}

func benchMessage(n int, customer string) crm.Message {
	return crm.Message{
		ID: fmt.Sprintf("message-%08x", uint32(n)*2654435761), Enrollment: "cart-recovery/" + customer, Journey: "cart-recovery", Version: 1, Step: "reminder", Visit: 1,
		Template: "cart-reminder", TemplateVersion: 1, Class: crm.Marketing, Customer: customer, AddressKey: "guest-" + customer,
		To: "hanako@example.jp", SendAt: benchTime.Add(time.Duration(n) * time.Millisecond), Deadline: benchTime.Add(time.Hour), State: crm.MessageQueued,
	}
}

// One delivery: a message claimed, started with 2 KB of content, and sent.
func BenchmarkDeliver(b *testing.B) {
	s := benchStore(b)
	for from := 0; from < b.N; from += batch {
		var ch crm.Changes
		for n := from; n < from+batch; n++ {
			ch.Queue = append(ch.Queue, benchMessage(n, fmt.Sprintf("customer-%08x", uint32(n)*2654435761)))
		}
		if _, err := s.Update(b.Context(), "shop", crm.Selection{IDs: []string{}}, func(*crm.Work) (*crm.Changes, error) { return &ch, nil }); err != nil {
			b.Fatal(err)
		}
	}
	content := bytes.Repeat([]byte("c"), 2000)
	now := benchTime.Add(24 * time.Hour)
	b.ResetTimer()
	for range (b.N + batch - 1) / batch {
		leases, err := s.Lease(b.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: batch})
		if err != nil || len(leases.Claimed) != batch {
			b.Fatal(len(leases.Claimed), err)
		}
		var started, sent []crm.Mark
		for _, m := range leases.Claimed {
			started = append(started, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted, At: now, Lease: now.Add(time.Minute), Content: content})
			sent = append(sent, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageSent, At: now,
				Decision: &crm.Decision{Customer: m.Customer, At: now, Kind: crm.DecidedSend, Message: m.ID}})
		}
		for _, marks := range [][]crm.Mark{started, sent} {
			if _, err := s.Mark(b.Context(), "shop", marks); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkBacklog(b *testing.B) {
	s := benchStore(b)
	for i := range 1000 {
		if err := s.Append(b.Context(), fmt.Sprintf("shop-%04d", i), benchFacts(0)[:3]); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		if _, err := s.Backlog(b.Context(), benchTime); err != nil {
			b.Fatal(err)
		}
	}
}
