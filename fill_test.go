package crm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// A supplier is a store that counts how often orders and messages are asked
// for, and fails to load them if told to.
type supplier struct {
	crm.Store
	asked int
	fails error
}

func (s *supplier) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (int, error) {
	return s.Store.Update(ctx, shop, sel, func(w *crm.Work) (*crm.Changes, error) {
		fill := w.Fill
		w.Fill = func(customers []crm.CustomerRow) error {
			s.asked++
			if s.fails != nil {
				return s.fails
			}
			return fill(customers)
		}
		return decide(w)
	})
}

// Orders and messages are loaded where they are needed, for facts and for a
// condition about orders, and not for a wait that ends. What is decided without
// them, because they could not be loaded, is not written.
func TestFill(t *testing.T) {
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	store := &supplier{Store: memory.New()}
	var mails mailertest.Recorder
	c := newCRM(t, store, &mails, crm.Config{Clock: func() time.Time { return now }})
	shop := c.Shop("shop")
	require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
	_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "mail", Class: crm.Transactional, Locales: map[string]crm.Words{
		"ja": {Subject: "mail", Text: "mail"},
	}})
	require.NoError(t, err)
	_, err = shop.Publish(t.Context(), crm.Journey{
		ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder,
		Steps: crm.Steps{
			crm.Wait{ID: "a-day", Days: 1}, crm.Send{ID: "first", Template: "mail"},
			crm.Wait{ID: "another", Days: 1}, crm.Branch{ID: "who", Cases: []crm.Case{{If: crm.OrdersAtLeast(1), Then: crm.Steps{crm.Send{ID: "second", Template: "mail"}}}}},
		},
	})
	require.NoError(t, err)

	require.NoError(t, shop.Record(t.Context(), crm.Fact{ID: "f", Time: now, Customer: "c", Email: "hanako@example.jp", Body: crm.OrderSaved{Order: crm.Order{
		ID: "o", Lines: []crm.LineItem{{Product: "tea", Title: "tea", Quantity: 1, Price: crm.Yen(1000)}},
	}}}))
	run := func() (asked, sent int, err error) {
		store.asked = 0
		before := len(mails.Messages())
		err = c.RunUntil(t.Context(), now)
		return store.asked, len(mails.Messages()) - before, err
	}
	asked, sent, err := run()
	require.NoError(t, err)
	assert.Equal(t, []int{1, 0}, []int{asked, sent}, "a fact")

	now = now.AddDate(0, 0, 1)
	asked, sent, err = run()
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1}, []int{asked, sent}, "a wait that ends")

	now, store.fails = now.AddDate(0, 0, 1), errors.New("the database is gone")
	_, sent, err = run()
	require.ErrorIs(t, err, store.fails)
	assert.Zero(t, sent, "mails decided without orders")

	store.fails = nil
	asked, sent, err = run()
	require.NoError(t, err)
	assert.Equal(t, []int{1, 1}, []int{asked, sent}, "a condition about orders")
}
