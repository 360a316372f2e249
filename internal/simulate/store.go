package simulate

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// A workerStore is the store as one worker sees it: over a connection that
// breaks.
type workerStore struct{ *worker }

var _ crm.Store = (*workerStore)(nil)

// Append implements [crm.Store]. Workers record nothing.
func (s *workerStore) Append(context.Context, string, []crm.FactRow) error {
	return fmt.Errorf("simulate: a worker recorded something")
}

// Backlog implements crm.Store.
func (s *workerStore) Backlog(ctx context.Context, until time.Time) (list []crm.Backlog, err error) {
	err = s.call("backlog", func() error {
		list, err = s.store.Backlog(ctx, until)
		return err
	})
	return list, err
}

// Update implements crm.Store.
func (s *workerStore) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (n int, err error) {
	err = s.call("update", func() error {
		lock := s.rand.IntN(6) == 0 && s.plan.Faults[Locked] && !s.calm
		locked := some(s.rand)
		n, err = s.store.Update(ctx, shop, sel, func(w *crm.Work) (*crm.Changes, error) {
			if lock {
				hide(w, locked)
			}
			changes, err := decide(w)
			s.decided(w, changes)
			return changes, err
		})
		return err
	})
	return n, err
}

// hide leaves out the customers whom somebody else has locked.
func hide(w *crm.Work, locked func(id string) bool) {
	out := func(c crm.CustomerRow) bool { return locked(c.ID) }
	w.Customers = slices.DeleteFunc(w.Customers, out)
	lock := w.Lock
	w.Lock = func(ids []string) ([]crm.CustomerRow, error) {
		rows, err := lock(ids)
		return slices.DeleteFunc(rows, out), err
	}
}

func (s *workerStore) decided(w *crm.Work, c *crm.Changes) {
	if c == nil {
		return
	}
	for _, row := range c.Customers {
		s.trace.digest(row.State)
	}
	line := fmt.Sprintf("update: of %d locked %d changed, %d facts folded", len(w.Customers), len(c.Customers), len(c.Consumed))
	for _, m := range c.Move {
		line += fmt.Sprintf(", %s is %s", m.From, m.To)
	}
	for _, m := range c.Queue {
		line += fmt.Sprintf(", %s %s/%s for %s due %s", m.State, short(m.ID), m.Step, m.Customer, clockTime(m.SendAt))
	}
	for _, skip := range c.Skip {
		line += fmt.Sprintf(", skip %s: %s", short(skip.Message), skip.Reason)
	}
	for _, e := range c.Erase {
		line += ", erase " + e.Customer
	}
	s.trace.note(s.now, s.name(), line)
}

// Lease implements crm.Store.
func (s *workerStore) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (leases crm.Leases, err error) {
	err = s.call("lease", func() error {
		for m, err := range s.store.Messages(ctx, shop, crm.MessageQuery{States: []crm.MessageState{crm.MessageQueued}}) {
			if err == nil && !m.SendAt.After(req.Now) {
				s.hasten(m.To)
			}
		}
		leases, err = s.store.Lease(ctx, shop, req)
		for _, m := range leases.Claimed {
			s.held[m.ID] = true
			s.ledger.claim(s.worker, m)
			s.trace.note(s.now, s.name(), fmt.Sprintf("claim %s attempt %d: %s to %s", short(m.ID), m.Attempt, m.Step, m.To))
		}
		for _, m := range leases.Expired {
			s.trace.note(s.now, s.name(), fmt.Sprintf("find %s attempt %d expired", short(m.ID), m.Attempt))
		}
		return err
	})
	return leases, err
}

// Mark implements crm.Store.
func (s *workerStore) Mark(ctx context.Context, shop string, marks []crm.Mark) (applied []bool, err error) {
	err = s.call("mark", func() error {
		applied, err = s.store.Mark(ctx, shop, marks)
		for i, m := range marks {
			result := "too late"
			if err == nil && applied[i] {
				result = "done"
				s.ledger.mark(s.worker, m)
				if m.To != crm.MessageStarted {
					delete(s.held, m.Message)
				}
			}
			s.trace.note(s.now, s.name(), fmt.Sprintf("mark %s attempt %d %s %s: %s", short(m.Message), m.Attempt, m.To, m.Reason, result))
		}
		return err
	})
	return applied, err
}

// Define implements crm.Store. Workers publish nothing.
func (s *workerStore) Define(context.Context, string, crm.Definition) (crm.Definition, error) {
	return crm.Definition{}, fmt.Errorf("simulate: a worker published something")
}

// Definitions implements crm.Store.
func (s *workerStore) Definitions(ctx context.Context, shop string) (list []crm.Definition, revision int64, err error) {
	err = s.call("definitions", func() error {
		list, revision, err = s.store.Definitions(ctx, shop)
		return err
	})
	return list, revision, err
}

// Customers implements crm.Store.
func (s *workerStore) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	return stream(s, "customers", func() iter.Seq2[crm.CustomerRow, error] { return s.store.Customers(ctx, shop, q) })
}

// Facts implements crm.Store.
func (s *workerStore) Facts(ctx context.Context, shop string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	return stream(s, "facts", func() iter.Seq2[crm.FactRow, error] { return s.store.Facts(ctx, shop, q) })
}

// Messages implements crm.Store.
func (s *workerStore) Messages(ctx context.Context, shop string, q crm.MessageQuery) iter.Seq2[crm.Message, error] {
	return stream(s, "messages", func() iter.Seq2[crm.Message, error] { return s.store.Messages(ctx, shop, q) })
}

// Decisions implements crm.Store.
func (s *workerStore) Decisions(ctx context.Context, shop string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	return stream(s, "decisions", func() iter.Seq2[crm.Decision, error] { return s.store.Decisions(ctx, shop, q) })
}

// stream reads everything in one call and hands it out.
func stream[R any](s *workerStore, what string, read func() iter.Seq2[R, error]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var rows []R
		err := s.call(what, func() error {
			for row, err := range read() {
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
			return nil
		})
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			var none R
			yield(none, err)
		}
	}
}
