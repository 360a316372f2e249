package crm

import (
	"slices"
	"strings"
	"time"
)

// orderState is the core's document of an order: what each fact said of it,
// kept so that the facts may arrive in any order.
type orderState struct {
	ID string `json:"id"`
	// Snapshot is the order by its highest revision, nil before it was saved.
	Snapshot *Order `json:"snapshot,omitempty"`
	// Foreign reports that the snapshot is in a currency that is not the shop's.
	Foreign bool  `json:"foreign,omitempty"`
	At      stamp `json:"at,omitzero"` // when the snapshot was taken

	// First times at which each was told.
	Saved      time.Time `json:"saved,omitzero"`
	Authorised time.Time `json:"authorised,omitzero"`
	Paid       time.Time `json:"paid,omitzero"`
	Shipped    time.Time `json:"shipped,omitzero"`
	Delivered  time.Time `json:"delivered,omitzero"`
	Cancelled  time.Time `json:"cancelled,omitzero"`
	// PaidLast is the last time it was told paid: the word against a payment
	// that was said to have failed.
	PaidLast time.Time `json:"paid_last,omitzero"`

	Refunds map[string]refundState `json:"refunds,omitempty"`

	// What was announced already: events are derived once.
	Placed  bool `json:"told_placed,omitempty"`
	Counted bool `json:"told_counted,omitempty"`
	// Runs are the journeys that ran for this order.
	Runs []string `json:"runs,omitempty"`
}

type refundState struct {
	Refund
	Fact stamp `json:"fact"`
}

// save takes over a snapshot.
func (o *orderState) save(order Order, at stamp) {
	o.Saved = earliest(o.Saved, at.Time)
	switch order.Payment {
	case PaymentAuthorised, PaymentOpen:
		o.Authorised = earliest(o.Authorised, at.Time)
	case PaymentPaid:
		o.Authorised = earliest(o.Authorised, at.Time)
		o.pay(at.Time)
	}
	if o.Snapshot == nil || order.Revision > o.Snapshot.Revision ||
		(order.Revision == o.Snapshot.Revision && at.after(o.At)) {
		order.Lines = slices.Clone(order.Lines)
		o.Snapshot, o.At = &order, at
	}
}

func (o *orderState) pay(at time.Time) {
	o.Paid = earliest(o.Paid, at)
	if at.After(o.PaidLast) {
		o.PaidLast = at
	}
}

// refund takes over a refund; of two reports of one the earlier holds.
func (o *orderState) refund(r OrderRefunded, at stamp) {
	if old, ok := o.Refunds[r.Refund]; ok && !old.Fact.after(at) {
		return
	}
	put(&o.Refunds, r.Refund, refundState{Refund{r.Refund, r.Amount, r.Whole, at.Time}, at})
}

// merge takes over what another document says of the same order.
func (o *orderState) merge(p *orderState) {
	if p.Snapshot != nil && (o.Snapshot == nil || p.Snapshot.Revision > o.Snapshot.Revision ||
		(p.Snapshot.Revision == o.Snapshot.Revision && p.At.after(o.At))) {
		o.Snapshot, o.At, o.Foreign = p.Snapshot, p.At, p.Foreign
	}
	o.Saved = earliest(o.Saved, p.Saved)
	o.Authorised = earliest(o.Authorised, p.Authorised)
	o.Paid = earliest(o.Paid, p.Paid)
	if p.PaidLast.After(o.PaidLast) {
		o.PaidLast = p.PaidLast
	}
	o.Shipped = earliest(o.Shipped, p.Shipped)
	o.Delivered = earliest(o.Delivered, p.Delivered)
	o.Cancelled = earliest(o.Cancelled, p.Cancelled)
	for id, r := range p.Refunds {
		if old, ok := o.Refunds[id]; !ok || old.Fact.after(r.Fact) {
			put(&o.Refunds, id, r)
		}
	}
	o.Placed = o.Placed || p.Placed
	o.Counted = o.Counted || p.Counted
	for _, journey := range p.Runs {
		if !slices.Contains(o.Runs, journey) {
			o.Runs = append(o.Runs, journey)
		}
	}
}

// failed returns since when the order's payment has failed, zero if it has not.
func (o *orderState) failed() time.Time {
	if o.Snapshot == nil || (o.Snapshot.Payment != PaymentFailed && o.Snapshot.Payment != PaymentExpired) {
		return time.Time{}
	}
	if o.PaidLast.After(o.At.Time) { // it was paid after all
		return time.Time{}
	}
	return o.At.Time
}

// sale reports whether the order is a sale to a customer that she decided on:
// no renewal, exchange or test.
func (o *orderState) sale() bool {
	if o.Snapshot == nil {
		return false
	}
	switch o.Snapshot.Kind {
	case Renewal, Exchange, TestOrder:
		return false
	}
	return true
}

// accepted reports whether the order stands: it is a sale, not failed, not
// cancelled. It need not be paid yet.
func (o *orderState) accepted() bool {
	return o.sale() && o.failed().IsZero() && o.Cancelled.IsZero()
}

