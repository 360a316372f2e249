package memory

import (
	"context"
	"time"

	"github.com/goen-crm/crm"
)

// Count implements [crm.Counter].
func (s *Store) Count(ctx context.Context, shop string, at time.Time, limit int) (crm.Counts, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return crm.Counts{}, err
	}
	defer s.mu.Unlock()
	now := exact(at)
	counts := crm.Counts{
		Pending: sh.pending.len(), Timers: sh.timers.until(now), Reviews: sh.reviews.until(now),
		Prompt: sh.prompt.until(now), Bulk: sh.bulk.until(now), Leased: sh.leased.len(),
	}
	for _, m := range sh.messages {
		if m.State == crm.MessageUnknown {
			counts.Unknown++
		}
	}
	for _, f := range sh.facts {
		if f.SetAside != "" {
			counts.SetAside++
		}
	}
	for _, n := range []*int{
		&counts.Pending, &counts.Timers, &counts.Reviews, &counts.Prompt, &counts.Bulk, &counts.Leased, &counts.Unknown, &counts.SetAside,
	} {
		*n = min(*n, max(limit, 0))
	}
	return counts, nil
}
