package mysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
)

// The figures are per customer, fact or message: a call works on a batch.
const batch = 500

func benchFacts(round int) []crm.FactRow {
	facts := make([]crm.FactRow, batch)
	for i := range facts {
		n := round*batch + i
		id := fmt.Sprintf("%08x", uint32(n)*2654435761)
		facts[i] = crm.FactRow{
			ID: "fact-" + id, Customer: "customer-" + id, Keys: []string{"customer-" + id, "guest-" + id}, Type: "order.placed",
			Time: testTime.Add(time.Duration(n) * time.Millisecond), RecordedAt: testTime,
			Hash: bytes.Repeat([]byte{byte(n)}, 32), Body: bytes.Repeat([]byte("x"), 500),
		}
	}
	return facts
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, database(b))
	var rounds atomic.Int64
	perBatch(b, func() error { return s.Append(b.Context(), "shop", benchFacts(int(rounds.Add(1)))) })
}

func BenchmarkAppendSingly(b *testing.B) {
	s := open(b, database(b))
	var facts []crm.FactRow
	for round := range b.N/batch + 1 {
		facts = append(facts, benchFacts(round)...)
	}
	b.ResetTimer()
	for i := range b.N {
		if err := s.Append(b.Context(), "shop", facts[i:i+1]); err != nil {
			b.Fatal(err)
		}
	}
}

// perBatch runs work for a batch at a time, by as many goroutines as -cpu says.
func perBatch(b *testing.B, work func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if left.Add(-batch) <= -batch {
				continue // the others have done it
			}
			if err := work(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// One decision: a customer loaded and written, a fact consumed, a message
// queued, a line logged.
func BenchmarkDecide(b *testing.B) {
	s := open(b, database(b))
	people := max(b.N+16*batch, 2*batch) / batch * batch
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
	state := []byte(`{"s":"` + strings.Repeat("s", 1500) + `"}`)
	var rounds, messages atomic.Int64
	decide := func(w *crm.Work) (*crm.Changes, error) {
		ch := &crm.Changes{}
		for _, c := range w.Customers {
			n := int(messages.Add(1))
			ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, State: state, NextDue: testTime.Add(time.Duration(n) * time.Second)})
			for _, f := range c.Pending {
				ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
			}
			ch.Queue = append(ch.Queue, benchMessage(n, c.ID))
			ch.Decisions = append(ch.Decisions, benchDecision(n, c.ID))
		}
		return ch, nil
	}
	perBatch(b, func() error {
		from := int(rounds.Add(1)) * batch % people
		_, err := s.Update(b.Context(), "shop", crm.Selection{IDs: ids[from : from+batch]}, decide)
		return err
	})
}

func benchMessageID(n int) string { return fmt.Sprintf("message-%08x", uint32(n)*2654435761) }

func benchDecision(n int, customer string) crm.Decision {
	return crm.Decision{Customer: customer, At: testTime, Kind: crm.DecidedQueue, Journey: "cart-recovery",
		Version: 1, Enrollment: "cart-recovery/" + customer, Step: "reminder", Message: benchMessageID(n)}
}

func benchMessage(n int, customer string) crm.Message {
	return crm.Message{
		ID: benchMessageID(n), Enrollment: "cart-recovery/" + customer, Journey: "cart-recovery", Version: 1, Step: "reminder", Visit: 1,
		Template: "cart-reminder", TemplateVersion: 1, Class: crm.Marketing, Lane: crm.Prompt, Customer: customer, AddressKey: "guest-" + customer,
		To: "hanako@example.jp", SendAt: testTime.Add(time.Duration(n) * time.Millisecond), Deadline: testTime.Add(time.Hour), State: crm.MessageQueued,
	}
}

