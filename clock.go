package crm

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxSkew is how far a worker's clock may be from the server's.
const maxSkew = time.Second

// serverClock is the server's clock, as last seen. It goes on by the machine's
// monotonic clock, so that setting the machine's date moves nothing.
type serverClock struct {
	mu   sync.Mutex
	seen time.Time     // this machine's time when the clock was seen
	time time.Time     // what it showed then
	skew time.Duration // how far it was ahead of this machine's
}

// now is the server's time, or this machine's if the server was never asked.
func (s *serverClock) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.IsZero() {
		return time.Now()
	}
	return s.time.Add(time.Since(s.seen))
}

// offset is how far the server's clock was ahead of this machine's.
func (s *serverClock) offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skew
}

// measure asks the server for the time.
func (s *serverClock) measure(ctx context.Context, server Timekeeper) error {
	before := time.Now()
	theirs, err := server.ServerTime(ctx)
	if err != nil {
		return err
	}
	took := time.Since(before)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.time = before.Add(took/2), theirs // it read its clock somewhere in between
	s.skew = s.time.Sub(s.seen)
	return nil
}

// check returns ErrSkew if the clocks are too far apart.
func (s *serverClock) check() error {
	if skew := s.offset(); skew.Abs() > maxSkew {
		return fmt.Errorf("%w: by %v", ErrSkew, skew.Round(time.Millisecond))
	}
	return nil
}

// checkedNow is the time, unless this machine's clock is not to be trusted.
func (c *CRM) checkedNow() (time.Time, error) {
	if err := c.clock.check(); err != nil {
		return time.Time{}, err
	}
	return c.now(), nil
}

// measureClock compares clocks, if the store has one and the time is not the
// caller's to tell.
func (c *CRM) measureClock(ctx context.Context) error {
	server, ok := c.store.(Timekeeper)
	if !ok || c.config.ownClock {
		return nil
	}
	return c.clock.measure(ctx, server)
}

// askTime compares clocks before anything is decided by them.
func (r *run) askTime(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		err := r.crm.measureClock(ctx)
		if err == nil {
			return
		}
		r.rest(ctx, err, &failures)
	}
}
