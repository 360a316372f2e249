package crm

import (
	"fmt"
	"time"
)

// isolate folds a group that the core panics on without the facts that make it
// panic: it takes one fact after the other and sets those aside.
func (h *household) isolate(d *definitions, now time.Time, records []*record, out *Changes) ([]*person, error) {
	h.complete() // each reading anew has its own copy
	g := newGroup(d, now, h.fresh(records, nil), &Changes{})
	bad := make(map[string]bool)
	taken := make(map[string]bool)
	for _, f := range g.facts {
		taken[f.ID] = true
		without := func(id string) bool { return !taken[id] || bad[id] }
		if _, err := h.foldGroup(d, now, h.fresh(records, without), &Changes{SetAside: make(map[string]string)}); err != nil {
			bad[f.ID] = true
		}
	}
	persons, err := h.foldGroup(d, now, h.fresh(records, func(id string) bool { return bad[id] }), out)
	if err != nil {
		return nil, fmt.Errorf("without any new fact: %w", err)
	}
	for id := range bad {
		out.SetAside[id] = string(ReasonPanic)
	}
	return persons, nil
}

// fresh reads records anew, without some of their pending facts.
func (h *household) fresh(records []*record, without func(fact string) bool) []*record {
	all := make([]*record, len(records))
	for i, r := range records {
		loaded := r.row
		loaded.NextDue, loaded.NextReview = r.loadedDue, r.loadedReview
		all[i] = h.read(loaded)
		if without == nil {
			continue
		}
		kept := all[i].facts[:0]
		for _, f := range all[i].facts {
			if !without(f.ID) {
				kept = append(kept, f)
			}
		}
		all[i].facts = kept
	}
	return all
}
