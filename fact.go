package crm

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// A Fact is one thing that happened in a shop. Facts are only ever added.
type Fact struct {
	// ID is unique in the shop. Recording a fact again with the same id and
	// content does nothing, so a caller that is not sure records it again.
	ID string
	// Time is when it happened: not zero, at most [MaxAhead] ahead of goen's
	// clock. Facts are ordered by (Time, ID), in whichever order they arrive.
	Time time.Time
	// Customer is the cart's own id of the customer, "" for a guest.
	Customer string
	// Email is the address known with the fact. It says who a guest is; with a
	// Customer it links the guest of that address to the account. One of
	// Customer and Email is needed, except for an anonymous cart.
	Email string
	// Body says what happened.
	Body Body

	// RecordedAt is when goen was told. Set by goen.
	RecordedAt time.Time
	// Imported says that it came by [Shop.Import]: it builds the picture, may
	// end what is under way, and starts nothing. Set by goen.
	Imported bool

	named []string // what keys returned, where it is asked for often
}

// A FactType names a kind of fact.
type FactType string

// The types of fact that are recorded.
const (
	FactCustomerSaved  FactType = "customer_saved"
	FactConsentChanged FactType = "consent_changed"
	FactCartUpdated    FactType = "cart_updated"
	FactOrderSaved     FactType = "order_saved"
	FactOrderPaid      FactType = "order_paid"
	FactOrderShipped   FactType = "order_shipped"
	FactOrderDelivered FactType = "order_delivered"
	FactOrderCancelled FactType = "order_cancelled"
	FactOrderRefunded  FactType = "order_refunded"
	FactCustom         FactType = "custom"
	FactUseStopped     FactType = "use_stopped"
	FactErased         FactType = "customer_erased"
)

// The types of fact that goen derives from others. They are not recorded, but
// journeys start and end on them.
const (
	// FactOrderPlaced: an order was accepted, paid or not. Renewals, exchanges
	// and tests are none.
	FactOrderPlaced FactType = "order_placed"
	// FactOrderCounted: an order became a purchase: see [PaymentMethod].
	FactOrderCounted FactType = "order_counted"
	// FactOrderFailed: the payment of an order failed or expired.
	FactOrderFailed FactType = "order_failed"
	// FactRankChanged: the customer moved on the rank ladder.
	FactRankChanged FactType = "rank_changed"
)

// A Body is what a fact says: one of the types of this package that have a
// FactType method.
type Body interface {
	FactType() FactType
	check(*check)
}

type (
	// CustomerSaved changes a customer's profile.
	CustomerSaved struct{ CustomerPatch }

	// ConsentChanged records an answer to the question for mail.
	ConsentChanged struct{ Consent }

	// CartUpdated tells what a cart holds after a change. It alone may name
	// neither customer nor address.
	CartUpdated struct{ Cart }

	// OrderSaved tells an order as it is now.
	OrderSaved struct{ Order }

	// OrderPaid tells that the money for an order came in.
	OrderPaid struct {
		Order string `json:"order"` // Order is the order's id.
	}

	// OrderShipped tells that an order left the warehouse, for the first time
	// if it goes in several parcels.
	OrderShipped struct {
		Order string `json:"order"`
	}

	// OrderDelivered tells that an order arrived.
	OrderDelivered struct {
		Order string `json:"order"`
	}

	// OrderCancelled tells that an order will not be fulfilled.
	OrderCancelled struct {
		Order string `json:"order"`
	}

	// OrderRefunded tells that money was given back for an order, in whole or
	// in part. Its refund id makes two reports of one refund count once.
	OrderRefunded struct {
		Order  string `json:"order"`
		Refund string `json:"refund"`          // Refund is the refund's id, unique in the order.
		Amount Money  `json:"amount,omitzero"` // Amount is not negative. Ignored if Whole.
		Whole  bool   `json:"whole,omitempty"` // Whole takes back all that is left.
	}

	// Custom is an event of the shop's own.
	Custom struct {
		Name       string            `json:"name"`
		Attributes map[string]string `json:"attributes,omitempty"`
	}

	// UseStopped asks to use a customer's data no longer: from then on she is
	// sent transactional mails alone, whatever she consented to. Lifted takes
	// an earlier request back.
	UseStopped struct {
		Lifted bool `json:"lifted,omitempty"`
	}

	// CustomerErased asks to forget a customer: her picture, facts' contents,
	// orders and mails go, what is under way ends, and facts about her that
	// are older than this one are ignored from now on.
	CustomerErased struct{}
)

