package crm

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A foldProblem is why some customers could not be folded.
type foldProblem struct {
	keys []string
	err  error
}

// stuck remembers, in this process, which customers could not be folded: they
// rest for a while, so that they do not crowd out others, and are tried again.
type stuck struct {
	mu    sync.Mutex
	shops map[string]map[string]*setback // by customer
}

type setback struct {
	tries int
	until time.Time
}

// maxResting bounds how many customers of a shop rest.
const maxResting = 1000

// resting returns whom to leave alone at an instant, at most maxResting.
func (s *stuck) resting(shop string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, key := range sortedKeys(s.shops[shop]) {
		if now.Before(s.shops[shop][key].until) {
			keys = append(keys, key)
		}
	}
	return keys
}

// note has a customer rest after another failure: 1 s, 4 s, 16 s … up to an
// hour. It returns how often she failed by now.
func (s *stuck) note(shop, key string, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shops[shop] == nil {
		s.shops[shop] = make(map[string]*setback)
	}
	b := s.shops[shop][key]
	if b == nil {
		if len(s.shops[shop]) == maxResting {
			return 1
		}
		b = new(setback)
		s.shops[shop][key] = b
	}
	b.tries++
	b.until = now.Add(min(time.Hour, time.Second<<min(2*(b.tries-1), 12)))
	return b.tries
}

// poisoned reports whether customers failed so often that the fact which they
// fail on is to be set aside.
func (s *stuck) poisoned(shop string, keys []string, tries int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		if b := s.shops[shop][key]; b != nil && b.tries+1 >= tries {
			return true
		}
	}
	return false
}

// clear forgets customers who could be folded.
func (s *stuck) clear(shop string, keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.shops[shop], key)
	}
	if len(s.shops[shop]) == 0 {
		delete(s.shops, shop)
	}
}

func (s *stuck) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, customers := range s.shops {
		n += len(customers)
	}
	return n
}

// noteProblems has customers rest who could not be folded, and logs the first
// time, without saying who.
func (c *CRM) noteProblems(ctx context.Context, shop string, folded []string, problems []*foldProblem, now time.Time) {
	for _, p := range problems {
		first := false
		for _, key := range p.keys {
			first = c.stuck.note(shop, key, now) == 1 || first
		}
		if first {
			c.config.Logger.ErrorContext(ctx, "crm: customers cannot be folded, will try again", "shop", shop, "customers", len(p.keys), "error", p.err)
		}
	}
	c.stuck.clear(shop, folded)
}

// isolate folds a group that the core panics on without the facts that make it
// panic: it takes one fact after the other and sets those aside.
func (h *household) isolate(d *definitions, now time.Time, records []*record) (*Changes, []*person, error) {
	g := newGroup(d, now, h.fresh(records, nil), &Changes{})
	bad := make(map[string]bool)
	taken := make(map[string]bool)
	for _, f := range g.facts {
		taken[f.ID] = true
		without := func(id string) bool { return !taken[id] || bad[id] }
		if _, _, err := h.foldGroup(d, now, h.fresh(records, without)); err != nil {
			bad[f.ID] = true
		}
	}
	out, persons, err := h.foldGroup(d, now, h.fresh(records, func(id string) bool { return bad[id] }))
	if err != nil {
		return nil, nil, fmt.Errorf("without any new fact: %w", err)
	}
	for id := range bad {
		out.SetAside[id] = string(ReasonPanic)
	}
	return out, persons, nil
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
