package crm

import (
	"context"
	"sync"
	"time"
)

// A throttle lets a number of messages a second through, up to a second's
// worth at once. It is safe for concurrent use.
type throttle struct {
	mu   sync.Mutex
	rate float64 // messages a second; 0 lets everything through
	have float64
	at   time.Time
}

// take returns how many of n may go at an instant, and takes them.
func (t *throttle) take(n int, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == 0 {
		return n
	}
	t.refill(now)
	n = min(n, int(t.have))
	t.have -= float64(n)
	return n
}

// give takes back what was taken and not used.
func (t *throttle) give(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.have += float64(n)
}

// set changes the rate.
func (t *throttle) set(rate int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rate = float64(rate)
}

func (t *throttle) refill(now time.Time) {
	burst := max(1, t.rate)
	switch {
	case t.at.IsZero():
		t.have = burst
	case now.After(t.at):
		t.have = min(burst, t.have+now.Sub(t.at).Seconds()*t.rate)
	}
	t.at = now
}

// admit returns how many of n messages of a shop may be claimed now.
func (c *CRM) admit(ctx context.Context, shop string, n int, now time.Time) (int, error) {
	d, err := c.definitions(ctx, shop)
	if err != nil {
		return 0, err
	}
	own := c.rateOf(shop)
	own.set(d.settings.Rate)
	mine := own.take(n, now)
	passed := c.all.take(mine, now)
	own.give(mine - passed)
	return passed, nil
}

// readmit gives back what was admitted and not claimed.
func (c *CRM) readmit(shop string, n int) {
	c.all.give(n)
	c.rateOf(shop).give(n)
}

func (c *CRM) rateOf(shop string) *throttle {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.rates[shop]
	if t == nil {
		t = new(throttle)
		c.rates[shop] = t
	}
	return t
}