// FactType returns [FactCustomerSaved].
func (CustomerSaved) FactType() FactType { return FactCustomerSaved }

// FactType returns [FactConsentChanged].
func (ConsentChanged) FactType() FactType { return FactConsentChanged }

// FactType returns [FactCartUpdated].
func (CartUpdated) FactType() FactType { return FactCartUpdated }

// FactType returns [FactOrderSaved].
func (OrderSaved) FactType() FactType { return FactOrderSaved }

// FactType returns [FactOrderPaid].
func (OrderPaid) FactType() FactType { return FactOrderPaid }

// FactType returns [FactOrderShipped].
func (OrderShipped) FactType() FactType { return FactOrderShipped }

// FactType returns [FactOrderDelivered].
func (OrderDelivered) FactType() FactType { return FactOrderDelivered }

// FactType returns [FactOrderCancelled].
func (OrderCancelled) FactType() FactType { return FactOrderCancelled }

// FactType returns [FactOrderRefunded].
func (OrderRefunded) FactType() FactType { return FactOrderRefunded }

// FactType returns [FactCustom].
func (Custom) FactType() FactType { return FactCustom }

// FactType returns [FactUseStopped].
func (UseStopped) FactType() FactType { return FactUseStopped }

// FactType returns [FactErased].
func (CustomerErased) FactType() FactType { return FactErased }

func (b CustomerSaved) check(c *check)  { c.in("Customer", func() { b.CustomerPatch.check(c) }) }
func (b ConsentChanged) check(c *check) { c.in("Consent", func() { b.Consent.check(c) }) }
func (b CartUpdated) check(c *check)    { c.in("Cart", func() { b.Cart.check(c) }) }
func (b OrderSaved) check(c *check)     { c.in("Order", func() { b.Order.check(c) }) }
func (b OrderPaid) check(c *check)      { c.id("Order", b.Order) }
func (b OrderShipped) check(c *check)   { c.id("Order", b.Order) }
func (b OrderDelivered) check(c *check) { c.id("Order", b.Order) }
func (b OrderCancelled) check(c *check) { c.id("Order", b.Order) }
func (b OrderRefunded) check(c *check) {
	c.id("Order", b.Order)
	c.id("Refund", b.Refund)
	c.price("Amount", b.Amount)
	if b.Amount.IsZero() && !b.Whole {
		c.add("Amount", ErrRequired)
	}
}
func (b Custom) check(c *check) {
	c.id("Name", b.Name)
	c.attributes("Attributes", b.Attributes)
}
func (UseStopped) check(*check)     {}
func (CustomerErased) check(*check) {}

