package crm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

func savedAs(id string, method crm.PaymentMethod, payment crm.PaymentState) crm.OrderSaved {
	return crm.OrderSaved{Order: crm.Order{ID: id, Method: method, Payment: payment, Lines: []crm.LineItem{teaLine(nil)}}}
}

// after records what is told of c's order minute by minute, from the start of a
// scenario on, and returns the order and when it began.
func after(t *testing.T, bodies ...crm.Body) (crm.PlacedOrder, time.Time) {
	t.Helper()
	s := crmtest.New(t, nil)
	start := s.Clock.Now()
	for _, body := range bodies {
		s.Record(crm.Fact{Customer: "c", Body: body})
		s.Advance(time.Minute)
	}
	return s.Customer("c").Orders[0], start
}

// What a payment came to is the last thing that was said of it.
func TestPaidAfterAll(t *testing.T) {
	o, start := after(t, crm.OrderPaid{Order: "o"}, savedAs("o", crm.BankTransfer, crm.PaymentFailed))
	assert.Equal(t, crm.StatusFailed, o.Status)
	assert.Zero(t, o.CountedAt)
	o, _ = after(t, crm.OrderPaid{Order: "o"}, savedAs("o", crm.BankTransfer, crm.PaymentFailed), crm.OrderPaid{Order: "o"})
	assert.Equal(t, crm.StatusPaid, o.Status)
	assert.Equal(t, start.Add(time.Minute), o.CountedAt, "since it was placed, for it had been paid before")
}

// A purchase does not move to a later date when the cart tells again, in a
// snapshot, what a fact had told.
func TestCountedAtStays(t *testing.T) {
	o, start := after(t, savedAs("o", crm.Card, crm.PaymentPending), crm.OrderPaid{Order: "o"}, savedAs("o", crm.Card, crm.PaymentPaid))
	assert.Equal(t, start.Add(time.Minute), o.CountedAt)
}

// A cart's clock may be wrong: an order is placed no later than it was told of,
// or its mails would wait for a day that may never come.
func TestPlacedInTheFuture(t *testing.T) {
	order := savedAs("o", crm.CashOnDelivery, "")
	order.Order.PlacedAt = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	o, start := after(t, order)
	assert.Equal(t, start, o.PlacedAt)
	assert.Equal(t, start, o.CountedAt)
}

// Money given back in another currency cannot be taken off an order: it is set
// aside and reported, and the order stays as it was.
func TestRefundInAnotherCurrency(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Record(
		crm.Fact{Customer: "c", Body: savedAs("o", crm.CashOnDelivery, "")},
		crm.Fact{ID: "refund", Customer: "c", Body: crm.OrderRefunded{Order: "o", Refund: "r", Amount: crm.Money{Minor: 500, Currency: "USD"}}},
	)
	s.Advance(time.Minute)
	o := s.Customer("c").Orders[0]
	assert.Equal(t, crm.Yen(1200), o.Net)
	assert.Empty(t, o.Refunds)
	reported := 0
	for d, err := range s.Shop.Decisions(t.Context()) {
		assert.NoError(t, err)
		if d.Kind == crm.DecidedReport && d.Reason == crm.ReasonCurrency {
			reported++
		}
	}
	assert.Equal(t, 1, reported)
}

// An order that cost nothing is a purchase until it is given back.
func TestFreeOrder(t *testing.T) {
	order := savedAs("o", crm.CashOnDelivery, "")
	order.Order.Discount = crm.Yen(1200)
	s := crmtest.New(t, nil)
	start := s.Clock.Now()
	s.Record(crm.Fact{Customer: "c", Body: order})
	assert.Equal(t, start, s.Customer("c").Orders[0].CountedAt)
	s.Advance(time.Hour)
	s.Record(crm.Fact{Customer: "c", Body: crm.OrderRefunded{Order: "o", Refund: "r", Whole: true}})
	assert.Equal(t, crm.StatusRefunded, s.Customer("c").Orders[0].Status)
	report, err := s.Shop.RFM(t.Context(), start.Add(time.Minute), nil)
	require.NoError(t, err)
	assert.Len(t, report.Customers, 1, "as of a time before it was given back")
}

// Of snapshots with one revision the later holds, in whichever order they come
// in; a higher revision holds against any lower one.
func TestSnapshots(t *testing.T) {
	s := crmtest.New(t, nil)
	start := s.Clock.Now()
	s.Advance(time.Hour)
	save := func(minute, revision, quantity int) {
		order := savedAs("o", crm.CashOnDelivery, "")
		order.Order.Revision = revision
		order.Order.Lines[0].Quantity = quantity
		s.Record(crm.Fact{Customer: "c", Time: start.Add(time.Duration(minute) * time.Minute), Body: order})
		s.Advance(time.Second)
	}
	holds := func(quantity int) { t.Helper(); assert.Equal(t, quantity, s.Customer("c").Orders[0].Lines[0].Quantity) }
	save(10, 0, 1)
	save(5, 0, 2)
	holds(1)
	save(15, 0, 3)
	holds(3)
	save(1, 1, 4)
	holds(4)
	save(20, 0, 5)
	holds(4)
}