// The rows of BenchmarkDecide, written by hand: what the server takes for them.
func BenchmarkDecideFloor(b *testing.B) {
	dsn := database(b)
	s, db := open(b, dsn), handle(b, dsn, func(c *driver.Config) { c.InterpolateParams = true })
	people := max(b.N+16*batch, 2*batch) / batch * batch
	for round := range people / batch {
		if err := s.Append(b.Context(), "shop", benchFacts(round)); err != nil {
			b.Fatal(err)
		}
	}
	state := `{"s":"` + strings.Repeat("s", 1500) + `"}`
	var rounds atomic.Int64
	values := func(n, width int) string {
		return " VALUES " + strings.TrimSuffix(strings.Repeat("("+strings.TrimSuffix(strings.Repeat("?,", width), ",")+"),", n), ",")
	}
	perBatch(b, func() error {
		round := int(rounds.Add(1))
		facts := benchFacts(round * batch % people / batch)
		tx, err := db.BeginTx(b.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		var ids, customers, messages, decisions []any
		for i, f := range facts {
			n := round*batch + i
			ids = append(ids, f.Customer)
			customers = append(customers, "shop", f.Customer, 1, state, "2026-01-05 09:00:00")
			messages = append(messages, "shop", benchMessageID(n), "queued", "prompt", f.Customer, "guest-"+f.Customer, "2026-01-05 09:00:00", "cart-recovery/"+f.Customer, "cart-recovery", "reminder", "cart-reminder", "hanako@example.jp")
			decisions = append(decisions, "shop", f.Customer, "2026-01-05 09:00:00", "queue", "cart-recovery", 1, "cart-recovery/"+f.Customer, "reminder", benchMessageID(n), "", "")
		}
		in := "(" + strings.TrimSuffix(strings.Repeat("?,", batch), ",") + ")"
		for _, statement := range []struct {
			query string
			args  []any
		}{
			{"INSERT INTO goen_customer (shop_id, customer_id, bucket, state, next_due)" + values(batch, 5) + " ON DUPLICATE KEY UPDATE state = VALUES(state), next_due = VALUES(next_due)", customers},
			{"DELETE FROM goen_inbox WHERE shop_id = 'shop' AND customer_id IN " + in, ids},
			{"INSERT INTO goen_message (shop_id, message_id, state, lane, customer_id, address_key, send_at, enrollment, journey, step, template, recipient)" + values(batch, 12), messages},
			{"INSERT INTO goen_decision (shop_id, customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail)" + values(batch, 11), decisions},
		} {
			if _, err := tx.ExecContext(context.Background(), statement.query, statement.args...); err != nil {
				return err
			}
		}
		return tx.Commit()
	})
}

// One delivery: a message claimed, started with 2 KB of content, and sent.
func BenchmarkDeliver(b *testing.B) {
	s := open(b, database(b))
	people := (b.N/batch + 2) * batch
	for from := 0; from < people; from += batch {
		var ch crm.Changes
		for n := from; n < from+batch; n++ {
			ch.Queue = append(ch.Queue, benchMessage(n, fmt.Sprintf("customer-%08x", uint32(n)*2654435761)))
		}
		if err := s.Append(b.Context(), "shop", benchFacts(from/batch)); err != nil {
			b.Fatal(err)
		}
		_, err := s.Update(b.Context(), "shop", crm.Selection{Limit: 2 * batch}, func(w *crm.Work) (*crm.Changes, error) {
			for _, c := range w.Customers {
				for _, f := range c.Pending {
					ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
				}
			}
			return &ch, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	content := bytes.Repeat([]byte("c"), 2000)
	now := testTime.Add(24 * time.Hour)
	perBatch(b, func() error {
		leases, err := s.Lease(b.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: batch})
		if err != nil || len(leases.Claimed) < batch/2 {
			return fmt.Errorf("claimed %d: %w", len(leases.Claimed), err)
		}
		var started, sent []crm.Mark
		for _, m := range leases.Claimed {
			started = append(started, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted, At: now, Lease: now.Add(time.Minute), Content: content})
			sent = append(sent, crm.Mark{Message: m.ID, Attempt: 1, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageSent, At: now,
				Decision: &crm.Decision{Customer: m.Customer, At: now, Kind: crm.DecidedSend, Message: m.ID}})
		}
		for _, marks := range [][]crm.Mark{started, sent} {
			if _, err := s.Mark(b.Context(), "shop", marks); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkBacklog(b *testing.B) {
	s := open(b, database(b))
	for i := range 5000 {
		if err := s.Append(b.Context(), fmt.Sprintf("shop-%04d", i), benchFacts(0)[:3]); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for range b.N {
		if _, err := s.Backlog(b.Context(), testTime); err != nil {
			b.Fatal(err)
		}
	}
}
