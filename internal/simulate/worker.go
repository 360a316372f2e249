package simulate

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

const (
	// skew is how far a worker's clock may be from the true time.
	skew = 500 * time.Millisecond
	// longestPause is longer than any lease.
	longestPause = 5 * time.Minute
)

// A worker is one process of many: a CRM of its own in a coroutine, which hands
// over at every call of the store and the mailer. When it dies another takes
// its place.
type worker struct {
	*simulation
	number int
	lives  int
	wake   time.Time     // wake is when its turn comes.
	offset time.Duration // offset is how far its clock is ahead.
	idle   bool          // idle: there was nothing to do.
	dead   bool
	held   map[string]bool // held are the messages it has claimed and not settled.

	next  func() (time.Duration, bool)
	end   func()
	yield func(time.Duration) bool
	err   error
}

// dying is what a worker panics with when it is killed: nothing of it is left.
type dying struct{}

func (w *worker) name() string { return fmt.Sprintf("w%d.%d", w.number, w.lives) }

func (w *worker) clock() time.Time { return w.now.Add(w.offset) }

// turn lets the worker go on to its next call.
func (w *worker) turn() error {
	if w.next == nil {
		w.lives++
		w.dead, w.idle, w.held = false, false, make(map[string]bool)
		w.next, w.end = iter.Pull(w.live)
	}
	pause, ok := w.next()
	if !ok {
		w.stop()
		pause = time.Second + w.upTo(30*time.Second)
	}
	w.wake = w.now.Add(pause)
	return w.err
}

// stop ends what is left of the worker.
func (w *worker) stop() {
	if w.end != nil {
		w.end()
	}
	w.next, w.end = nil, nil
}

// live works until it is killed.
func (w *worker) live(yield func(time.Duration) bool) {
	w.yield = yield
	defer func() {
		if r := recover(); r != nil && r != (dying{}) {
			panic(r)
		}
	}()
	w.err = w.work()
}

func (w *worker) work() error {
	config := &crm.Config{Clock: w.clock, Batch: w.plan.Batch, Logger: slog.New(complaints{w.simulation})}
	var relay mailer.Mailer = &relay{w}
	if w.plan.Marks {
		relay = &markingRelay{relay}
	}
	c, err := crm.New(&workerStore{w}, relay, config)
	if err != nil {
		return err
	}
	for {
		pause := w.rest
		if err := c.RunUntil(context.Background(), w.clock()); err != nil {
			w.trace.note(w.now, w.name(), "gave up: "+err.Error())
			pause = func() (time.Duration, error) { return 50*time.Millisecond + w.upTo(time.Second), nil }
		}
		d, err := pause()
		if err != nil {
			return err
		}
		w.idle = true
		w.wait(d)
		w.idle = false
	}
}

// rest is how long the worker sleeps: until its clock shows that something is
// due, give or take.
func (w *worker) rest() (time.Duration, error) {
	backlog, err := w.store.Backlog(context.Background(), w.plan.end())
	if err != nil {
		return 0, err
	}
	due := w.plan.end().Add(time.Hour)
	for _, b := range backlog {
		if b.Pending {
			due = w.now
		}
		for _, at := range []time.Time{b.NextTimer, b.NextSend} {
			if at = at.Add(-w.offset); !at.Before(begin) && at.Before(due) {
				due = at
			}
		}
	}
	return max(due.Sub(w.now), 0) + 5*time.Millisecond + w.upTo(300*time.Millisecond), nil
}

// wait hands over for a while.
func (w *worker) wait(d time.Duration) {
	if w.dead || !w.yield(d) {
		w.dead = true
		panic(dying{})
	}
}

// die kills the worker at a call.
func (w *worker) die() {
	w.dead = true
	panic(dying{})
}

// drift sets the clock anew.
func (w *worker) drift() {
	if offset := w.upTo(2*skew) - skew; w.plan.Faults[Drift] {
		w.offset = offset
	}
}

// excuse notes that the worker may lose sight of what it holds.
func (w *worker) excuse() {
	for id := range w.held {
		w.ledger.excused[id] = true
	}
}

// call makes one call of the store: others have their turn before and after,
// and it may go wrong.
func (w *worker) call(what string, do func() error) error {
	w.wait(w.upTo(4 * time.Millisecond))
	fault, early := w.fault(storeBands), w.rand.IntN(2) == 0
	if fault != none {
		w.inject(w.name(), fault, what)
		w.excuse()
	}
	switch {
	case fault == Torn:
		return errTorn
	case fault == Drift:
		w.drift()
	case early:
		w.strike(fault)
	}
	err := do()
	w.ledger.step++
	w.wait(w.upTo(4 * time.Millisecond))
	if fault == Lost {
		return errLost
	}
	if !early {
		w.strike(fault)
	}
	return err
}

// strike kills or holds up the worker.
func (w *worker) strike(f Fault) {
	switch f {
	case Kill:
		w.die()
	case Pause:
		w.wait(w.upTo(longestPause))
	}
}

// some draws a part of what there is, by an id: a third.
func some(r *rand.Rand) func(id string) bool {
	salt := r.IntN(3)
	return func(id string) bool { return (crm.Bucket(id)+salt)%3 == 0 }
}

// complaints take what a worker logs: only a customer who cannot be folded is a
// violation, the rest is part of the trace.
type complaints struct{ *simulation }

// Enabled implements [slog.Handler].
func (c complaints) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (c complaints) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	c.trace.note(c.now, "log", line)
	if strings.HasPrefix(r.Message, "crm: customers cannot be folded") {
		c.ledger.blame("settled: %s", line)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (c complaints) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c complaints) WithGroup(string) slog.Handler { return c }
