package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// A counter is where the shop's carts record facts, and where journeys are
// published: a process with an exact clock, whose calls go wrong too.
type counter struct {
	*simulation
	shop *crm.Shop
}

// A counterStore is the store as the counter sees it: between two of its calls
// nobody else has a turn.
type counterStore struct {
	crm.Store
	*counter
}

func newCounter(s *simulation) (*counter, error) {
	c := &counter{simulation: s}
	var err error
	c.shop, err = reader(&counterStore{s.store, c}, func() time.Time { return s.now })
	return c, err
}

func (c *counter) call(what string, do func() error) error {
	fault := c.fault(storeBands)
	if fault == Torn || fault == Lost {
		c.inject("counter", fault, what)
	}
	if fault == Torn {
		return errTorn
	}
	err := do()
	c.ledger.step++
	if fault == Lost {
		return errLost
	}
	return err
}

// Append implements [crm.Appender].
func (s *counterStore) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	return s.call("append", func() error { return s.commit(ctx, shop, facts) })
}

// commit is when facts come to be known.
func (c *counter) commit(ctx context.Context, shop string, facts []crm.FactRow) error {
	if err := c.store.Append(ctx, shop, facts); err != nil {
		return err
	}
	for _, f := range facts {
		c.ledger.commit(f.ID)
		c.trace.note(c.now, "counter", "committed "+f.ID)
	}
	c.stir()
	return nil
}

// Define implements crm.Store.
func (s *counterStore) Define(ctx context.Context, shop string, d crm.Definition) (stored crm.Definition, err error) {
	err = s.call("define", func() error {
		stored, err = s.store.Define(ctx, shop, d)
		s.ledger.published(stored)
		s.trace.note(s.now, "counter", fmt.Sprintf("published %s %s version %d", stored.Kind, stored.ID, stored.Version))
		return err
	})
	return stored, err
}

// A cart is a transaction of a cart's: what it records is held back until it
// commits.
type cart struct{ facts []crm.FactRow }

// Append implements crm.Appender.
func (t *cart) Append(_ context.Context, _ string, facts []crm.FactRow) error {
	t.facts = append(t.facts, facts...)
	return nil
}

// tell records a fact, again until it is known to be recorded.
func (c *counter) tell(t *Telling) {
	ctx := context.Background()
	if t.Open > 0 {
		transaction := new(cart)
		if err := c.shop.RecordIn(ctx, transaction, t.Fact); err == nil {
			c.trace.note(c.now, "counter", "opened a transaction with "+t.Fact.ID)
			c.at(c.now.Add(t.Open), func() { c.finish(transaction) })
			return
		}
	}
	if err := c.shop.Record(ctx, t.Fact); err != nil {
		c.retry(err, func() { c.tell(t) })
	}
}

// finish commits a cart's transaction.
func (c *counter) finish(t *cart) {
	if err := c.call("commit", func() error { return c.commit(context.Background(), shopID, t.facts) }); err != nil {
		c.retry(err, func() { c.finish(t) })
	}
}

// publish puts out a release.
func (c *counter) publish(r Release, number int) {
	var err error
	if r.Journey != nil {
		_, err = c.shop.Publish(context.Background(), r.Journey.journey)
	} else {
		for _, t := range templates(number + 2) {
			if err == nil {
				_, err = c.shop.PublishTemplate(context.Background(), t)
			}
		}
	}
	if err != nil {
		c.retry(err, func() { c.publish(r, number) })
	}
}

// retry does something again that failed because the connection broke.
func (c *counter) retry(err error, again func()) {
	if !errors.Is(err, errTorn) && !errors.Is(err, errLost) {
		c.ledger.blame("complete: the counter cannot go on: %v", err)
		return
	}
	c.trace.note(c.now, "counter", "will try again: "+err.Error())
	c.at(c.now.Add(10*time.Millisecond), again)
}
