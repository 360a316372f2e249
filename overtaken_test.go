package crm_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// A barrier is a store on which something happens right after a claim, before
// the worker has read whom the claimed messages are for.
type barrier struct {
	crm.Store
	claimed func()
}

func (b *barrier) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	leases, err := b.Store.Lease(ctx, shop, req)
	if happens := b.claimed; len(leases.Claimed) > 0 && happens != nil {
		b.claimed = nil
		happens()
	}
	return leases, err
}

// What is told between the claim of a mail and the reading of whom it is for has
// not passed the fence: no mail is made of a picture from which it took away
// what the mail is about.
func TestOvertakenClaim(t *testing.T) {
	start := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	order := crm.Order{ID: "o1", Cart: "cart", Lines: []crm.LineItem{{Product: "tea", Title: "tea", Quantity: 1, Price: crm.Yen(1000)}}}
	about := func(id string, at time.Time, body crm.Body) crm.Fact {
		return crm.Fact{ID: id, Time: at, Customer: "c", Email: "hanako@example.jp", Body: body}
	}
	for _, test := range []struct {
		name    string
		first   crm.Body
		then    crm.Body
		subject string // of the mail about first, as it must be if it is sent
		reason  crm.Reason
	}{
		{"an order, and she is erased", crm.OrderSaved{Order: order}, crm.CustomerErased{}, "order o1", crm.ReasonErased},
		{"a cart, and she buys it", crm.CartUpdated{Cart: crm.Cart{ID: "cart", Items: order.Lines}}, crm.OrderSaved{Order: order}, "cart cart", crm.ReasonBought},
	} {
		for name, folds := range map[string]bool{"told": false, "folded": true} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				now := start
				clock := func() time.Time { return now }
				store := &barrier{Store: memory.New()}
				var mails mailertest.Recorder
				c := newCRM(t, store, &mails, crm.Config{Clock: clock})
				teller := newCRM(t, store.Store, &mails, crm.Config{Clock: clock, Mode: crm.Off})
				shop := c.Shop("shop")
				require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
				_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "mail", Class: crm.Transactional, Locales: map[string]crm.Words{
					"ja": {Subject: "{{with .Order}}order {{.ID}}{{end}}{{with .Cart}}cart {{.ID}}{{end}}", Text: "mail"},
				}})
				require.NoError(t, err)
				for _, j := range []crm.Journey{
					{ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder, Steps: crm.Steps{crm.Send{Template: "mail"}}},
					{ID: "cart", Trigger: crm.CartAbandoned{After: time.Hour}, Exit: []crm.Rule{crm.On(crm.FactOrderPlaced)}, Steps: crm.Steps{crm.Send{Template: "mail"}}},
				} {
					_, err := shop.Publish(t.Context(), j)
					require.NoError(t, err)
				}
				require.NoError(t, shop.Record(t.Context(), about("first", now, test.first)))
				store.claimed = func() {
					require.NoError(t, teller.Shop("shop").Record(t.Context(), about("then", now, test.then)))
					if folds {
						require.NoError(t, teller.RunUntil(t.Context(), now))
					}
				}
				now = now.Add(2 * time.Hour)
				require.NoError(t, c.RunUntil(t.Context(), now))
				require.Nil(t, store.claimed, "nothing was claimed")

				for _, m := range mails.Messages() {
					assert.NotEmpty(t, m.Subject, "a mail about nothing is sent")
					assert.NotEqual(t, test.subject, m.Subject, "what was told before it was begun speaks against it")
				}
				skipped := 0
				for m, err := range store.Messages(t.Context(), "shop", crm.MessageQuery{States: []crm.MessageState{crm.MessageSkipped}}) {
					require.NoError(t, err)
					assert.Equal(t, test.reason, m.Reason)
					skipped++
				}
				assert.Equal(t, 1, skipped)
			})
		}
	}
}

// Of two mails of one claim each is made of the picture that was read at the
// claim, whatever becomes of her while the first is sent.
func TestErasedBetweenTwoMails(t *testing.T) {
	for name, folds := range map[string]bool{"told": false, "folded": true} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			store := memory.New()
			about := func(id string, body crm.Body) crm.Fact {
				return crm.Fact{ID: id, Time: now, Customer: "c", Email: "hanako@example.jp", Body: body}
			}
			teller := newCRM(t, store, new(mailertest.Recorder), crm.Config{Clock: clock, Mode: crm.Off})
			var subjects []string
			c := newCRM(t, store, mailer.Func(func(ctx context.Context, m *mailer.Message) error {
				if err := m.Started(ctx); err != nil {
					return err
				}
				if subjects = append(subjects, m.Subject); len(subjects) == 1 {
					require.NoError(t, teller.Shop("shop").Record(ctx, about("erased", crm.CustomerErased{})))
					if folds {
						require.NoError(t, teller.RunUntil(ctx, now))
					}
				}
				return nil
			}), crm.Config{Clock: clock})
			shop := c.Shop("shop")
			require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
			_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "mail", Class: crm.Transactional, Locales: map[string]crm.Words{
				"ja": {Subject: "{{with .Order}}order {{.ID}}{{end}}", Text: "mail"},
			}})
			require.NoError(t, err)
			_, err = shop.Publish(t.Context(), crm.Journey{
				ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder, Steps: crm.Steps{crm.Send{Template: "mail"}},
			})
			require.NoError(t, err)
			for _, id := range []string{"o1", "o2"} {
				require.NoError(t, shop.Record(t.Context(), about(id, crm.OrderSaved{Order: crm.Order{
					ID: id, Lines: []crm.LineItem{{Product: "tea", Title: "tea", Quantity: 1, Price: crm.Yen(1000)}},
				}})))
			}
			now = now.Add(time.Minute)
			require.NoError(t, c.RunUntil(t.Context(), now))
			slices.Sort(subjects)
			if folds {
				require.Len(t, subjects, 1, "the erasure takes back what was claimed and not begun")
			} else {
				assert.Equal(t, []string{"order o1", "order o2"}, subjects)
			}
		})
	}
}

// A fact that nobody can read may come in at that moment as well as any other.
func TestOvertakenByDamage(t *testing.T) {
	now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	store := &barrier{Store: memory.New()}
	var mails mailertest.Recorder
	c := newCRM(t, store, &mails, crm.Config{Clock: func() time.Time { return now }})
	shop := c.Shop("shop")
	require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
	_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "mail", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "mail", Text: "mail"}}})
	require.NoError(t, err)
	_, err = shop.Publish(t.Context(), crm.Journey{ID: "j", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{crm.Send{Template: "mail"}}})
	require.NoError(t, err)
	require.NoError(t, shop.Record(t.Context(), crm.Fact{ID: "f", Time: now, Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "x"}}))
	store.claimed = func() {
		require.NoError(t, store.Append(t.Context(), "shop", []crm.FactRow{{
			ID: "damaged", Customer: "c", Keys: []string{"c"}, Type: string(crm.FactCustom), Time: now, RecordedAt: now, Hash: []byte("h"), Body: []byte(`{"v":1,`),
		}}))
	}
	require.NoError(t, c.RunUntil(t.Context(), now))
	require.Nil(t, store.claimed, "nothing was claimed")
	assert.Len(t, mails.Messages(), 1)
}