// Validate reports the first field of f that cannot be recorded, as a
// [FieldError]. Whether its time lies too far ahead only Record can tell.
func (f Fact) Validate() error {
	f.Body = value(f.Body)
	var c check
	c.id("ID", f.ID)
	if f.Time.IsZero() {
		c.add("Time", ErrTimeZero)
	}
	c.time("Time", f.Time)
	if f.Customer != "" {
		c.id("Customer", f.Customer)
		if !isAccount(f.Customer) {
			c.add("Customer", ErrReserved)
		}
	}
	c.text("Email", f.Email, MaxName)
	if f.Body == nil {
		c.add("Body", ErrRequired)
		return c.err()
	}
	if empty, ok := bodies[f.Body.FactType()]; !ok || reflect.TypeOf(f.Body) != reflect.TypeOf(value(empty())) {
		c.add("Body", ErrUnknown) // a type that embeds one of ours would come back as ours
		return c.err()
	}
	f.Body.check(&c)
	if len(f.keys()) == 0 || (f.Customer == "" && f.email() == "" && f.Body.FactType() != FactCartUpdated) {
		c.add("Customer", ErrNoCustomer)
	}
	if _, ok := f.Body.(ConsentChanged); ok && f.addressKey() == "" {
		c.add("Consent.Email", ErrRequired) // an answer is about an address
	}
	return c.err()
}

// compare orders facts by (time, id).
func (f Fact) compare(g Fact) int { return f.stamp().compare(g.stamp()) }

// bodies makes an empty body of each type, for decoding.
var bodies = map[FactType]func() Body{
	FactCustomerSaved:  func() Body { return new(CustomerSaved) },
	FactConsentChanged: func() Body { return new(ConsentChanged) },
	FactCartUpdated:    func() Body { return new(CartUpdated) },
	FactOrderSaved:     func() Body { return new(OrderSaved) },
	FactOrderPaid:      func() Body { return new(OrderPaid) },
	FactOrderShipped:   func() Body { return new(OrderShipped) },
	FactOrderDelivered: func() Body { return new(OrderDelivered) },
	FactOrderCancelled: func() Body { return new(OrderCancelled) },
	FactOrderRefunded:  func() Body { return new(OrderRefunded) },
	FactCustom:         func() Body { return new(Custom) },
	FactUseStopped:     func() Body { return new(UseStopped) },
	FactErased:         func() Body { return new(CustomerErased) },
}

// value turns a pointer to a body, as a decoder fills it or a caller may pass
// it, into the plain value that type switches look for; a nil pointer into nil.
func value(b Body) Body {
	v := reflect.ValueOf(b)
	if v.Kind() != reflect.Pointer {
		return b
	}
	if v.IsNil() {
		return nil
	}
	return v.Elem().Interface().(Body)
}

// factJSON is a fact's JSON form.
type factJSON struct {
	ID         string          `json:"id"`
	Type       FactType        `json:"type"`
	Time       time.Time       `json:"time"`
	Customer   string          `json:"customer,omitempty"`
	Email      string          `json:"email,omitempty"`
	RecordedAt time.Time       `json:"recorded_at,omitzero"`
	Imported   bool            `json:"imported,omitempty"`
	Data       json.RawMessage `json:"data"`
}

// MarshalJSON writes f with its type beside its data:
//
//	{"id": "…", "type": "order_paid", "time": "…", "customer": "…", "data": {"order": "…"}}
func (f Fact) MarshalJSON() ([]byte, error) {
	form, err := f.form()
	if err != nil {
		return nil, err
	}
	return form.encode("")
}

// form returns f as it is written.
func (f Fact) form() (*factForm, error) {
	if f.Body = value(f.Body); f.Body == nil {
		return nil, &FieldError{Field: "Body", Err: ErrRequired}
	}
	form := &factForm{factJSON: factJSON{
		ID: f.ID, Type: f.Body.FactType(), Time: instant(f.Time), Customer: f.Customer, Email: f.Email,
		RecordedAt: instant(f.RecordedAt), Imported: f.Imported,
	}}
	return form, form.data(f.Body)
}

// UnmarshalJSON reads what MarshalJSON writes. A type that is not known is an
// error of kind [ErrUnknown].
func (f *Fact) UnmarshalJSON(b []byte) error {
	var j factJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	fact, err := j.fact(json.Unmarshal)
	if err == nil {
		*f = fact
	}
	return err
}

