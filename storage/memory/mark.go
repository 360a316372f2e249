package memory

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// Mark implements [crm.Store]. Marks of one message in one call are applied
// one after the other.
func (s *Store) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	applied := make([]bool, len(marks))
	for i, mark := range marks {
		applied[i] = sh.mark(mark)
		if applied[i] && mark.Decision != nil {
			d := *mark.Decision
			d.Customer = sh.messages[mark.Message].Customer // she may have turned out to be another
			sh.log(d)
		}
	}
	return applied, nil
}

// mark is the compare-and-set of one message.
func (sh *shop) mark(mark crm.Mark) bool {
	m := sh.messages[mark.Message]
	if m == nil || m.Attempt != mark.Attempt || !slices.Contains(mark.From, m.State) {
		return false
	}
	at := exact(mark.At)
	if mark.To == crm.MessageStarted && !m.LeaseUntil.After(at) {
		return false
	}
	m.State, m.Reason = mark.To, mark.Reason
	m.Failures, m.Unknowns = mark.Failures, mark.Unknowns
	m.LeaseUntil, m.SettledAt = time.Time{}, time.Time{}
	switch mark.To {
	case crm.MessageQueued:
		m.SendAt = exact(mark.SendAt)
	case crm.MessageClaimed:
		m.LeaseUntil = exact(mark.Lease)
	case crm.MessageStarted:
		m.LeaseUntil, m.StartedAt = exact(mark.Lease), at
		if len(m.Content) == 0 && len(mark.Content) > 0 {
			m.Content = bytes.Clone(mark.Content)
		}
	default:
		m.SettledAt = at
	}
	sh.reschedule(m)
	return true
}
