package crm

import (
	"context"
	"time"
)

// A ShopBacklog is what a shop has to do.
type ShopBacklog struct {
	Shop string
	// Oldest is since when its oldest work has been due; facts that wait count
	// as due now. Zero if nothing is.
	Oldest time.Time
	// Counts is how much is due, each number up to 100,000. Zero if the store is no
	// [Counter].
	Counts Counts
}

// maxCount bounds what Backlog counts.
const maxCount = 100_000

// Backlog returns the shops that have something to do now, in order of shop id.
// What it costs grows with the number of those shops.
func (c *CRM) Backlog(ctx context.Context) ([]ShopBacklog, error) {
	now := c.now()
	list, err := c.store.Backlog(ctx, now)
	if err != nil {
		return nil, err
	}
	counter, counts := c.store.(Counter)
	var backlogs []ShopBacklog
	for _, b := range list {
		s := ShopBacklog{Shop: b.Shop, Oldest: b.oldest(now)}
		if counts {
			if s.Counts, err = counter.Count(ctx, b.Shop, now, maxCount); err != nil {
				return nil, err
			}
		}
		backlogs = append(backlogs, s)
	}
	return backlogs, nil
}

// oldest is since when the oldest work has been due.
func (b Backlog) oldest(now time.Time) time.Time {
	var oldest time.Time
	for _, at := range []time.Time{b.NextTimer, b.NextReview, b.NextSend} {
		if !at.After(now) {
			oldest = earliest(oldest, at)
		}
	}
	if oldest.IsZero() && (b.Pending || b.Incoming) {
		return now
	}
	return oldest
}

// Health is how a process and its database are doing.
type Health struct {
	// Running is how many calls of Run work in this process.
	Running int
	// Lag is for how long the oldest work of any shop has been due.
	Lag time.Duration
	// Skew is how far the server's clock was ahead of this machine's when Run
	// last looked, within a minute. Beyond a second the workers rest.
	Skew time.Duration
	// Stuck is how many customers this process could not fold and will try again.
	Stuck int
	// PutOff reports that the last mail was put off by the mail system.
	PutOff bool
	// Err is why the store failed a worker of this process, nil since it last
	// did not.
	Err error
}

// Health looks at the database and returns how things are. It returns an error
// if the database does not answer.
func (c *CRM) Health(ctx context.Context) (Health, error) {
	now := c.now()
	list, err := c.store.Backlog(ctx, now)
	if err != nil {
		return Health{}, err
	}
	h := Health{Stuck: c.stuck.count(), PutOff: c.failing.Load(), Skew: c.clock.offset()}
	for _, b := range list {
		if oldest := b.oldest(now); !oldest.IsZero() {
			h.Lag = max(h.Lag, now.Sub(oldest))
		}
	}
	if trouble := c.trouble.Load(); trouble != nil {
		h.Err = *trouble
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h.Running = len(c.runs)
	return h, nil
}
