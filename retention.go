package crm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Retention is how long a shop keeps what it has no more use for, 1 day to 100
// years each. Zero keeps it for ever. Run drops what is older, a few times a
// day, for the shops that its process has configured, recorded for or worked
// for, if the store is a [Purger]. Customers' pictures and orders stay as they
// are: they are made from the facts once, and hold what is still in use.
type Retention struct {
	// Facts is how long the bodies of facts are kept. Ids and hashes stay, so
	// that a fact told again is still known.
	Facts time.Duration `json:"facts,omitempty"`
	// Consents is how long the answers to the question for mail are kept as
	// evidence, whatever Facts says, and after an erasure too.
	Consents time.Duration `json:"consents,omitempty"`
	// Messages is how long the contents and recipients of messages are kept
	// that were sent, failed or skipped.
	Messages time.Duration `json:"messages,omitempty"`
	// Decisions is how long the decision log is kept.
	Decisions time.Duration `json:"decisions,omitempty"`
}

func (r Retention) check(c *check) {
	for _, f := range []struct {
		name string
		keep time.Duration
	}{{"Facts", r.Facts}, {"Consents", r.Consents}, {"Messages", r.Messages}, {"Decisions", r.Decisions}} {
		if f.keep != 0 && (f.keep < 24*time.Hour || f.keep > 100*365*24*time.Hour) {
			c.addf(f.name, ErrRange, "must be 1 day to 100 years, or 0")
		}
	}
}

// request is what is to be dropped at an instant.
func (r Retention) request(now time.Time) PurgeRequest {
	before := func(keep time.Duration) time.Time {
		if keep == 0 {
			return time.Time{}
		}
		return now.Add(-keep)
	}
	return PurgeRequest{
		Facts: before(r.Facts), Consents: before(r.Consents), Contents: before(r.Messages), Decisions: before(r.Decisions),
		Evidence: []string{string(FactConsentChanged)}, Limit: purgeBatch,
	}
}

// purgeBatch is how many rows of a kind one transaction drops.
const purgeBatch = 1000

// Purge drops what the shop's [Retention] keeps no longer, in small
// transactions, and returns how much that was. Run does it too. It returns
// [errors.ErrUnsupported] if the store is no [Purger].
func (s *Shop) Purge(ctx context.Context) (Purged, error) {
	var all Purged
	purger, ok := s.crm.store.(Purger)
	if !ok {
		return all, fmt.Errorf("crm: purge: %w", errors.ErrUnsupported)
	}
	d, err := s.definitions(ctx)
	if err != nil || d.settings.Retention == (Retention{}) {
		return all, err
	}
	req := d.settings.Retention.request(s.crm.now())
	for {
		some, err := purger.Purge(ctx, s.id, req)
		if err != nil {
			return all, err
		}
		all.Facts += some.Facts
		all.Contents += some.Contents
		all.Decisions += some.Decisions
		if max(some.Facts, some.Contents, some.Decisions) < req.Limit {
			return all, nil
		}
	}
}
