package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/goen-crm/crm/internal/dbtest"
)

// Calamities are what happens to machines: the database is killed or loses its
// connections, and all of them are suspended.
type Calamities struct {
	server    *dbtest.Server // server is nil for a database without one.
	incidents *Incidents
	suspend   func(time.Duration) error
	random    *rand.Rand
}

// suspension is how long the machines are suspended: until everything that was
// being sent counts as lost.
const suspension = 4 * time.Minute

// Run lets one calamity follow the other until ctx ends: every few seconds in a
// short run, less often in a long one. The database runs when it returns.
func (c *Calamities) Run(ctx context.Context, length time.Duration) error {
	rest := min(max(length/6, 3*time.Second), 10*time.Second)
	happens := []func() error{c.restart, c.cut, c.restart, c.suspended}
	if c.server == nil {
		happens = happens[3:]
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(between(c.random, rest/2, rest*3/2)):
		}
		if err := happens[i%len(happens)](); err != nil {
			return err
		}
	}
}

func (c *Calamities) suspended() error { return c.suspend(suspension) }

func (c *Calamities) cut() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.server.Cut(ctx); err != nil {
		return fmt.Errorf("cut: %w", err)
	}
	return c.incidents.Note(Incident{Kind: Cut})
}

// restart kills the database and starts it again.
func (c *Calamities) restart() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.server.Kill(); err != nil {
		return fmt.Errorf("kill: %w", err)
	}
	if err := c.server.Restart(ctx); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	return c.incidents.Note(Incident{Kind: Restarted})
}
