package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// recovery is a shop with one cart mail, half an hour after the cart.
func recovery(t *testing.T) *crmtest.Scenario {
	t.Helper()
	s := crmtest.New(t, nil)
	s.Template(crm.Template{ID: "reminder", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "お忘れですか", Text: "カート"}}})
	s.Publish(crm.Journey{ID: "cart", Trigger: crm.CartAbandoned{After: cartIdle}, Steps: crm.Steps{crm.Send{Template: "reminder"}}})
	return s
}

func cartK(items ...crm.LineItem) crm.CartUpdated {
	return crm.CartUpdated{Cart: crm.Cart{ID: "k", Items: items}}
}

// Carts often come in by a slower way than orders. An order out of a cart,
// recorded before the cart's own facts, stops the cart's mail, also if she
// filled the cart as a guest and ordered as a member.
func TestOrderComesInBeforeItsCart(t *testing.T) {
	s := recovery(t)
	filled := s.Clock.Now()
	s.AdvanceTo(filled.Add(5 * time.Minute))
	order := savedAs("o", crm.CashOnDelivery, "")
	order.Order.Cart = "k"
	s.Record(crm.Fact{Customer: "c", Body: order})
	s.AdvanceTo(filled.Add(10 * time.Minute))
	s.Record(crm.Fact{Time: filled, Email: "hanako@example.jp", Body: cartK(teaLine(nil))})
	s.Advance(aDay)
	assert.Empty(t, s.Mails())
}

// A late word of a guest's cart does not take it back from the member who has
// gone on with it since.
func TestCartTakenOn(t *testing.T) {
	s := recovery(t)
	filled := s.Clock.Now()
	s.AdvanceTo(filled.Add(5 * time.Minute))
	s.Record(crm.Fact{Customer: "c", Body: cartK(teaLine(nil), teaLine(nil))})
	s.AdvanceTo(filled.Add(10 * time.Minute))
	s.Record(crm.Fact{Time: filled, Email: "hanako@example.jp", Body: cartK(teaLine(nil))})
	assert.Empty(t, s.Customer(crm.GuestKey("hanako@example.jp")).Carts)
	assert.Len(t, s.Customer("c").Carts, 1)
}

// At a login, carts tell the guest's cart and the member's in one second: both
// have their runs, and the mail that follows is not taken for one that is
// there already.
func TestSameCartInOneSecond(t *testing.T) {
	s := recovery(t)
	s.Record(crm.Fact{ID: "2", Email: "hanako@example.jp", Body: cartK(teaLine(nil))})
	s.Advance(cartIdle)
	require.Len(t, s.Mails(), 1)
	s.Record(crm.Fact{ID: "1", Time: s.Clock.Now().Add(-cartIdle), Customer: "c", Email: "member@example.jp", Body: cartK(teaLine(nil))})
	s.Advance(aDay)
	assert.Len(t, s.Mails(), 1, "the guest has it")
	s.Record(crm.Fact{ID: "3", Time: s.Clock.Now().Add(-aDay - cartIdle), Customer: "c", Email: "member@example.jp", Body: cartK(teaLine(nil))})
	s.Advance(aDay)
	n := 0
	for range s.Shop.Messages(t.Context(), crm.MessageQuery{Customer: "c"}) {
		n++
	}
	assert.Equal(t, 1, n, "%s", s.Explain("c"))
}

// A worker that was away works out what was true at each moment: an answer that
// a guest gave later does not count before.
func TestGuestAnswersLater(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Template(crm.Template{ID: "news", Class: crm.Marketing, Locales: map[string]crm.Words{"ja": {Subject: "s", Text: `{{template "legal" .}}`}}})
	s.Publish(crm.Journey{ID: "hello", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{crm.Send{Template: "news"}}})
	visit := s.Clock.Now()
	s.Clock.Set(visit.Add(time.Hour))
	s.Record(
		crm.Fact{Time: visit, Email: "hanako@example.jp", Body: crm.Custom{Name: "visit"}},
		crm.Fact{Time: visit.Add(time.Minute), Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}},
	)
	s.Advance(aDay)
	assert.Empty(t, s.Mails())
}

