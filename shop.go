package crm

import (
	"context"
	"iter"
	"slices"
	"time"
)

// A Shop is a handle on one shop (tenant). It holds nothing and is safe for
// concurrent use.
type Shop struct {
	crm *CRM
	id  string
}

// ID is the shop's id.
func (s *Shop) ID() string { return s.id }

// Record adds facts, durably: all of them, or none. It only appends, so it is
// quick; what follows from the facts is worked out by a worker (see [CRM.Run]).
//
// A fact that is on record already with the same content is passed over:
// whoever does not know whether a call succeeded calls again. Any other
// problem is a *[BatchError], which names the fact and wraps [ErrConflict] or a
// [FieldError]; then nothing was recorded. A shop without settings gives
// [ErrUnknownShop].
func (s *Shop) Record(ctx context.Context, facts ...Fact) error {
	return s.RecordIn(ctx, s.crm.store, facts...)
}

// RecordIn records facts in a transaction of the caller's, as the store's own
// package wraps it: sqlite.Tx(tx). If the transaction rolls back, the facts
// were never recorded.
func (s *Shop) RecordIn(ctx context.Context, tx Appender, facts ...Fact) error {
	if len(facts) == 0 {
		return nil
	}
	if _, err := s.crm.definitions(ctx, s.id); err != nil {
		return err
	}
	now := s.crm.now()
	rows := make([]FactRow, len(facts))
	for i, f := range facts {
		err := f.Validate()
		if err == nil && f.Time.After(now.Add(MaxAhead)) {
			err = &FieldError{Field: "Time", Err: ErrFuture}
		}
		if err == nil {
			f.RecordedAt = now
			rows[i], err = f.row()
		}
		if err != nil {
			return &BatchError{Index: i, ID: f.ID, Err: err}
		}
	}
	if err := tx.Append(ctx, s.id, rows); err != nil {
		return err
	}
	select {
	case s.crm.wake <- struct{}{}:
	default: // somebody was told already
	}
	return nil
}

// definitions reads the shop's definitions afresh: what another process has
// published counts.
func (s *Shop) definitions(ctx context.Context) (*definitions, error) {
	return s.crm.reload(ctx, s.id)
}

// Customer returns a customer's picture, with all facts recorded and all timers
// due by now. The id is the cart's own, or [GuestKey] of a guest's address; a
// guest who has an account by now gives the account. It returns [ErrNotFound]
// for a customer no fact ever named, and [ErrErased] for one who was erased and
// not seen since.
func (s *Shop) Customer(ctx context.Context, id string) (*Customer, error) {
	v, err := s.view(ctx, id)
	if err != nil {
		return nil, err
	}
	p := v.person
	if p == nil {
		return nil, ErrNotFound
	}
	if !p.state.Erased.zero() && len(p.state.Fields) == 0 && len(p.orders) == 0 && len(p.state.Carts) == 0 {
		return nil, ErrErased
	}
	return p.picture(), nil
}

// Customers streams all customers in order of key, as [Shop.Customer] shows
// each. It holds no lock; customers that change while it runs may be shown
// before or after the change.
func (s *Shop) Customers(ctx context.Context) iter.Seq2[*Customer, error] {
	return func(yield func(*Customer, error) bool) {
		for p, err := range s.everyone(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(p.picture(), nil) {
				return
			}
		}
	}
}

// Members streams the customers for whom a rule holds now, in order of key.
func (s *Shop) Members(ctx context.Context, r Rule) iter.Seq2[*Customer, error] {
	return func(yield func(*Customer, error) bool) {
		if err := r.Validate(); err != nil {
			yield(nil, err)
			return
		}
		for p, err := range s.everyone(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			if r.holds(p.scope(p.now, nil, "")) && !yield(p.picture(), nil) {
				return
			}
		}
	}
}

