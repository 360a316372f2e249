package crm

import "time"

// An OrderKind says what sort of sale an order is.
type OrderKind string

// The kinds of order. Tests and exchanges are never purchases; a renewal is
// revenue, but neither a second purchase nor a reason to stop a cart mail.
const (
	OneOff            OrderKind = "" // the ordinary sale
	SubscriptionFirst OrderKind = "subscription_first"
	Renewal           OrderKind = "renewal"
	PreOrder          OrderKind = "pre_order"
	Exchange          OrderKind = "exchange"
	TestOrder         OrderKind = "test"
)

// A PaymentMethod says when an order counts as bought.
type PaymentMethod string

// The payment methods. Any other value is allowed and counts like
// [CashOnDelivery]: as soon as the order is accepted.
const (
	Card             PaymentMethod = "card"              // counts when authorised
	BankTransfer     PaymentMethod = "bank_transfer"     // counts when paid
	ConvenienceStore PaymentMethod = "convenience_store" // counts when paid
	CashOnDelivery   PaymentMethod = "cash_on_delivery"  // counts when accepted
)

// A PaymentState is how far the payment of an order has come.
type PaymentState string

// The states of a payment. The empty state means that nothing is wrong with it
// as far as the cart knows: a card counts as authorised.
const (
	PaymentOpen       PaymentState = ""
	PaymentPending    PaymentState = "pending"
	PaymentAuthorised PaymentState = "authorised"
	PaymentPaid       PaymentState = "paid"
	PaymentFailed     PaymentState = "failed"
	PaymentExpired    PaymentState = "expired"
)

// An Order is a sale as the cart knows it at one moment. Saving it again with a
// higher Revision replaces what was known; what happens to it later (paid,
// shipped, delivered, cancelled, refunded) is told by facts of their own.
type Order struct {
	ID       string    `json:"id"`
	Number   string    `json:"number,omitempty"`   // Number is what the customer sees. Defaults to ID in mails.
	Revision int       `json:"revision,omitempty"` // Revision orders snapshots; equal ones go by the fact's time.
	Kind     OrderKind `json:"kind,omitempty"`
	Channel  string    `json:"channel,omitempty"`  // Channel is where it was sold: "shop", "app", "store", "mall", ….
	Cart     string    `json:"cart,omitempty"`     // Cart is the id of the cart that became this order.
	PlacedAt time.Time `json:"placed_at,omitzero"` // PlacedAt defaults to the fact's time.
	Promised time.Time `json:"promised,omitzero"`  // Promised is when the goods are promised for.
	Gift     bool      `json:"gift,omitempty"`     // Gift reports that somebody else gets the goods.

	Method  PaymentMethod `json:"method,omitempty"`
	Payment PaymentState  `json:"payment,omitempty"`

	Lines      []LineItem `json:"lines"`
	Discount   Money      `json:"discount,omitzero"`    // Discount is taken off the goods, coupons included; not negative.
	Shipping   Money      `json:"shipping,omitzero"`    // Shipping is what delivery costs.
	Fees       Money      `json:"fees,omitzero"`        // Fees are other charges, such as for cash on delivery.
	PointsUsed Money      `json:"points_used,omitzero"` // PointsUsed is the value of points paid with.
	// Tax is the tax on the goods that is not in their prices: zero where
	// prices include it, as in Japan.
	Tax Money `json:"tax,omitzero"`
}

// Goods is the price of all lines.
func (o Order) Goods() Money { return sumLines(o.Lines) }

// Revenue is what the shop earns with the order: goods after discount, tax
// included, without shipping and fees, before points. It is never negative.
func (o Order) Revenue() Money {
	m := o.Goods()
	m.Minor = max(0, m.Minor-o.Discount.Minor+o.Tax.Minor)
	m.Currency = o.Currency()
	return m
}

// Currency is the one currency of all its amounts, "" if it has none.
func (o Order) Currency() string {
	for _, l := range o.Lines {
		if l.Price.Currency != "" {
			return l.Price.Currency
		}
	}
	for _, m := range []Money{o.Discount, o.Shipping, o.Fees, o.PointsUsed, o.Tax} {
		if m.Currency != "" {
			return m.Currency
		}
	}
	return ""
}

// Validate reports the first field that cannot be stored.
func (o Order) Validate() error {
	var c check
	o.check(&c)
	return c.err()
}

func (o Order) check(c *check) {
	c.id("ID", o.ID)
	c.label("Number", o.Number, MaxID)
	if o.Revision < 0 {
		c.add("Revision", ErrNegative)
	}
	switch o.Kind {
	case OneOff, SubscriptionFirst, Renewal, PreOrder, Exchange, TestOrder:
	default:
		c.add("Kind", ErrUnknown)
	}
	c.label("Channel", o.Channel, MaxName)
	c.label("Cart", o.Cart, MaxID-len(cartPrefix))
	c.time("PlacedAt", o.PlacedAt)
	c.time("Promised", o.Promised)
	c.label("Method", string(o.Method), MaxName)
	switch o.Payment {
	case PaymentOpen, PaymentPending, PaymentAuthorised, PaymentPaid, PaymentFailed, PaymentExpired:
	default:
		c.add("Payment", ErrUnknown)
	}
	checkLines(c, "Lines", o.Lines, o.Discount, o.Shipping, o.Fees, o.PointsUsed, o.Tax)
	c.price("Discount", o.Discount)
	c.price("Shipping", o.Shipping)
	c.price("Fees", o.Fees)
	c.price("PointsUsed", o.PointsUsed)
	c.price("Tax", o.Tax)
}

// An OrderStatus sums up the life of an order.
type OrderStatus string

// The states of an order.
const (
	StatusUnknown   OrderStatus = "unknown" // something happened to it, but the order itself was never saved
	StatusPlaced    OrderStatus = "placed"
	StatusPaid      OrderStatus = "paid"
	StatusShipped   OrderStatus = "shipped"
	StatusDelivered OrderStatus = "delivered"
	StatusFailed    OrderStatus = "payment_failed"
	StatusCancelled OrderStatus = "cancelled"
	StatusRefunded  OrderStatus = "refunded" // in whole; an order refunded in part keeps its status
)

// A Refund is money given back for an order.
type Refund struct {
	ID     string    `json:"id"`     // ID is unique in the order.
	Amount Money     `json:"amount"` // Amount is part of the order's revenue.
	Whole  bool      `json:"whole,omitempty"`
	At     time.Time `json:"at"`
}

// A PlacedOrder is an order with what has happened to it. Times are zero while
// a thing has not happened.
type PlacedOrder struct {
	Order
	Status      OrderStatus `json:"status"`
	CountedAt   time.Time   `json:"counted_at,omitzero"` // CountedAt is since when it is a purchase; zero if it is none (any more).
	PaidAt      time.Time   `json:"paid_at,omitzero"`
	ShippedAt   time.Time   `json:"shipped_at,omitzero"`
	DeliveredAt time.Time   `json:"delivered_at,omitzero"`
	CancelledAt time.Time   `json:"cancelled_at,omitzero"`
	Refunds     []Refund    `json:"refunds,omitempty"` // Refunds are in order of time.
	Net         Money       `json:"net"`               // Net is the revenue less refunds; zero if it does not count.
}
