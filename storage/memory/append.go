package memory

import (
	"bytes"
	"context"
	"time"

	"github.com/goen-crm/crm"
)

// Append implements [crm.Appender].
func (s *Store) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	sh, err := s.enter(ctx, shop)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	return sh.appendAll(facts)
}

// appendAll adds facts, or none of them.
func (sh *shop) appendAll(facts []crm.FactRow) error {
	// Look at the whole batch first, so that a refusal leaves nothing behind.
	batch := make(map[string][]byte, len(facts))
	for i, f := range facts {
		known, ok := batch[f.ID]
		if old := sh.facts[f.ID]; old != nil {
			known, ok = old.Hash, true
		}
		if ok && !bytes.Equal(known, f.Hash) {
			return &crm.BatchError{Index: i, ID: f.ID, Err: crm.ErrConflict}
		}
		batch[f.ID] = f.Hash
	}
	for _, f := range facts {
		if sh.facts[f.ID] == nil {
			sh.append(f)
		}
	}
	return nil
}

func (sh *shop) append(f crm.FactRow) {
	row := copyFact(f)
	sh.facts[f.ID] = &row
	sh.belongingsOf(f.Customer).facts[f.ID] = struct{}{}
	for _, key := range f.Keys {
		c := sh.customers[key]
		if c == nil {
			c = &customer{inbox: make(map[string]struct{})}
			sh.customers[key] = c
		}
		if len(c.inbox) == 0 {
			sh.arrival++
			sh.pending.set(key, time.UnixMicro(sh.arrival))
		}
		if _, there := c.inbox[f.ID]; !there {
			c.inbox[f.ID] = struct{}{}
			sh.waiting[f.ID]++
		}
	}
}
