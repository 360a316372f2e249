package memory

import (
	"context"
	"slices"

	"github.com/goen-crm/crm"
)

// Purge implements [crm.Purger].
func (s *Store) Purge(ctx context.Context, shop string, req crm.PurgeRequest) (crm.Purged, error) {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return crm.Purged{}, err
	}
	defer s.mu.Unlock()
	return crm.Purged{Facts: sh.purgeFacts(req), Contents: sh.purgeContents(req), Decisions: sh.purgeDecisions(req)}, nil
}

// purgeFacts deletes bodies, but those that are still to be folded.
func (sh *shop) purgeFacts(req crm.PurgeRequest) int {
	n := 0
	for _, f := range sh.facts {
		before := exact(req.Facts)
		if slices.Contains(req.Evidence, f.Type) {
			before = exact(req.Consents)
		}
		if n < req.Limit && f.Body != nil && f.Time.Before(before) && sh.waiting[f.ID] == 0 {
			f.Body = nil
			n++
		}
	}
	return n
}

// purgeContents deletes what was sent and to whom. What is unknown may be sent
// again.
func (sh *shop) purgeContents(req crm.PurgeRequest) int {
	n := 0
	for _, m := range sh.messages {
		settled := !m.SettledAt.IsZero() && m.State != crm.MessageUnknown && m.SettledAt.Before(exact(req.Contents))
		if n < req.Limit && settled && (m.Content != nil || m.To != "") {
			m.Content, m.To = nil, ""
			n++
		}
	}
	return n
}

// purgeDecisions deletes lines of the log, which moves those that stay.
func (sh *shop) purgeDecisions(req crm.PurgeRequest) int {
	all := sh.decisions
	sh.decisions = nil
	for _, b := range sh.owned {
		b.decisions = nil
	}
	n := 0
	for _, d := range all {
		if n < req.Limit && d.At.Before(exact(req.Decisions)) {
			n++
		} else {
			sh.log(d)
		}
	}
	return n
}
