package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

const (
	// shops and tills are how many shops there are, and how many customers
	// each serves at a time.
	shops, tills = 8, 6
	// insistence is how long the driver goes on telling a batch until it knows
	// that it is on record.
	insistence = time.Minute
	// tellTimeout bounds one attempt, but for the time the cart takes.
	tellTimeout = 15 * time.Second
	// putOff is how far an ambush moves the clock: the first pause after a
	// failure, and a little more.
	putOff = 65 * time.Second
)

// A Driver acts out stories: it tells goen what happens, and writes down what
// it told.
type Driver struct {
	ledger  *Ledger
	clock   *Clock
	weather *Weather
	till    Till
	crm     *crm.CRM
	tellers []*teller
	suspend func(time.Duration) error // suspend moves the clock on.

	mu       sync.Mutex
	ambushed time.Time     // ambushed is when the clock was moved on last.
	rest     time.Duration // rest is how long after that it is not moved on again.
}

// NewDriver opens the cart's side of a database, whose shops it makes known.
func NewDriver(ctx context.Context, d Database, seed uint64, ledger *Ledger, clock *Clock, weather *Weather) (*Driver, error) {
	till, err := d.Till(ctx)
	if err != nil {
		return nil, err
	}
	nobody := mailer.Func(func(context.Context, *mailer.Message) error {
		return mailer.Temporary(errors.New("the driver does not send"))
	})
	driver := &Driver{ledger: ledger, clock: clock, weather: weather, till: till}
	// Without what the store can do beyond the interface: it has a clock of its own.
	store := struct{ crm.Store }{till.Store()}
	if driver.crm, err = crm.New(store, nobody, &crm.Config{Clock: clock.Now}); err != nil {
		return nil, errors.Join(err, till.Close())
	}
	longHold := 3 * time.Second
	if !d.manyWriters() {
		longHold = 40 * time.Millisecond
	}
	for i := range shops * tills {
		driver.tellers = append(driver.tellers, &teller{
			shop: shopIDs(shops)[i%shops], name: "p" + string(rune('a'+i%26)) + string(rune('a'+i/26)), longHold: longHold,
			random: rand.New(rand.NewPCG(seed, 100+uint64(i))),
		})
	}
	return driver, driver.publish(ctx)
}

// publish makes the shops known. Facts from before that start nothing, and some
// are a minute old when they are told.
func (d *Driver) publish(ctx context.Context) error {
	const before = 10 * time.Minute
	if err := d.clock.Advance(-before); err != nil {
		return err
	}
	for _, id := range shopIDs(shops) {
		if err := Publish(ctx, d.crm.Shop(id)); err != nil {
			return err
		}
	}
	return d.clock.Advance(before)
}

// Close closes the cart's side.
func (d *Driver) Close() error { return d.till.Close() }

// Run acts out stories until enough is closed, and those begun to their end.
func (d *Driver) Run(ctx context.Context, enough <-chan struct{}) error {
	var group sync.WaitGroup
	errs := make([]error, len(d.tellers))
	for i, t := range d.tellers {
		group.Go(func() {
			for errs[i] == nil {
				select {
				case <-enough:
					return
				case <-ctx.Done():
					return
				default:
					errs[i] = d.act(ctx, t.next())
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// act acts a story out.
func (d *Driver) act(ctx context.Context, s Story) error {
	for _, a := range s.Acts {
		pause(ctx, a.Pause)
		if a.Patient {
			d.awaitRefusal(ctx, s.Person)
		}
		facts := a.Facts(d.clock.Now())
		tellings := 1
		if a.Twice {
			tellings = 2
		}
		errs := make([]error, tellings)
		var group sync.WaitGroup
		for i := range tellings {
			group.Go(func() { errs[i] = d.tell(ctx, s, a, facts) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if a.Ambush {
			if err := d.ambush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitRefusal waits a while for a mail to be turned away.
func (d *Driver) awaitRefusal(ctx context.Context, person string) {
	const look, longest = 20 * time.Millisecond, 4 * time.Second
	for range longest / look {
		if d.weather.TurnedAway(person) || ctx.Err() != nil {
			return
		}
		pause(ctx, look)
	}
}

// ambush moves the clock on, unless that has just been done.
func (d *Driver) ambush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.ambushed) < d.rest {
		return nil
	}
	d.ambushed = time.Now()
	return d.suspend(putOff)
}

// tell tells a batch until it knows that it is on record, or once if the cart
// rolls it back.
func (d *Driver) tell(ctx context.Context, s Story, a Act, facts []crm.Fact) error {
	for deadline := time.Now().Add(insistence); ; {
		batch, err := d.ledger.Try(s.Shop, s.Person, facts)
		if err != nil {
			return err
		}
		outcome, problem := d.tellOnce(ctx, s.Shop, a, facts)
		if err := d.ledger.Settle(batch, outcome); err != nil {
			return err
		}
		switch {
		case outcome == Committed, a.Regret:
			return nil
		case errors.As(problem, new(*crm.BatchError)):
			return fmt.Errorf("goen refuses a fact of the driver's: %w", problem)
		case ctx.Err() != nil || time.Now().After(deadline):
			return fmt.Errorf("a batch could not be recorded: %w", problem)
		}
		a.Hold -= a.Hold / 2 // she is quicker the next time
		pause(ctx, 100*time.Millisecond)
	}
}

// tellOnce tells a batch and returns what is known of it afterwards, and the
// problem if that is not that it is on record.
func (d *Driver) tellOnce(ctx context.Context, shop string, a Act, facts []crm.Fact) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, tellTimeout+a.Hold)
	defer cancel()
	if a.Hold == 0 {
		if err := d.crm.Shop(shop).Record(ctx, facts...); err != nil {
			return Unknown, err
		}
		return Committed, nil
	}
	tx, err := d.till.Begin(ctx)
	if err != nil {
		return RolledBack, err
	}
	if err := d.crm.Shop(shop).RecordIn(ctx, tx, facts...); err != nil {
		_ = tx.Rollback(ctx) // its error says that the connection is gone, and the transaction with it
		return RolledBack, err
	}
	pause(ctx, a.Hold)
	if a.Regret {
		_ = tx.Rollback(ctx)
		return RolledBack, nil
	}
	if err := tx.Commit(ctx); err != nil {
		return Unknown, err
	}
	return Committed, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
