package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// shops measures how long it takes to find the few shops that have something to
// do among very many. The floor is the answer known beforehand, read by key.
func shops(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	count := flags.Int("shops", 5_000, "`number` of shops")
	active := flags.Int("busy", 50, "`number` of them with something to do")
	people := flags.Int("people", 10, "`number` of customers of each")
	return func(ctx context.Context, s *stage) (_ figures, err error) {
		store, shut, err := s.store(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, shut()) }()
		rows, err := factRows(ctx, orders(*people, *people, opening.Add(day)))
		if err != nil {
			return nil, err
		}
		for i := range *count {
			if err := openStall(ctx, store, fmt.Sprintf("shop-%05d", i), rows[0], i**active / *count < (i+1)**active / *count); err != nil {
				return nil, err
			}
		}
		var took samples
		for range max(s.rounds, 1) * 5 {
			var found []crm.Backlog
			each, err := timed(ctx, partGoen, func(ctx context.Context) (err error) {
				found, err = store.Backlog(ctx, opening.Add(2*day))
				return err
			})
			if err != nil {
				return nil, err
			}
			if len(found) != *active {
				return nil, fmt.Errorf("%d shops had something to do instead of %d", len(found), *active)
			}
			took.add(each.Seconds() * 1000)
		}
		return figures{
			{"shops", *count}, {"busy", *active}, {"rounds", s.rounds}, {"milliseconds", took.median()},
		}, nil
	}
}

// openStall gives a shop its customers, and folds their facts unless it is busy.
// Everybody has a timer, far ahead.
func openStall(ctx context.Context, store crm.Store, shop string, facts []crm.FactRow, busy bool) error {
	if err := store.Append(ctx, shop, facts); err != nil || busy {
		return err
	}
	_, err := store.Update(ctx, shop, crm.Selection{DueBy: opening, Limit: 1000}, func(w *crm.Work) (*crm.Changes, error) {
		changes := &crm.Changes{}
		for i, c := range w.Customers {
			changes.Customers = append(changes.Customers, crm.CustomerRow{
				ID: c.ID, State: []byte(`{"core":1}`), NextDue: opening.Add(time.Duration(100+i) * day), NextReview: opening.Add(300 * day),
			})
			for _, f := range c.Pending {
				changes.Consumed = append(changes.Consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
			}
		}
		return changes, nil
	})
	return err
}
