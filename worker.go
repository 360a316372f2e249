package crm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run works until ctx ends: it folds facts, fires timers and sends what is due,
// for all shops, with the numbers of goroutines that [Config] names. When ctx
// ends, sends under way are completed, nothing new is begun, and Run returns
// nil once its goroutines are gone. Failures of the store or a mailer are
// logged and tried again; they do not end Run. A store that was closed does:
// Run returns [ErrClosed] then. Close stores and mailers after Run has returned.
func (c *CRM) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	idle := newBell(c.config.Workers + c.config.Connections)
	work := func(do func(context.Context, *Shop, time.Time) (bool, error), due func(Backlog) bool, turn int, done func()) {
		group.Go(func() {
			failures := 0
			for ctx.Err() == nil {
				did, err := c.round(ctx, do, due, turn)
				turn++
				if errors.Is(err, ErrClosed) {
					stop(err)
					return
				}
				if did {
					done()
				}
				switch {
				case err == nil:
					failures = 0
				case ctx.Err() == nil:
					failures++
					c.config.Logger.ErrorContext(ctx, "crm: worker failed, will try again", "error", err)
				}
				if !did || err != nil {
					idle.wait(ctx, min(c.config.Poll<<min(failures, 6), max(c.config.Poll, time.Minute)))
				}
			}
		})
	}
	for i := range c.config.Workers {
		work(c.foldDue, foldable, i, idle.ring) // what was folded may be due to be sent
	}
	for i := range c.config.Connections {
		work(c.sendDue, sendable, i, func() {})
	}
	group.Go(func() { // passes on what Record says
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.wake:
				idle.ring()
			}
		}
	})
	group.Wait()
	if err := context.Cause(ctx); errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

func foldable(b Backlog) bool { return b.Pending || !b.NextTimer.IsZero() }
func sendable(b Backlog) bool { return !b.NextSend.IsZero() }

// round gives every shop with work one turn, beginning with another shop each
// time, and reports whether anything was done.
func (c *CRM) round(ctx context.Context, do func(context.Context, *Shop, time.Time) (bool, error), due func(Backlog) bool, turn int) (bool, error) {
	backlog, err := c.store.Backlog(ctx, c.now())
	if err != nil {
		return false, err
	}
	did := false
	var problems []error
	for i := range backlog {
		b := backlog[(i+turn)%len(backlog)]
		if !due(b) || ctx.Err() != nil {
			continue
		}
		some, err := do(ctx, c.Shop(b.Shop), c.now())
		did = did || some
		if err != nil {
			problems = append(problems, fmt.Errorf("shop %q: %w", b.Shop, err))
		}
	}
	return did, errors.Join(problems...)
}

// RunUntil does everything that is due at an instant or before, and returns
// when nothing is left: what a worker does whose clock shows until. It looks
// once: what falls due within is decided as of its own time, but sent at until,
// or skipped if that is too late. To go through a stretch of time faithfully,
// move the clock from one [CRM.NextDue] to the next, as crmtest does.
//
// It works on the calling goroutine alone and in a fixed order, so that equal
// histories give equal results.
func (c *CRM) RunUntil(ctx context.Context, until time.Time) error {
	until = instant(until)
	for {
		did := false
		backlog, err := c.store.Backlog(ctx, until)
		if err != nil {
			return err
		}
		for _, b := range backlog {
			shop := c.Shop(b.Shop)
			for {
				some, err := c.foldDue(ctx, shop, until)
				if err != nil {
					return err
				}
				if !some {
					break
				}
				did = true
			}
			for {
				some, err := c.sendDue(ctx, shop, until)
				if err != nil {
					return err
				}
				if !some {
					break
				}
				did = true
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if !did {
			return nil
		}
	}
}

// errStale: the definitions in hand are older than the database's.
var errStale = errors.New("crm: definitions are stale")

// foldDue folds one batch of a shop's customers who have facts or due timers.
func (c *CRM) foldDue(ctx context.Context, shop *Shop, now time.Time) (bool, error) {
	d, err := c.definitions(ctx, shop.id)
	if err != nil {
		return false, err
	}
	for range 3 {
		progress := false
		_, err = c.store.Update(ctx, shop.id, Selection{DueBy: now, Limit: c.config.Batch}, func(w *Work) (*Changes, error) {
			progress = false
			if w.Revision != d.revision {
				return nil, errStale
			}
			h, err := gather(w)
			if err != nil {
				return nil, err
			}
			changes, _, problems := fold(d, now, h)
			for _, problem := range problems {
				c.config.Logger.ErrorContext(ctx, "crm: customer cannot be folded", "shop", shop.id, "error", problem)
			}
			progress = len(changes.Customers) > 0 || len(changes.Consumed) > 0
			return changes, nil
		})
		if !errors.Is(err, errStale) {
			return progress && err == nil, err
		}
		if d, err = c.reload(ctx, shop.id); err != nil {
			return false, err
		}
	}
	return false, err
}

// bell lets idle workers sleep until something happens or a while has passed.
type bell struct{ rings chan struct{} }

func newBell(sleepers int) *bell { return &bell{make(chan struct{}, sleepers)} }

// ring wakes everybody who sleeps.
func (b *bell) ring() {
	for range cap(b.rings) {
		select {
		case b.rings <- struct{}{}:
		default:
			return
		}
	}
}

func (b *bell) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-b.rings:
	case <-timer.C:
	}
}
