package crm

import (
	"context"
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
