package crm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Run works until ctx ends: it folds facts, fires timers and sends what is due,
// for all shops, with the numbers of goroutines that [Config] names. When ctx
// ends, sends under way are completed, nothing new is begun, and Run returns
// nil once its goroutines are gone. Failures of the store or a mailer are
// logged and tried again; they do not end Run. A store that was closed does:
// Run returns [ErrClosed] then. Close stores and mailers after Run has returned.
//
// Any number of processes may run beside each other on one database.
func (c *CRM) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := newRun(c, stop)
	r.askTime(ctx)
	c.join(r)
	defer c.leave(r)

	var deciders, senders, markers sync.WaitGroup
	deciders.Go(func() { r.look(ctx) })
	deciders.Go(func() { r.keepHouse(ctx) })
	for range c.config.Workers {
		deciders.Go(func() { r.take(ctx, r.folds, r.fold) })
	}
	for range min(2, c.config.Connections) {
		deciders.Go(func() { r.take(ctx, r.sends, r.claim) })
	}
	for range c.config.Connections {
		senders.Go(func() { r.send(ctx) })
	}
	marked := make(chan struct{})
	for range 2 {
		markers.Go(func() { r.marker.run(context.WithoutCancel(ctx), marked) })
	}
	deciders.Wait()
	close(r.mails)
	senders.Wait()
	close(marked)
	markers.Wait()
	if err := context.Cause(ctx); errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// A run is one call of Run.
type run struct {
	crm    *CRM
	stop   context.CancelCauseFunc
	folds  *rota
	sends  *rota
	mails  chan delivery // claimed, to be sent
	room   chan struct{} // a token for each message that may be claimed beside those under way
	marker *marker
	sender *sender
	soon   chan struct{} // asks the lookout to look before its time
	first  int           // share that a split shop begins with: another in each process

	sendable atomic.Pointer[map[string]bool] // shops with messages due when the lookout last looked
}

func newRun(c *CRM, stop context.CancelCauseFunc) *run {
	room := 2 * c.config.Connections // so that the next are claimed while the first are sent
	r := &run{
		crm: c, stop: stop, folds: newRota(), sends: newRota(), marker: newMarker(c.store),
		mails: make(chan delivery, room), room: make(chan struct{}, room), soon: make(chan struct{}, 1), first: rand.IntN(shares),
	}
	for range room {
		r.room <- struct{}{}
	}
	r.sender = &sender{CRM: c, write: r.marker.mark}
	r.sendable.Store(new(map[string]bool))
	return r
}

// join and leave keep the runs that hear at once what is recorded here.
func (c *CRM) join(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[r] = true
}

func (c *CRM) leave(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.runs, r)
}

// wake tells the runs of this process that facts of a shop came in.
func (c *CRM) wake(shop string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.runs {
		r.folds.offer(turn{shop: shop, lane: Prompt})
	}
}

// take works off the turns of a rota.
func (r *run) take(ctx context.Context, from *rota, work func(context.Context, turn) ([]turn, error)) {
	failures := 0
	for {
		t, ok := from.next(ctx)
		if !ok {
			return
		}
		again, err := work(ctx, t)
		from.done(t)
		from.offer(again...)
		r.rest(ctx, err, &failures)
	}
}

// rest pauses after a failure, the longer the more there were in a row.
func (r *run) rest(ctx context.Context, err error, failures *int) {
	switch {
	case err == nil:
		if *failures > 0 {
			r.crm.trouble.Store(nil)
		}
		*failures = 0
		return
	case errors.Is(err, ErrClosed):
		r.stop(err)
		return
	case ctx.Err() != nil:
		return
	}
	r.crm.stumble(ctx, err)
	pause(ctx, min(r.crm.config.Poll<<min(*failures, 6), max(r.crm.config.Poll, time.Minute)))
	*failures++
}

