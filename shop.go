package crm

import (
	"context"
	"iter"
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

// RecordIn records facts in a transaction of the caller's, as the store wraps
// it: store.Tx(tx). If the transaction rolls back, the facts were never
// recorded. Use it, and not Record, while a transaction of yours is open: Record
// would wait for that on a database with one writer.
//
// It runs no statement outside the transaction once this CRM knows the shop, as
// it does after [Shop.Configure].
func (s *Shop) RecordIn(ctx context.Context, tx Appender, facts ...Fact) error {
	if len(facts) == 0 {
		return nil
	}
	if err := s.crm.knows(ctx, s.id); err != nil {
		return err
	}
	now := s.crm.now()
	rows := make([]FactRow, len(facts))
	for i, f := range facts {
		f.Imported = false
		var err error
		if rows[i], err = f.prepare(now); err != nil {
			return &BatchError{Index: i, ID: f.ID, Err: err}
		}
	}
	if err := tx.Append(ctx, s.id, rows); err != nil {
		return err
	}
	s.crm.wake(s.id)
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
	if p.gone() {
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
		var page []*record
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{}) {
			if err != nil {
				yield(nil, err)
				return
			}
			if isCart(row.ID) {
				continue
			}
			r := (&household{}).read(row)
			if r.broken {
				yield(nil, errNewerCore)
				return
			}
			if r.state.Owner != "" {
				continue
			}
			if page = append(page, r); len(page) == maxPage {
				if !s.turn(ctx, d, now, page, yield) {
					return
				}
				page = page[:0]
			}
		}
		s.turn(ctx, d, now, page, yield)
	}
}

// maxPage is how many customers everyone looks after at once.
const maxPage = 256

// turn yields a page of customers, and reports whether to go on.
func (s *Shop) turn(ctx context.Context, d *definitions, now time.Time, page []*record, yield func(*person, error) bool) bool {
	stirred, err := s.stirred(ctx, now, page)
	if err != nil {
		yield(nil, err)
		return false
	}
	for _, r := range page {
		var p *person
		if !stirred[r.row.ID] {
			p = newPerson(newGroup(d, now, []*record{r}, new(Changes)), r)
			if next := p.nextTimer(); next != nil && !next.at.After(now) {
				stirred[r.row.ID] = true // by definitions published since she was folded
			}
		}
		if stirred[r.row.ID] {
			v, err := s.viewBy(ctx, d, now, r.row.ID)
			if err != nil {
				yield(nil, err)
				return false
			}
			p = v.person
		}
		if p == nil || p.key != r.row.ID || p.gone() {
			continue
		}
		if p.damaged {
			yield(nil, errNewerCore)
			return false
		}
		if !yield(p, nil) {
			return false
		}
	}
	return true
}

// stirred returns who of a page is not as a worker left her: a timer of hers
// is due, or facts wait for her or under an address or cart of hers.
func (s *Shop) stirred(ctx context.Context, now time.Time, page []*record) (map[string]bool, error) {
	stirred := make(map[string]bool)
	byPlace := make(map[string][]string)
	for _, r := range page {
		if due := earliest(r.row.NextDue, r.row.NextReview); len(r.row.Pending) > 0 || (!due.IsZero() && !due.After(now)) {
			stirred[r.row.ID] = true
			continue
		}
		for place := range r.state.Places {
			byPlace[place] = append(byPlace[place], r.row.ID)
		}
	}
	if len(byPlace) == 0 {
		return stirred, nil
	}
	for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: sortedKeys(byPlace)}) {
		if err != nil {
			return nil, err
		}
		if len(row.Pending) > 0 {
			for _, id := range byPlace[row.ID] {
				stirred[id] = true
			}
		}
	}
	return stirred, nil
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
