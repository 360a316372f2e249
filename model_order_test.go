package crm_test

import (
	"cmp"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// What follows is the domain's word on orders, said in the most obvious way:
// look at all facts about an order, in order of time, and answer one question
// after the other. It shares nothing with the engine.

func sortFacts(facts []crm.Fact) {
	slices.SortFunc(facts, func(a, b crm.Fact) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
}

// orderOf is the order that a fact is about, "" if none.
func orderOf(f crm.Fact) string {
	switch b := f.Body.(type) {
	case crm.OrderSaved:
		return b.Order.ID
	case crm.OrderPaid:
		return b.Order
	case crm.OrderShipped:
		return b.Order
	case crm.OrderDelivered:
		return b.Order
	case crm.OrderCancelled:
		return b.Order
	case crm.OrderRefunded:
		return b.Order
	}
	return ""
}

func about(facts []crm.Fact, order string) []crm.Fact {
	var list []crm.Fact
	for _, f := range facts {
		if orderOf(f) == order {
			list = append(list, f)
		}
	}
	return list
}

// A modelOrder is what the facts about one order add up to.
type modelOrder struct {
	known     bool // it was saved at least once
	snapshot  crm.Order
	snapshot0 crm.Fact // the fact that snapshot is from
	saved     time.Time
	paid      time.Time
	lastPaid  time.Time
	accepted  time.Time // a card's authorisation, at the latest when it is paid
	shipped   time.Time
	delivered time.Time
	cancelled time.Time
	refunds   []crm.Refund
}

func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}

// readOrder reads the facts about one order, which are in order of time.
func readOrder(facts []crm.Fact) modelOrder {
	var o modelOrder
	for _, f := range facts {
		switch b := f.Body.(type) {
		case crm.OrderSaved:
			first(&o.saved, f.Time)
			if !o.known || b.Order.Revision >= o.snapshot.Revision {
				o.known, o.snapshot, o.snapshot0 = true, b.Order, f
			}
			switch b.Order.Payment {
			case crm.PaymentPaid:
				first(&o.paid, f.Time)
				first(&o.accepted, f.Time)
				o.lastPaid = f.Time
			case crm.PaymentOpen, crm.PaymentAuthorised:
				first(&o.accepted, f.Time)
			}
		case crm.OrderPaid:
			first(&o.paid, f.Time)
			first(&o.accepted, f.Time)
			o.lastPaid = f.Time
		case crm.OrderShipped:
			first(&o.shipped, f.Time)
		case crm.OrderDelivered:
			first(&o.delivered, f.Time)
		case crm.OrderCancelled:
			first(&o.cancelled, f.Time)
		case crm.OrderRefunded:
			if !slices.ContainsFunc(o.refunds, func(r crm.Refund) bool { return r.ID == b.Refund }) {
				o.refunds = append(o.refunds, crm.Refund{ID: b.Refund, Amount: b.Amount, Whole: b.Whole, At: f.Time})
			}
		}
	}
	return o
}

func (o modelOrder) placed() time.Time {
	if o.known && !o.snapshot.PlacedAt.IsZero() && o.snapshot.PlacedAt.Before(o.saved) {
		return o.snapshot.PlacedAt
	}
	return o.saved
}

func (o modelOrder) failed() bool {
	bad := o.known && (o.snapshot.Payment == crm.PaymentFailed || o.snapshot.Payment == crm.PaymentExpired)
	return bad && !o.lastPaid.After(o.snapshot0.Time)
}

// sale reports whether she decided on the order herself.
func (o modelOrder) sale() bool {
	return o.known && o.snapshot.Kind != crm.Renewal && o.snapshot.Kind != crm.Exchange && o.snapshot.Kind != crm.TestOrder
}

// bought is since when the order is a purchase, zero if it never was.
func (o modelOrder) bought() time.Time {
	if !o.known || o.failed() || o.snapshot.Kind == crm.Exchange || o.snapshot.Kind == crm.TestOrder {
		return time.Time{}
	}
	at := o.saved
	switch o.snapshot.Method {
	case crm.Card:
		at = o.accepted
	case crm.BankTransfer, crm.ConvenienceStore:
		at = o.paid
	}
	switch {
	case at.IsZero():
		return at
	case at.Equal(o.saved): // what was true when it was first heard of was true when it was placed
		return o.placed()
	case at.Before(o.placed()):
		return o.placed()
	}
	return at
}

// gross is goods after discount.
func (o modelOrder) gross() int64 {
	var goods int64
	for _, l := range o.snapshot.Lines {
		goods += int64(l.Quantity) * l.Price.Minor
	}
	return max(0, goods-o.snapshot.Discount.Minor)
}

// worth is what the order is worth to the shop at t, and whether it is a
// purchase then.
func (o modelOrder) worth(t time.Time) (int64, bool) {
	at := o.bought()
	if at.IsZero() || at.After(t) {
		return 0, false
	}
	if !o.cancelled.IsZero() && !o.cancelled.After(t) {
		return 0, false
	}
	left := o.gross()
	for _, r := range o.refunds {
		if r.At.After(t) {
			continue
		}
		if r.Whole {
			return 0, false
		}
		left -= r.Amount.Minor
		if left <= 0 {
			return 0, false
		}
	}
	return left, true
}

func (o modelOrder) status(end time.Time) crm.OrderStatus {
	_, counts := o.worth(end)
	switch {
	case !o.known:
		return crm.StatusUnknown
	case !o.cancelled.IsZero():
		return crm.StatusCancelled
	case o.failed():
		return crm.StatusFailed
	case !counts && !o.bought().IsZero():
		return crm.StatusRefunded
	case !o.delivered.IsZero():
		return crm.StatusDelivered
	case !o.shipped.IsZero():
		return crm.StatusShipped
	case !o.paid.IsZero():
		return crm.StatusPaid
	}
	return crm.StatusPlaced
}

func (o modelOrder) picture(id string, end time.Time) crm.PlacedOrder {
	p := crm.PlacedOrder{
		Order: crm.Order{ID: id}, Status: o.status(end), PaidAt: o.paid, ShippedAt: o.shipped,
		DeliveredAt: o.delivered, CancelledAt: o.cancelled, Refunds: o.refunds,
	}
	if o.known {
		p.Order = o.snapshot
		p.PlacedAt = o.placed()
	}
	if left, ok := o.worth(end); ok {
		p.CountedAt, p.Net = o.bought(), crm.Yen(left)
	}
	return p
}

// orderEvents tells the order's story and returns what its last fact made
// known: the fact itself, and whatever is told once (again, after a payment
// that failed).
func orderEvents(facts []crm.Fact) []crm.FactType {
	var events []crm.FactType
	placed, counted, failed := false, false, false
	for i := range facts {
		events = []crm.FactType{facts[i].Body.FactType()}
		o := readOrder(facts[:i+1])
		if o.failed() && !failed {
			placed, counted = false, false
			events = append(events, crm.FactOrderFailed)
		}
		failed = o.failed()
		if o.sale() && !failed && o.cancelled.IsZero() && !placed {
			placed = true
			events = append(events, crm.FactOrderPlaced)
		}
		if _, counts := o.worth(facts[i].Time); counts && o.sale() && !counted {
			counted = true
			events = append(events, crm.FactOrderCounted)
		}
	}
	return events
}

// sumUp sums up what was bought by t.
func sumUp(orders map[string]modelOrder, base crm.Baseline, t time.Time) crm.Purchases {
	sum := crm.Purchases{Count: base.Orders, Amount: crm.Yen(base.Amount.Minor), First: base.FirstOrder, Last: base.LastOrder}
	for _, o := range orders {
		left, ok := o.worth(t)
		if !ok {
			continue
		}
		at := o.bought()
		if o.snapshot.Kind != crm.Renewal {
			sum.Count++
		}
		sum.Amount.Minor += left
		if sum.First.IsZero() || at.Before(sum.First) {
			sum.First = at
		}
		if at.After(sum.Last) {
			sum.Last = at
		}
		if sum.Smallest.IsZero() || left < sum.Smallest.Minor {
			sum.Smallest = crm.Yen(left)
		}
		if left > sum.Largest.Minor {
			sum.Largest = crm.Yen(left)
		}
	}
	return sum
}

// bare strips an order down to what the ladder's reference looks at.
func (o modelOrder) bare() ladderOrder {
	at := o.bought()
	if at.IsZero() {
		return ladderOrder{}
	}
	return ladderOrder{at: at, renewal: !o.sale(), gross: o.gross(), cancelled: o.cancelled, refunds: o.refunds}
}
