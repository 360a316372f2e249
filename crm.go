package crm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// A CRM connects a store and a mailer. It is safe for concurrent use; any
// number of them, in any number of processes, may work on one database.
type CRM struct {
	store  Store
	mailer mailer.Mailer
	config Config

	failing atomic.Bool           // the last mail was put off
	trouble atomic.Pointer[error] // why the store failed a worker, nil since it did not
	clock   serverClock
	stuck   stuck
	all     throttle // the process's rate

	mu    sync.Mutex
	known map[string]*definitions // by shop, as last read
	shops map[string]bool         // those that were seen to have settings
	rates map[string]*throttle    // by shop
	runs  map[*run]bool
}

// New returns a CRM on a store and a mailer. A nil config means all defaults.
// It does no I/O and starts no goroutine: see [CRM.Run].
func New(store Store, m mailer.Mailer, config *Config) (*CRM, error) {
	if store == nil {
		return nil, &FieldError{Field: "Store", Err: ErrRequired}
	}
	if m == nil {
		return nil, &FieldError{Field: "Mailer", Err: ErrRequired}
	}
	c := &CRM{
		store: store, mailer: m, config: config.withDefaults(),
		known: make(map[string]*definitions), shops: make(map[string]bool),
		rates: make(map[string]*throttle), runs: make(map[*run]bool), stuck: stuck{shops: make(map[string]map[string]*setback)},
	}
	c.all.set(c.config.Rate)
	if err := c.config.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Shop returns a handle on a shop. It does no I/O and may be called often. The
// shop becomes known with [Shop.Configure].
func (c *CRM) Shop(id string) *Shop { return &Shop{crm: c, id: id} }

// NextDue returns when the earliest work of any shop is due, if that is at
// until or before: the time of the clock if facts wait to be folded.
func (c *CRM) NextDue(ctx context.Context, until time.Time) (next time.Time, ok bool, err error) {
	backlog, err := c.store.Backlog(ctx, instant(until))
	if err != nil {
		return time.Time{}, false, err
	}
	for _, b := range backlog {
		if b.Pending || b.Incoming {
			return c.now(), true, nil
		}
		next = earliest(next, earliest(b.NextTimer, b.NextReview))
		if c.config.Mode != Off {
			next = earliest(next, b.NextSend)
		}
	}
	return next, !next.IsZero() && !next.After(until), nil
}

// now is the time: the server's, if it was asked for.
func (c *CRM) now() time.Time {
	if c.config.ownClock {
		return instant(c.config.Clock())
	}
	return instant(c.clock.now())
}

// nowFrom is what the clock shows, but not before the instant that a piece of
// work began at: RunUntil may work ahead of the clock.
func (c *CRM) nowFrom(began time.Time) time.Time {
	if now := c.now(); now.After(began) {
		return now
	}
	return began
}

// definitions returns a shop's definitions as last read, or reads them.
func (c *CRM) definitions(ctx context.Context, shop string) (*definitions, error) {
	c.mu.Lock()
	d := c.known[shop]
	c.mu.Unlock()
	if d != nil {
		return d, nil
	}
	return c.reload(ctx, shop)
}

// knows returns ErrUnknownShop for a shop without settings. It asks the store
// once, and asks for no more: a checkout must not fail because a definition was
// published by a newer goen.
func (c *CRM) knows(ctx context.Context, shop string) error {
	c.mu.Lock()
	known := c.shops[shop]
	c.mu.Unlock()
	if known {
		return nil
	}
	list, _, err := c.store.Definitions(ctx, shop)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(d Definition) bool { return d.Kind == kindSettings }) {
		return unknownShop(shop)
	}
	c.know(shop)
	return nil
}

// knownShops returns the shops that this process has configured, recorded for or
// worked for.
func (c *CRM) knownShops() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := maps.Clone(c.shops)
	for shop := range c.known {
		all[shop] = true
	}
	return sortedKeys(all)
}

func (c *CRM) know(shop string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shops[shop] = true
}

func unknownShop(shop string) error {
	return fmt.Errorf("%w %q: Shop.Configure makes it known", ErrUnknownShop, shop)
}

// reload reads a shop's definitions. Of two that read at once, the newer stays.
func (c *CRM) reload(ctx context.Context, shop string) (*definitions, error) {
	list, revision, err := c.store.Definitions(ctx, shop)
	if err != nil {
		return nil, err
	}
	d, err := readDefinitions(shop, list, revision)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.known[shop]; have == nil || have.revision <= revision {
		c.known[shop] = d
	}
	return c.known[shop], nil
}

func (c *CRM) forget(shop string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, shop)
}
