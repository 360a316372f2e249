package postgres_test

import (
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// A claim does not read past what was sent before, though an old snapshot keeps
// all of it in the index.
func TestClaimBesideOldSnapshot(t *testing.T) {
	dsn := newDatabase(t)
	s := open(t, dsn)
	cart := newPool(t, dsn)
	old, err := cart.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Rollback(t.Context()) }()
	if _, err := old.Exec(t.Context(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM goen_message"); err != nil {
		t.Fatal(err)
	}
	now := benchTime
	lease := func() []crm.Message {
		leases, err := s.Lease(t.Context(), "shop", crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: batch})
		if err != nil {
			t.Fatal(err)
		}
		return leases.Claimed
	}
	const gone = 10 * batch
	for n := 0; n < gone; n += batch {
		var ch crm.Changes
		for i := range batch {
			m := benchMessage(n+i, scattered("customer", n+i))
			m.SendAt = now
			ch.Queue = append(ch.Queue, m)
		}
		if _, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{}}, func(*crm.Work) (*crm.Changes, error) { return &ch, nil }); err != nil {
			t.Fatal(err)
		}
		var marks []crm.Mark
		for _, m := range lease() {
			marks = append(marks, crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageSent, At: now})
		}
		if _, err := s.Mark(t.Context(), "shop", marks); err != nil || len(marks) != batch {
			t.Fatalf("%d messages were sent, error %v", len(marks), err)
		}
		now = now.Add(time.Hour)
	}
	const claims = 1000
	for range claims {
		if n := len(lease()); n > 0 {
			t.Fatalf("%d messages are claimed again", n)
		}
	}
	if err := s.Close(); err != nil { // now its connections tell what they have read
		t.Fatal(err)
	}
	// That its connections are gone, which the server alone can tell.
	var read, others int
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := cart.QueryRow(t.Context(), `
			SELECT (SELECT idx_blks_hit + idx_blks_read FROM pg_statio_user_indexes WHERE indexrelname = 'goen_message_due'),
				(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())`).Scan(&read, &others)
		if err != nil || time.Now().After(deadline) {
			t.Fatal("the store's connections are still there", err)
		}
		if others == 1 { // the old snapshot's
			break
		}
	}
	// To queue, claim and send a message takes some pages of the index; so does a
	// claim, where it does not read what lies dead.
	if limit := 4*gone + 10*claims; read > limit {
		t.Errorf("%d pages of the queue were read by %d claims beside %d messages that were sent, more than %d", read, claims, gone, limit)
	}
}