// fact returns the fact whose form j is. Its body is read by decode.
func (j factJSON) fact(decode func([]byte, any) error) (Fact, error) {
	empty, ok := bodies[j.Type]
	if !ok {
		return Fact{}, &FieldError{Field: "Type", Err: ErrUnknown}
	}
	body := empty()
	if len(j.Data) > 0 {
		if err := decode(j.Data, body); err != nil {
			return Fact{}, fmt.Errorf("crm: fact data: %w", err)
		}
	}
	return Fact{ID: j.ID, Time: j.Time, Customer: j.Customer, Email: j.Email, RecordedAt: j.RecordedAt, Imported: j.Imported, Body: value(body)}, nil
}

// factVersion is the version of the canonical form that is hashed.
const factVersion = "goen fact 1\n"

// canonical brings times and empty lists in a body into one form, so that a
// fact told again has the same hash though it came back from the cart's own
// database in another time zone or with fewer decimals.
func canonical(b Body) Body {
	at := func(t *time.Time) *time.Time {
		if t != nil {
			t = new(instant(*t))
		}
		return t
	}
	switch b := b.(type) {
	case CustomerSaved:
		b.Registered, b.Withdrawn = at(b.Registered), at(b.Withdrawn)
		if b.Baseline != nil {
			base := *b.Baseline
			base.FirstOrder, base.LastOrder = instant(base.FirstOrder), instant(base.LastOrder)
			b.Baseline = &base
		}
		return b
	case CartUpdated:
		b.UpdatedAt = time.Time{} // goen's to set
		if len(b.Items) == 0 {
			b.Items = nil
		}
		return b
	case OrderSaved:
		b.PlacedAt, b.Promised = instant(b.PlacedAt), instant(b.Promised)
		if len(b.Lines) == 0 {
			b.Lines = nil
		}
		return b
	}
	return b
}

// prepare checks f and returns it as a store keeps it.
func (f Fact) prepare(now time.Time) (FactRow, error) {
	f.Body = value(f.Body)
	f.named = f.keys()
	if err := f.Validate(); err != nil {
		return FactRow{}, err
	}
	if f.Time.After(now.Add(MaxAhead)) {
		return FactRow{}, &FieldError{Field: "Time", Err: ErrFuture}
	}
	f.RecordedAt = now
	return f.row()
}

// row returns f as a store keeps it. f is valid and has its RecordedAt.
func (f Fact) row() (FactRow, error) {
	recorded, imported := f.RecordedAt, f.Imported
	f.RecordedAt, f.Imported = time.Time{}, false // told in another way, it is the same fact
	f.Body = canonical(value(f.Body))
	form, err := f.form()
	if err != nil {
		return FactRow{}, err
	}
	hashed, err := form.encode(factVersion)
	if err != nil {
		return FactRow{}, err
	}
	content := hashed[len(factVersion):]
	if len(content) > MaxFact {
		return FactRow{}, &FieldError{Field: "Body", Problem: fmt.Sprintf("is longer than %d bytes as JSON", MaxFact), Err: ErrTooLong}
	}
	sum := sha256.Sum256(hashed)
	if form.Imported = imported; imported {
		if content, err = form.encode(""); err != nil {
			return FactRow{}, err
		}
	}
	keys := f.keys()
	return FactRow{
		ID: f.ID, Customer: keys[0], Keys: slices.Clip(keys), Type: string(f.Body.FactType()),
		Time: instant(f.Time), RecordedAt: instant(recorded), Hash: sum[:], Body: content,
	}, nil
}

// fact returns the fact that r holds.
func (r FactRow) fact() (Fact, error) {
	if len(r.Body) == 0 {
		return Fact{ID: r.ID, Time: r.Time, RecordedAt: r.RecordedAt}, ErrErased
	}
	var j factJSON
	if err := decodeDocument(r.Body, &j); err != nil {
		return Fact{}, err
	}
	j.RecordedAt = r.RecordedAt
	return j.fact(decodeBody)
}
