package torture

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// A Clock shows the machine's time, moved by an offset.
type Clock struct{ ahead atomic.Int64 }

// Now is what the clock shows: give it to crm.Config.Clock.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far it is ahead of the machine's.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Advance moves it on.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(d)) }

// upTo returns a random duration below d.
func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d)))
}