// past is what has happened to the order, as far as it still holds.
func (o *orderState) past() []event {
	if !o.sale() {
		return nil
	}
	var past []event
	add := func(kind FactType, at time.Time) {
		if !at.IsZero() {
			past = append(past, event{kind: kind, at: at, order: o})
		}
	}
	if o.accepted() {
		add(FactOrderPlaced, o.placedAt())
		add(FactOrderCounted, o.counted())
	}
	add(FactOrderPaid, o.Paid)
	add(FactOrderShipped, o.Shipped)
	add(FactOrderDelivered, o.Delivered)
	add(FactOrderCancelled, o.Cancelled)
	return past
}

// counted returns since when the order is a purchase, zero if never: whether it
// still is, see countsAt.
func (o *orderState) counted() time.Time {
	if o.Snapshot == nil || o.Foreign || o.Snapshot.Kind == Exchange || o.Snapshot.Kind == TestOrder || !o.failed().IsZero() {
		return time.Time{}
	}
	at := o.Saved
	switch o.Snapshot.Method {
	case Card:
		at = earliest(o.Authorised, o.Paid)
	case BankTransfer, ConvenienceStore:
		at = o.Paid
	}
	if at.IsZero() {
		return at
	}
	if placed := o.placedAt(); at.Before(placed) || at.Equal(o.Saved) {
		at = placed
	}
	return at
}

// placedAt is when the order was placed, zero before it was saved. It is no
// later than when it was first told of, whatever the cart's clock says.
func (o *orderState) placedAt() time.Time {
	if o.Snapshot == nil || o.Snapshot.PlacedAt.IsZero() {
		return o.Saved
	}
	return earliest(o.Saved, instant(o.Snapshot.PlacedAt))
}

// countsAt reports whether the order is a purchase at t, and with what net
// revenue: cancelled and wholly refunded orders are none.
func (o *orderState) countsAt(t time.Time) (net int64, ok bool) {
	since := o.counted()
	if since.IsZero() || since.After(t) || (!o.Cancelled.IsZero() && !o.Cancelled.After(t)) {
		return 0, false
	}
	net = o.Snapshot.Revenue().Minor
	whole, refunded := false, false
	for _, r := range o.Refunds {
		if r.At.After(t) {
			continue
		}
		net -= r.Amount.Minor
		whole, refunded = whole || r.Whole, true
	}
	if whole || (net <= 0 && refunded) {
		return 0, false
	}
	return net, true
}

func (o *orderState) status() OrderStatus {
	_, counts := o.countsAt(latestTime)
	switch {
	case o.Snapshot == nil:
		return StatusUnknown
	case !o.Cancelled.IsZero():
		return StatusCancelled
	case !o.failed().IsZero():
		return StatusFailed
	case !counts && !o.counted().IsZero():
		return StatusRefunded
	case !o.Delivered.IsZero():
		return StatusDelivered
	case !o.Shipped.IsZero():
		return StatusShipped
	case !o.Paid.IsZero():
		return StatusPaid
	}
	return StatusPlaced
}

// latestTime is later than any fact.
var latestTime = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// row returns the order as a store keeps it.
func (o *orderState) row(d *document, customer string) (OrderRow, error) {
	state, _, err := d.encode(o, nil)
	if err != nil {
		return OrderRow{}, err
	}
	p := o.placed()
	row := OrderRow{
		ID: o.ID, Customer: customer, Status: string(p.Status), Currency: p.Currency(),
		Total: p.Revenue().Minor, PlacedAt: p.PlacedAt, CountedAt: p.CountedAt, State: state,
	}
	if o.Snapshot != nil && !p.CountedAt.IsZero() {
		row.Refunded = row.Total - p.Net.Minor
	} else {
		for _, r := range o.Refunds {
			row.Refunded += r.Amount.Minor
		}
	}
	return row, nil
}

// placed returns the order as callers see it.
func (o *orderState) placed() PlacedOrder {
	p := PlacedOrder{
		Order: Order{ID: o.ID}, Status: o.status(),
		PaidAt: o.Paid, ShippedAt: o.Shipped, DeliveredAt: o.Delivered, CancelledAt: o.Cancelled,
	}
	if o.Snapshot != nil {
		p.Order = *o.Snapshot
		p.PlacedAt = o.placedAt()
	}
	if net, ok := o.countsAt(latestTime); ok {
		p.CountedAt, p.Net = o.counted(), Money{net, p.Currency()}
	}
	for _, r := range o.Refunds {
		p.Refunds = append(p.Refunds, r.Refund)
	}
	slices.SortFunc(p.Refunds, func(a, b Refund) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return p
}

// trimmed returns o without what only its own customer may see.
func (o *orderState) trimmed() *orderState {
	t := *o
	if o.Snapshot != nil {
		t.Snapshot = &Order{
			ID: o.ID, Revision: o.Snapshot.Revision, Kind: o.Snapshot.Kind, Cart: o.Snapshot.Cart,
			PlacedAt: o.placedAt(), Method: o.Snapshot.Method, Payment: o.Snapshot.Payment,
		}
	}
	return &t
}
