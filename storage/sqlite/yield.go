package sqlite

import (
	"context"
	"sync"
	"time"
)

// A breath is what the worker leaves free between two of its transactions.
// Those who wait for SQLite's lock do not queue for it: they look again every
// few milliseconds. A worker that takes it back at once keeps a checkout
// waiting for seconds (seen: 5.4 s), although each of its transactions is
// short. So after holding the lock for a while it rests as long, if there is
// anybody to rest for. The clock here measures that and is written nowhere.
type breath struct {
	mu     sync.Mutex
	until  time.Time
	owed   time.Duration // rest that was too short yet to be worth a timer
	others int64         // in Open's case: what data_version was, 0 at first
	heard  int           // how many transactions ago it changed, 0 if never
}

const (
	// Transactions of ours after which nobody else is believed to write.
	aloneAfter = 256
	// The part of the time that is left free in case somebody comes.
	aloneShare = 16
	// How long a rest is at least: as long as those take who look again.
	leastRest = lockPoll
)

// rest waits until it is the worker's turn again.
func (s *Store) rest(ctx context.Context) error {
	for {
		s.breath.mu.Lock()
		left := time.Until(s.breath.until)
		s.breath.mu.Unlock()
		if left <= 0 || !s.own && s.db.Stats().InUse == 0 {
			return nil // in the cart's database, its connections in use tell whether it is at work
		}
		if err := pause(ctx, min(left, time.Millisecond)); err != nil {
			return err
		}
	}
}

// held notes how long a transaction of the worker has held the lock. others is
// PRAGMA data_version, which changes when another connection has written.
func (b *breath) held(d time.Duration, own bool, others int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if own {
		switch {
		case b.others != 0 && others != b.others:
			b.heard = 1
		case b.heard > 0 && b.heard <= aloneAfter:
			b.heard++
		default:
			b.heard = 0
		}
		b.others = others
		if b.heard == 0 {
			d /= aloneShare
		}
	}
	if b.owed += d; b.owed >= leastRest {
		b.until, b.owed = time.Now().Add(b.owed), 0
	}
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
