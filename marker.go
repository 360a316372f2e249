package crm

import (
	"context"
	"sync"
)

// A marker writes marks to the store for many senders at a time: those that
// come in for a shop while it is being written go together with its next write.
// So a durable mark costs each sender one wait, and the database one commit for
// all.
type marker struct {
	store Store

	mu      sync.Mutex
	waiting map[string][]waitingMark // by shop
	writing map[string]bool          // shops that a goroutine of run has in hand: two would only halve each other's batches
	order   []string                 // the other shops for which marks wait, in order of arrival
	ready   chan struct{}            // holds a token while there are such
}

type waitingMark struct {
	mark Mark
	done chan markResult
}

type markResult struct {
	applied bool
	err     error
}

// maxMarks bounds one write.
const maxMarks = 500

func newMarker(store Store) *marker {
	return &marker{store: store, waiting: make(map[string][]waitingMark), writing: make(map[string]bool), ready: make(chan struct{}, 1)}
}

// mark writes one mark and reports whether it was applied. If ctx ends first,
// the mark may yet be written.
func (k *marker) mark(ctx context.Context, shop string, m Mark) (bool, error) {
	w := waitingMark{m, make(chan markResult, 1)}
	k.mu.Lock()
	k.waiting[shop] = append(k.waiting[shop], w)
	if len(k.waiting[shop]) == 1 && !k.writing[shop] {
		k.line(shop)
	}
	k.mu.Unlock()
	select {
	case r := <-w.done:
		return r.applied, r.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// run writes until stop is closed. Any number of goroutines may run.
func (k *marker) run(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-k.ready:
		}
		if shop, batch := k.pop(); len(batch) > 0 {
			k.write(ctx, shop, batch)
			k.done(shop)
		}
	}
}

// pop takes a shop in hand.
func (k *marker) pop() (string, []waitingMark) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.order) == 0 {
		return "", nil
	}
	shop := k.order[0]
	k.order = k.order[1:]
	k.signal()
	batch := k.waiting[shop]
	if len(batch) > maxMarks {
		k.waiting[shop], batch = batch[maxMarks:], batch[:maxMarks]
	} else {
		delete(k.waiting, shop)
	}
	k.writing[shop] = true
	return shop, batch
}

// done puts a shop out of hand.
func (k *marker) done(shop string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.writing, shop)
	if len(k.waiting[shop]) > 0 {
		k.line(shop)
	}
}

func (k *marker) write(ctx context.Context, shop string, batch []waitingMark) {
	marks := make([]Mark, len(batch))
	for i, w := range batch {
		marks[i] = w.mark
	}
	applied, err := k.store.Mark(ctx, shop, marks)
	for i, w := range batch {
		w.done <- markResult{err == nil && applied[i], err}
	}
}

// line puts a shop at the end of the line. k.mu is held.
func (k *marker) line(shop string) {
	k.order = append(k.order, shop)
	k.signal()
}

// signal leaves a token for a goroutine of run. k.mu is held.
func (k *marker) signal() {
	if len(k.order) > 0 {
		select {
		case k.ready <- struct{}{}:
		default:
		}
	}
}
