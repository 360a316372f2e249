package crm

import (
	"context"
	"sync"
)

// A turn is one batch of work for one shop.
type turn struct {
	shop  string
	lane  Lane
	share Share
	take  bool // incoming facts are to be taken, before anything is folded
}

// A rota gives each shop its turn, one after the other, and lane Bulk one in
// four while there is work in both. A turn waits or runs at most once at a
// time. It is safe for concurrent use.
type rota struct {
	mu      sync.Mutex
	waiting map[Lane][]turn
	known   map[turn]turnState
	taken   int           // counts turns
	ready   chan struct{} // holds a token while turns wait
}

type turnState int

const (
	turnWaits turnState = iota + 1
	turnRuns
	turnRunsAgain // and is to run once more
)

func newRota() *rota {
	return &rota{waiting: make(map[Lane][]turn), known: make(map[turn]turnState), ready: make(chan struct{}, 1)}
}

// offer puts a turn at the end of its lane. One that runs will run once more.
func (r *rota) offer(turns ...turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range turns {
		switch r.known[t] {
		case 0:
			r.known[t] = turnWaits
			r.waiting[t.lane] = append(r.waiting[t.lane], t)
		case turnRuns:
			r.known[t] = turnRunsAgain
		}
	}
	r.signal()
}

// next returns the turn whose time has come. It waits for one, and returns
// false when ctx ends.
func (r *rota) next(ctx context.Context) (turn, bool) {
	for {
		select {
		case <-ctx.Done():
			return turn{}, false
		case <-r.ready:
		}
		if t, ok := r.pop(); ok {
			return t, ctx.Err() == nil
		}
	}
}

func (r *rota) pop() (turn, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.signal()
	lanes := [...]Lane{Prompt, Bulk}
	if r.taken%4 == 3 {
		lanes = [...]Lane{Bulk, Prompt}
	}
	for _, lane := range lanes {
		if queue := r.waiting[lane]; len(queue) > 0 {
			t := queue[0]
			if r.waiting[lane] = queue[1:]; len(queue) == 1 {
				r.waiting[lane] = nil
			}
			r.known[t] = turnRuns
			r.taken++
			return t, true
		}
	}
	return turn{}, false
}

// done says that a turn has run.
func (r *rota) done(t turn) {
	r.mu.Lock()
	again := r.known[t] == turnRunsAgain
	delete(r.known, t)
	r.mu.Unlock()
	if again {
		r.offer(t)
	}
}

// signal leaves a token for a waiter if turns wait. r.mu is held.
func (r *rota) signal() {
	for _, queue := range r.waiting {
		if len(queue) > 0 {
			select {
			case r.ready <- struct{}{}:
			default:
			}
			return
		}
	}
}
