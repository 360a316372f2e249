package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/goen-crm/crm"
)

// A Store is a [crm.Store] in memory. Use [New]. It is safe for concurrent use
// within one process and needs no closing.
type Store struct {
	mu    sync.Mutex
	shops map[string]*shop
}

var (
	_ crm.Store    = (*Store)(nil)
	_ crm.Importer = (*Store)(nil)
	_ crm.Counter  = (*Store)(nil)
	_ crm.Purger   = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{shops: make(map[string]*shop)}
}

// enter takes the store's lock and returns the shop's rows. The caller unlocks
// s.mu unless there is an error.
func (s *Store) enter(ctx context.Context, id string) (*shop, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	sh := s.shops[id]
	if sh == nil {
		sh = newShop()
		s.shops[id] = sh
	}
	return sh, nil
}

// Backlog implements [crm.Store].
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var backlogs []crm.Backlog
	for id, sh := range s.shops {
		b := crm.Backlog{
			Shop: id, Pending: sh.pending.len() > 0,
			NextTimer: earliest(sh.timers), NextReview: earliest(sh.reviews), NextSend: earliest(sh.prompt, sh.bulk, sh.leased),
		}
		if b.Pending || isDue(b.NextTimer, until) || isDue(b.NextReview, until) || isDue(b.NextSend, until) {
			backlogs = append(backlogs, b)
		}
	}
	slices.SortFunc(backlogs, func(a, b crm.Backlog) int { return compare(a.Shop, b.Shop) })
	return backlogs, nil
}
