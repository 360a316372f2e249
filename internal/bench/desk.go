package main

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
)

// A desk is a shop on a store of its own, with a clock that jumps.
type desk struct {
	store crm.Store
	name  string // by which another process finds the store's database
	clock *crmtest.Clock
	shop  *crm.Shop
	crm   *crm.CRM // decides, and sends nothing
	shut  func() error

	folded chan struct{} // told when something was
}

// desk opens a shop on a new store.
func (s *stage) desk(ctx context.Context, p plan) (*desk, error) {
	name, drop, err := s.place(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.deskAt(ctx, name, opening)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	shut := d.shut
	d.shut = func() error { return errors.Join(shut(), drop()) }
	if err := p.publish(ctx, d.shop); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// deskAt opens a desk on a store that may have been used before.
func (s *stage) deskAt(ctx context.Context, name string, now time.Time) (*desk, error) {
	store, shut, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	d := &desk{store: store, name: name, clock: crmtest.NewClock(now), shut: shut, folded: make(chan struct{}, 1)}
	d.crm, err = crm.New(store, nobody, &crm.Config{
		Mode: crm.Off, Workers: s.workers, Connections: 1, Batch: s.batch, Clock: d.clock.Now,
		Hooks: crm.Hooks{Folded: func(string, crm.Lane, int, time.Duration) {
			select {
			case d.folded <- struct{}{}:
			default:
			}
		}},
	})
	if err != nil {
		return nil, errors.Join(err, shut())
	}
	d.shop = d.crm.Shop(shopID)
	return d, nil
}

func (d *desk) close() error { return d.shut() }

// nobody is asked to send anything.
var nobody = mailer.Func(func(context.Context, *mailer.Message) error {
	return mailer.Permanent(errors.New("nothing is sent here"))
})

// record records facts in batches of a size, from several goroutines.
func (d *desk) record(ctx context.Context, facts iter.Seq[[]crm.Fact], clients int) error {
	batches := make(chan []crm.Fact)
	errs := make([]error, clients)
	var group sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i := range clients {
		group.Go(func() {
			for batch := range batches {
				if errs[i] = d.shop.Record(ctx, batch...); errs[i] != nil {
					cancel()
					return
				}
			}
		})
	}
	for batch := range facts {
		select {
		case batches <- batch:
		case <-ctx.Done():
		}
	}
	close(batches)
	group.Wait()
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// batches cuts the facts of n persons into batches of a size.
func batches(n, size int, facts func(person) []crm.Fact) iter.Seq[[]crm.Fact] {
	return func(yield func([]crm.Fact) bool) {
		var batch []crm.Fact
		for i := range n {
			for _, f := range facts(person(i)) {
				if batch = append(batch, f); len(batch) == size {
					if !yield(batch) {
						return
					}
					batch = nil
				}
			}
		}
		if len(batch) > 0 {
			yield(slices.Clip(batch))
		}
	}
}

// work runs workers at one instant after the other, at each until no fact and
// no timer is left. Each begins with new workers, who look at once.
func (d *desk) work(ctx context.Context, stops ...time.Time) error {
	for _, stop := range stops {
		d.clock.Set(stop)
		if err := d.workOff(ctx); err != nil {
			return err
		}
	}
	return nil
}

// workOff runs workers until nothing is left to decide at the clock's time. It
// asks the store only when nothing has been folded for a moment: to ask while
// much is left costs the workers time.
func (d *desk) workOff(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.crm.Run(ctx) }()
	err := d.settled(ctx)
	stop()
	return errors.Join(err, <-ended)
}

func (d *desk) settled(ctx context.Context) error {
	quiet := time.NewTimer(stillness)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.folded:
			quiet.Reset(stillness)
		case <-quiet.C:
			_, due, err := d.crm.NextDue(ctx, d.clock.Now())
			if err != nil || !due {
				return err
			}
			quiet.Reset(stillness)
		}
	}
}

// stillness is how long nothing is folded before it is asked whether that is
// all.
const stillness = 30 * time.Millisecond