// If the payment of an order fails, what lay in the cart beside it is open
// from then on, and not from long before.
func TestPaymentFailsForAnotherCart(t *testing.T) {
	s := recovery(t)
	filled := s.Clock.Now()
	s.Record(crm.Fact{Customer: "c", Email: "hanako@example.jp", Body: cartK(teaLine(nil))})
	s.Advance(5 * time.Minute)
	s.Record(crm.Fact{Customer: "c", Body: savedAs("o", crm.ConvenienceStore, crm.PaymentPending)})
	s.AdvanceTo(filled.Add(5 * aDay))
	require.Empty(t, s.Mails())
	s.Record(crm.Fact{Customer: "c", Body: savedAs("o", crm.ConvenienceStore, crm.PaymentExpired)})
	s.Advance(cartIdle - time.Microsecond)
	assert.Empty(t, s.Mails())
	s.Advance(time.Microsecond)
	assert.Len(t, s.Mails(), 1)
}

// What happened under an address of hers is known whenever her timers are
// looked at and whenever she is read, even where a worker takes one customer at
// a time.
func TestFactsUnderHerAddress(t *testing.T) {
	clock := crmtest.NewClock(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC))
	store, outbox := memory.New(), new(mailertest.Recorder)
	c, err := crm.New(store, outbox, &crm.Config{Clock: clock.Now, Batch: 1})
	require.NoError(t, err)
	shop := c.Shop("shop")
	require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
	_, err = shop.PublishTemplate(t.Context(), crm.Template{ID: "news", Class: crm.Marketing, Locales: map[string]crm.Words{"ja": {Subject: "s", Text: `{{template "legal" .}}`}}})
	require.NoError(t, err)
	_, err = shop.Publish(t.Context(), crm.Journey{
		ID: "hello", Trigger: crm.OnFact{Fact: crm.FactCustom},
		Steps: crm.Steps{crm.Wait{ID: "w", For: time.Hour}, crm.Send{Template: "news"}},
	})
	require.NoError(t, err)
	record := func(f crm.Fact) { require.NoError(t, shop.Record(t.Context(), f)) }
	record(crm.Fact{ID: "a", Time: clock.Now(), Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "visit"}})
	require.NoError(t, crmtest.Advance(t.Context(), c, clock, clock.Now().Add(30*time.Minute)))

	clock.Set(clock.Now().Add(time.Hour)) // a worker was away
	record(crm.Fact{ID: "b", Time: clock.Now().Add(-50 * time.Minute), Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}})
	for customer, err := range shop.Customers(t.Context()) {
		require.NoError(t, err)
		assert.Len(t, customer.Consents, 1, "in the list")
	}
	customer, err := shop.Customer(t.Context(), "c")
	require.NoError(t, err)
	assert.Len(t, customer.Consents, 1)
	require.NoError(t, c.RunUntil(t.Context(), clock.Now()))
	assert.Equal(t, 1, outbox.Len(), "she had said yes before the mail was due")
}

// A guest with a rank who turns out to have an account takes it along, and is
// not congratulated again.
func TestRankOfGuest(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Ladder(crm.Ladder{Measure: crm.RankByCount, Window: crm.LifetimeWindow, Ranks: []crm.RankStep{{ID: "silver", AtLeast: 1}, {ID: "gold", AtLeast: 2}}})
	s.Template(crm.Template{ID: "promoted", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "{{.RankName}}", Text: "t"}}})
	s.Publish(crm.Journey{ID: "rank", Trigger: crm.OnFact{Fact: crm.FactRankChanged}, Steps: crm.Steps{crm.Send{Template: "promoted"}}})
	link := crm.Fact{Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "login"}}

	s.Record(crm.Fact{Email: "hanako@example.jp", Body: savedAs("o1", crm.CashOnDelivery, "")})
	s.Advance(time.Hour)
	s.Record(link)
	s.Advance(time.Hour)
	assert.Equal(t, "silver", s.Customer("c").Rank.Rank)
	assert.Len(t, s.Mails(), 1)

	// The orders of two guests' addresses together bring the next rank.
	s.Record(crm.Fact{Email: "hana@example.com", Body: savedAs("o2", crm.CashOnDelivery, "")})
	s.Advance(time.Hour)
	link.Email = "hana@example.com"
	s.Record(link)
	s.Advance(time.Hour)
	assert.Equal(t, "gold", s.Customer("c").Rank.Rank)
	assert.Equal(t, "gold", s.Mails()[len(s.Mails())-1].Subject)
}