// everyone streams all customers but those who turned out to be others, were
// erased, or are carts without a name.
func (s *Shop) everyone(ctx context.Context) iter.Seq2[*person, error] {
	return func(yield func(*person, error) bool) {
		d, err := s.definitions(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		now := s.crm.now()
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{}) {
			if err != nil {
				yield(nil, err)
				return
			}
			if isCart(row.ID) {
				continue
			}
			var p *person
			if len(row.Pending) > 0 || (!row.NextDue.IsZero() && !row.NextDue.After(now)) {
				v, err := s.viewBy(ctx, d, now, row.ID)
				if err != nil {
					yield(nil, err)
					return
				}
				p = v.person
			} else {
				r := (&household{}).read(row)
				if r.broken {
					yield(nil, errNewerCore)
					return
				}
				p = newPerson(newGroup(d, now, []*record{r}, new(Changes)), r)
			}
			if p == nil || p.key != row.ID || p.state.Owner != "" ||
				(!p.state.Erased.zero() && len(p.state.Fields) == 0 && len(p.orders) == 0) {
				continue
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Messages streams messages in order of their due time. For one customer they
// are as they would be if every recorded fact had been folded; for a whole shop
// as the workers left them.
func (s *Shop) Messages(ctx context.Context, q MessageQuery) iter.Seq2[Message, error] {
	if q.Customer == "" {
		return s.crm.store.Messages(ctx, s.id, q)
	}
	return func(yield func(Message, error) bool) {
		v, err := s.view(ctx, q.Customer)
		if err != nil {
			yield(Message{}, err)
			return
		}
		messages, err := v.messages(ctx, q)
		if err != nil {
			yield(Message{}, err)
			return
		}
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// Decisions streams the shop's decision log, oldest entry first.
func (s *Shop) Decisions(ctx context.Context) iter.Seq2[Decision, error] {
	return s.crm.store.Decisions(ctx, s.id, DecisionQuery{})
}

// picture is p as callers see it.
func (p *person) picture() *Customer {
	c := &Customer{
		ID: p.key, Guest: !isAccount(p.key), Profile: p.state.profile(), Rank: p.standing(),
		Purchases: summarize(p.orders, p.baseline(), p.d.settings.Currency, latestTime),
	}
	c.Mailable = c.Email != "" && !p.d.unmailable(c.Email)
	for _, key := range sortedKeys(p.state.Consents) {
		consent := p.state.Consents[key].Consent
		c.Consents = append(c.Consents, consent)
	}
	for _, id := range sortedKeys(p.orders) {
		c.Orders = append(c.Orders, p.orders[id].placed())
	}
	slices.SortStableFunc(c.Orders, func(a, b PlacedOrder) int { return a.PlacedAt.Compare(b.PlacedAt) })
	for _, id := range sortedKeys(p.state.Carts) {
		if cart := p.state.Carts[id].Cart; !cart.empty() {
			c.Carts = append(c.Carts, cart)
		}
	}
	slices.SortStableFunc(c.Carts, func(a, b Cart) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	for _, e := range p.state.Enrollments {
		if !e.Done {
			c.Enrollments = append(c.Enrollments, Enrollment{
				ID: e.ID, Journey: e.Journey, Version: e.Version, Order: e.Order, Cart: e.Cart,
				Since: e.Since, Step: e.Step, Due: e.Due,
			})
		}
	}
	slices.SortStableFunc(c.Enrollments, func(a, b Enrollment) int { return a.Due.Compare(b.Due) })
	return c
}

// view is a customer as of an instant, worked out in memory: what a worker
// would make of her now, without writing it.
type view struct {
	shop    *Shop
	person  *person // nil if nobody goes by that id
	changes *Changes
}

func (s *Shop) view(ctx context.Context, id string) (*view, error) {
	d, err := s.crm.definitions(ctx, s.id)
	if err != nil {
		return nil, err
	}
	return s.viewBy(ctx, d, s.crm.now(), id)
}

func (s *Shop) viewBy(ctx context.Context, d *definitions, now time.Time, id string) (*view, error) {
	h, err := s.load(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	changes, persons, problems := fold(d, now, h)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	v := &view{shop: s, changes: changes}
	for range 3 { // cart → guest → account
		r := h.records[id]
		if r == nil || r.state.Owner == "" {
			break
		}
		id = r.state.Owner
	}
	for _, p := range persons {
		if p.key == id {
			v.person = p
		}
	}
	return v, nil
}

// load gathers customers without locking them.
func (s *Shop) load(ctx context.Context, ids []string) (*household, error) {
	read := func(ids []string) ([]CustomerRow, error) {
		var rows []CustomerRow
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: ids}) {
			if err != nil {
				return nil, err
			}
			q := MessageQuery{Customer: row.ID, States: []MessageState{MessageQueued, MessageClaimed}}
			for m, err := range s.crm.store.Messages(ctx, s.id, q) {
				if err != nil {
					return nil, err
				}
				row.Messages = append(row.Messages, m)
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	rows, err := read(ids)
	if err != nil {
		return nil, err
	}
	return gather(&Work{Customers: rows, Lock: read})
}

// keys are those under which v's rows may be stored.
func (v *view) keys() []string {
	keys := []string{v.person.key}
	for _, m := range v.changes.Move {
		if m.To == v.person.key {
			keys = append(keys, m.From)
		}
	}
	return keys
}

// messages are the stored ones with v's changes on top.
func (v *view) messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	if v.person == nil {
		return nil, ErrNotFound
	}
	var list []Message
	states := q.States
	q.States = nil
	for _, key := range v.keys() {
		q.Customer = key
		for m, err := range v.shop.crm.store.Messages(ctx, v.shop.id, q) {
			if err != nil {
				return nil, err
			}
			m.Customer = v.person.key
			list = append(list, m)
		}
	}
	for _, skip := range v.changes.Skip {
		for i := range list {
			if list[i].ID == skip.Message {
				list[i].State, list[i].Reason, list[i].SettledAt = MessageSkipped, skip.Reason, skip.At
			}
		}
	}
	for _, m := range v.changes.Queue {
		stored := slices.ContainsFunc(list, func(o Message) bool { return o.ID == m.ID })
		if m.Customer == v.person.key && !stored && (q.ID == "" || q.ID == m.ID) {
			list = append(list, m)
		}
	}
	list = slices.DeleteFunc(list, func(m Message) bool { return states != nil && !slices.Contains(states, m.State) })
	slices.SortStableFunc(list, func(a, b Message) int { return a.SendAt.Compare(b.SendAt) })
	return list, nil
}
