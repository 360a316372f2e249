package crm_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

// cut is a store whose connection is lost for one read: the second after the
// first claim, which is that of a customer's second message.
type cut struct {
	crm.Store
	armed atomic.Int64
	once  atomic.Bool
}

func (c *cut) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	l, err := c.Store.Lease(ctx, shop, req)
	if len(l.Claimed) > 0 && !c.once.Swap(true) {
		c.armed.Store(2)
	}
	return l, err
}

func (c *cut) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	if c.armed.Add(-1) == 0 {
		return func(yield func(crm.CustomerRow, error) bool) { yield(crm.CustomerRow{}, errors.New("connection lost")) }
	}
	return c.Store.Customers(ctx, shop, q)
}

// A mail is not lost because the database was away for a moment while it was
// rendered.
func TestDatabaseAwayWhileRendering(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC)
	sent := 0
	c, err := crm.New(&cut{Store: memory.New()}, mailer.Func(func(context.Context, *mailer.Message) error { sent++; return nil }),
		&crm.Config{Clock: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Shop("s")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Configure(ctx, crm.Settings{Name: "s", From: mailer.Address{Email: "s@example.jp"}}))
	_, err = s.PublishTemplate(ctx, crm.Template{ID: "receipt", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "s", Text: "t"}}})
	must(err)
	for _, id := range []string{"j1", "j2"} { // two mails to one customer, claimed together
		_, err = s.Publish(ctx, crm.Journey{ID: id, Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{crm.Send{Template: "receipt"}}})
		must(err)
	}
	must(s.Record(ctx, crm.Fact{ID: "f", Time: now, Customer: "c", Email: "c@example.jp", Body: crm.Custom{Name: "x"}}))
	for range 3 {
		_ = c.RunUntil(ctx, now)
		now = now.Add(time.Hour)
	}
	for m, err := range s.Messages(ctx, crm.MessageQuery{}) {
		must(err)
		if m.State != crm.MessageSent {
			t.Errorf("the message is %s (%s): lost because the database was away for a moment", m.State, m.Reason)
		}
	}
	if sent != 2 {
		t.Errorf("%d mails were sent, want 2", sent)
	}
}
