package crm

import (
	"context"
	"errors"
	"slices"
	"time"
)

// errStale: the definitions in hand are older than the database's.
var errStale = errors.New("crm: definitions are stale")

// folding is what became of a batch.
type folding struct {
	found int           // customers selected
	did   bool          // something was decided
	due   map[Lane]bool // lanes of messages queued that are due
	next  time.Time     // when the next of what was decided is due
}

// note takes down what changes come to.
func (b *folding) note(changes *Changes, now time.Time) {
	b.did, b.due, b.next = len(changes.Customers)+len(changes.Consumed) > 0, make(map[Lane]bool), time.Time{}
	for _, row := range changes.Customers {
		b.next = earliest(b.next, earliest(row.NextDue, row.NextReview))
	}
	for _, m := range changes.Queue {
		switch {
		case m.State != MessageQueued:
		case m.SendAt.After(now):
			b.next = earliest(b.next, m.SendAt)
		default:
			b.due[m.Lane] = true
		}
	}
}

// foldDue folds a selection of a shop's customers.
func (c *CRM) foldDue(ctx context.Context, shop *Shop, sel Selection, now time.Time) (batch folding, err error) {
	d, err := c.definitions(ctx, shop.id)
	if err != nil {
		return folding{}, err
	}
	began := time.Now()
	sel.Except = c.stuck.resting(shop.id, now)
	for range 3 {
		var problems []*foldProblem
		var folded []string
		batch.found, err = c.store.Update(ctx, shop.id, sel, func(w *Work) (*Changes, error) {
			if w.Revision != d.revision {
				return nil, errStale
			}
			h, err := gather(w)
			if err != nil {
				return nil, err
			}
			h.poisoned = func(keys []string) bool { return c.stuck.poisoned(shop.id, keys, c.config.Tries) }
			var changes *Changes
			changes, _, problems = fold(d, now, h)
			if h.failure != nil {
				return nil, h.failure
			}
			folded = folded[:0]
			for _, row := range changes.Customers {
				folded = append(folded, row.ID)
			}
			for _, entry := range changes.Consumed {
				folded = append(folded, entry.Customer)
			}
			slices.Sort(folded)
			folded = slices.Compact(folded)
			batch.note(changes, now)
			return changes, nil
		})
		if !errors.Is(err, errStale) {
			if err == nil {
				c.noteProblems(ctx, shop.id, folded, problems, now)
				if batch.did {
					c.config.Hooks.folded(shop.id, sel.Lane, len(folded), time.Since(began))
				}
			}
			return batch, err
		}
		if d, err = c.reload(ctx, shop.id); err != nil {
			return folding{}, err
		}
	}
	return folding{}, err
}