// stumble tells of a failure that will be tried again.
func (c *CRM) stumble(ctx context.Context, err error) {
	c.trouble.Store(&err)
	c.config.Hooks.failed(err)
	c.config.Logger.ErrorContext(ctx, "crm: worker failed, will try again", "error", err)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// look finds the shops that have something to do: as soon as the next of them
// has, and once a Poll for what other processes brought.
func (r *run) look(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		next, err := r.lookOnce(ctx)
		r.rest(ctx, err, &failures)
		if err != nil {
			continue
		}
		least := min(next, r.crm.config.Poll/20)
		pause(ctx, least)
		timer := time.NewTimer(next - least)
		select {
		case <-ctx.Done():
		case <-r.soon:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (r *run) lookOnce(ctx context.Context) (next time.Duration, err error) {
	next = r.crm.config.Poll
	now, err := r.crm.checkedNow()
	if err != nil {
		return next, err
	}
	backlog, err := r.crm.store.Backlog(ctx, now.Add(next))
	if err != nil {
		return next, err
	}
	due := func(at time.Time) bool {
		if wait := at.Sub(now); !at.IsZero() && wait > 0 {
			next = min(next, wait)
			return false
		}
		return !at.IsZero()
	}
	sendable := make(map[string]bool)
	for _, b := range backlog {
		if b.Incoming {
			r.folds.offer(turn{shop: b.Shop, lane: Prompt, take: true})
		}
		if due(b.NextTimer) || b.Pending {
			r.folds.offer(turn{shop: b.Shop, lane: Prompt})
		}
		if due(b.NextReview) {
			r.folds.offer(turn{shop: b.Shop, lane: Bulk})
		}
		if r.crm.config.Mode != Off && due(b.NextSend) {
			sendable[b.Shop] = true
			r.sends.offer(turn{shop: b.Shop, lane: Prompt}, turn{shop: b.Shop, lane: Bulk})
		}
	}
	r.sendable.Store(&sendable)
	return max(next, time.Millisecond), nil
}

// shares is in how many parts a shop is split that has more to do than one
// batch, so that workers of all processes can work on it side by side.
const shares = 8

func (r *run) split(t turn) []turn {
	turns := make([]turn, shares)
	for i := range turns {
		turns[i] = t
		turns[i].share = Share{Part: (r.first + i) % shares, Of: shares}
	}
	return turns
}

// fold gives a shop one batch, and returns the turns that it calls for.
func (r *run) fold(ctx context.Context, t turn) ([]turn, error) {
	c := r.crm
	now, err := c.checkedNow()
	if err != nil {
		return nil, err
	}
	shop := c.Shop(t.shop)
	if t.take {
		n, err := c.takeIn(ctx, shop)
		if n > 0 {
			r.folds.offer(turn{shop: t.shop, lane: Prompt})
		}
		if n == takeBatch {
			return []turn{t}, err
		}
		return nil, err
	}
	batch, err := c.foldDue(ctx, shop, Selection{Lane: t.lane, DueBy: now, Limit: c.config.Batch, Share: t.share}, now)
	if err != nil {
		return nil, fmt.Errorf("shop %q: %w", t.shop, err)
	}
	if c.config.Mode != Off && batch.did {
		if batch.due[Prompt] || (*r.sendable.Load())[t.shop] { // what was folded may lift a fence
			r.sends.offer(turn{shop: t.shop, lane: Prompt})
		}
		if batch.due[Bulk] {
			r.sends.offer(turn{shop: t.shop, lane: Bulk})
		}
	}
	if !batch.next.IsZero() && batch.next.Before(now.Add(c.config.Poll)) {
		select {
		case r.soon <- struct{}{}:
		default:
		}
	}
	switch {
	case batch.found < c.config.Batch:
		return nil, nil
	case t.share.Of == 0:
		return r.split(t), nil
	case batch.did:
		return []turn{t}, nil
	}
	return nil, nil // others are at it
}

// claim claims as many messages of a shop as there is room for, and passes
// them to the senders.
func (r *run) claim(ctx context.Context, t turn) (again []turn, err error) {
	c := r.crm
	now, err := c.checkedNow()
	if err != nil {
		return nil, err
	}
	room := r.reserve(ctx)
	if room == 0 {
		return nil, nil
	}
	passed, err := c.admit(ctx, t.shop, room, now)
	if passed == 0 {
		r.release(room)
		time.AfterFunc(c.config.Poll/4, func() { r.sends.offer(t) })
		return nil, err
	}
	deliveries, _, err := r.sender.claim(ctx, c.Shop(t.shop), LeaseRequest{Now: now, Lane: t.lane, Share: t.share, Limit: passed})
	for _, d := range deliveries {
		r.mails <- d // there is room
	}
	c.readmit(t.shop, passed-len(deliveries))
	r.release(room - len(deliveries))
	if err != nil {
		return nil, fmt.Errorf("shop %q: %w", t.shop, err)
	}
	if len(deliveries) == passed {
		return []turn{t}, nil
	}
	return nil, nil
}

// reserve takes room for some messages, at least one unless ctx ends.
func (r *run) reserve(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case <-r.room:
	}
	n := 1
	for n < claimBatch {
		select {
		case <-r.room:
			n++
		default:
			return n
		}
	}
	return n
}

func (r *run) release(n int) {
	for range n {
		r.room <- struct{}{}
	}
}

// send sends what was claimed. Render and send outlive the end of Run: what is
// begun is completed, and the rest goes back.
func (r *run) send(ctx context.Context) {
	failures := 0
	for d := range r.mails {
		lasting := context.WithoutCancel(ctx)
		var err error
		if ctx.Err() != nil {
			err = r.sender.release(lasting, d, r.crm.now())
		} else {
			err = r.sender.deliver(lasting, d, r.crm.now())
		}
		r.release(1)
		r.rest(ctx, err, &failures)
	}
}

// RunUntil does everything that is due at an instant or before, and returns
// when nothing is left: what a worker does whose clock shows until. It looks
// once: what falls due within is decided as of its own time, but sent at until,
// or skipped if that is too late. To go through a stretch of time faithfully,
// move the clock from one [CRM.NextDue] to the next, as crmtest does.
//
// It works on the calling goroutine alone and in a fixed order, so that equal
// histories give equal results. It knows no limits of rate.
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
			for _, work := range []func() (bool, error){
				func() (bool, error) {
					if !b.Incoming {
						return false, nil
					}
					n, err := c.takeIn(ctx, shop)
					return n > 0, err
				},
				func() (bool, error) { return c.foldAll(ctx, shop, Prompt, until) },
				func() (bool, error) { return c.foldAll(ctx, shop, Bulk, until) },
				func() (bool, error) { return c.sendDue(ctx, shop, Prompt, until) },
				func() (bool, error) { return c.sendDue(ctx, shop, Bulk, until) },
			} {
				for some := true; some; did = did || some {
					if some, err = work(); err != nil {
						return err
					}
				}
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

// foldAll folds one batch of a shop's customers who are due in a lane.
func (c *CRM) foldAll(ctx context.Context, shop *Shop, lane Lane, now time.Time) (bool, error) {
	batch, err := c.foldDue(ctx, shop, Selection{Lane: lane, DueBy: now, Limit: c.config.Batch}, now)
	return batch.did, err
}

// sendDue claims some of a shop's messages that are due and sends them, one by one.
func (c *CRM) sendDue(ctx context.Context, shop *Shop, lane Lane, now time.Time) (bool, error) {
	if c.config.Mode == Off {
		return false, nil
	}
	s := &sender{CRM: c, write: c.writeMark}
	deliveries, did, err := s.claim(ctx, shop, LeaseRequest{Now: now, Lane: lane, Limit: 8})
	if err != nil {
		return did, err
	}
	for _, d := range deliveries {
		if ctx.Err() != nil {
			return true, s.release(context.WithoutCancel(ctx), d, now)
		}
		if err := s.deliver(context.WithoutCancel(ctx), d, c.nowFrom(now)); err != nil {
			return true, err
		}
	}
	return did || len(deliveries) > 0, nil
}
