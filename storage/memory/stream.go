package memory

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
)

// Customers implements [crm.Store]. It lists the keys at its start and reads
// each customer when her turn comes.
func (s *Store) Customers(ctx context.Context, shopID string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	return func(yield func(crm.CustomerRow, error) bool) {
		sh, err := s.enter(ctx, shopID)
		if err != nil {
			yield(crm.CustomerRow{}, err)
			return
		}
		var ids []string
		if q.IDs == nil {
			ids = slices.Sorted(maps.Keys(sh.customers))
		} else {
			ids = slices.Compact(slices.Sorted(slices.Values(q.IDs)))
			ids = slices.DeleteFunc(ids, func(id string) bool { return sh.customers[id] == nil })
		}
		s.mu.Unlock()

		for _, id := range ids {
			if id <= q.After {
				continue
			}
			if _, err := s.enter(ctx, shopID); err != nil {
				yield(crm.CustomerRow{}, err)
				return
			}
			row := sh.read(id)
			row.Orders = sh.orders(id)
			s.mu.Unlock()
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Facts implements [crm.Store]. It yields the facts there are at its start.
func (s *Store) Facts(ctx context.Context, shopID string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	return snapshot(ctx, s, shopID, copyFact, func(sh *shop) []crm.FactRow {
		var rows []crm.FactRow
		add := func(id string) {
			f := sh.facts[id]
			if f != nil && matches(q.Customer, f.Customer) && (!q.SetAside || f.SetAside != "") {
				rows = append(rows, *f)
			}
		}
		switch {
		case q.ID != "":
			add(q.ID)
		case q.Customer != "":
			each(sh.belongingsOf(q.Customer).facts, add)
		default:
			each(sh.facts, add)
		}
		slices.SortFunc(rows, compareFacts)
		return rows
	})
}

// Messages implements [crm.Store]. It yields the messages there are at its start.
func (s *Store) Messages(ctx context.Context, shopID string, q crm.MessageQuery) iter.Seq2[crm.Message, error] {
	return snapshot(ctx, s, shopID, copyMessage, func(sh *shop) []crm.Message {
		var rows []crm.Message
		add := func(id string) {
			m := sh.messages[id]
			if m == nil || !matches(q.Customer, m.Customer) || q.States != nil && !slices.Contains(q.States, m.State) {
				return
			}
			if q.Content {
				rows = append(rows, *m)
			} else {
				rows = append(rows, withoutContent(*m))
			}
		}
		switch {
		case q.ID != "":
			add(q.ID)
		case q.Customer != "":
			each(sh.belongingsOf(q.Customer).messages, add)
		default:
			each(sh.messages, add)
		}
		slices.SortFunc(rows, compareMessages)
		return rows
	})
}

// Decisions implements [crm.Store]. It yields the decisions there are at its start.
func (s *Store) Decisions(ctx context.Context, shopID string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	same := func(d crm.Decision) crm.Decision { return d }
	return snapshot(ctx, s, shopID, same, func(sh *shop) []crm.Decision {
		if q.Customer == "" {
			return slices.Clone(sh.decisions)
		}
		var rows []crm.Decision
		for _, i := range sh.belongingsOf(q.Customer).decisions {
			rows = append(rows, sh.decisions[i])
		}
		return rows
	})
}

// snapshot streams the rows that collect finds under the lock. The lock is
// free while they are yielded, so that the consumer may call the store.
func snapshot[R any](ctx context.Context, s *Store, id string, copied func(R) R, collect func(*shop) []R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var none R
		sh, err := s.enter(ctx, id)
		if err != nil {
			yield(none, err)
			return
		}
		rows := collect(sh)
		s.mu.Unlock()
		for _, row := range rows {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(copied(row), nil) {
				return
			}
		}
	}
}

// matches reports whether a value is what a query asks for.
func matches(query, value string) bool { return query == "" || query == value }

func each[V any](m map[string]V, visit func(string)) {
	for key := range m {
		visit(key)
	}
}
