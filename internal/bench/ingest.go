package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// clients is how many checkouts record at a time.
const clients = 8

// ingest measures how fast orders are recorded beside how fast a cart writes
// them itself, and then how fast a worker works out what follows, with five
// journeys live of which one starts for each order, and ten ranks.
func ingest(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	facts := flags.Int("facts", 20_000, "`number` of orders")
	size := flags.Int("batch", 1, "`number` of orders recorded at once")
	return func(ctx context.Context, s *stage) (figures, error) {
		var recorded, bare, folded, batched samples
		for range s.rounds {
			err := s.goenIngest(ctx, *facts, *size, &recorded, &folded)
			if err == nil {
				err = s.bareIngest(ctx, *facts, *size, &bare)
			}
			if err == nil {
				err = s.bareIngest(ctx, *facts, 1000, &batched)
			}
			if err != nil && !errors.Is(err, errNoFloor) {
				return nil, err
			}
		}
		return figures{
			{"facts", *facts}, {"batch", *size}, {"clients", clients}, {"workers", s.workers}, {"rounds", s.rounds},
			{"facts_per_second", recorded.median()}, {"floor_facts_per_second", bare.median()}, {"ratio", recorded.median() / bare.median()},
			{"folded_per_second", folded.median()}, {"floor_batched_per_second", batched.median()},
			{"folded_ratio", folded.median() / batched.median()},
		}, nil
	}
}

// orders are n orders of as many customers, in batches.
func orders(n, size int, at time.Time) iter.Seq[[]crm.Fact] {
	return batches(n, size, func(p person) []crm.Fact { return []crm.Fact{p.buys(at, 1)} })
}

func (s *stage) goenIngest(ctx context.Context, facts, size int, recorded, folded *samples) (err error) {
	d, err := s.desk(ctx, busy())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	at := opening.Add(day)
	d.clock.Set(at.Add(time.Minute))
	all := slices.Collect(orders(facts, size, at)) // made beforehand: the floor's rows are, too
	took, err := timed(ctx, partGoen, func(ctx context.Context) error { return d.record(ctx, slices.Values(all), clients) })
	if err != nil {
		return err
	}
	recorded.add(rate(facts, took))
	took, err = timed(ctx, partFold, func(ctx context.Context) error { return d.work(ctx, d.clock.Now()) })
	if err != nil {
		return err
	}
	folded.add(rate(facts, took))
	return d.expect(ctx, facts)
}

// bareIngest writes the same orders and their customers.
func (s *stage) bareIngest(ctx context.Context, facts, size int, rates *samples) (err error) {
	f, err := s.floor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	rows, err := factRows(ctx, orders(facts, size, opening.Add(day)))
	if err != nil {
		return err
	}
	took, err := timed(ctx, partFloor, func(ctx context.Context) error {
		return together(ctx, clients, func(ctx context.Context, client int) error {
			for i := client; i < len(rows); i += clients {
				if err := f.record(ctx, rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
	})
	rates.add(rate(facts, took))
	return err
}

// record writes orders and their customers in one transaction.
func (f *floor) record(ctx context.Context, facts []crm.FactRow) error {
	customers, orders := f.rows(facts)
	return f.in(ctx, func(tx *sql.Tx) error {
		if err := f.insert(ctx, tx, factTable, orders); err != nil {
			return err
		}
		return f.upsert(ctx, tx, customerTable, customers)
	})
}

// rows are orders and their customers as rows of the floor's tables.
func (f *floor) rows(facts []crm.FactRow) (customers, orders [][]any) {
	for _, fact := range facts {
		customers = append(customers, []any{shopID, fact.Customer, "", fact.Time.UnixMicro()})
		orders = append(orders, []any{shopID, fact.ID, fact.Customer, fact.Type, fact.Time.UnixMicro(), string(fact.Body)})
	}
	slices.SortFunc(customers, func(a, b []any) int { return compareText(a[1], b[1]) }) // two carts must not lock in opposite orders
	return customers, orders
}

// busy is a shop with ten ranks and five journeys.
func busy() plan { return plan{tenRanks(), fiveJourneys()} }

// tenRanks is a ladder that every order moves somebody on.
func tenRanks() crm.Ladder {
	l := crm.Ladder{Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 365}
	for i := range 10 {
		l.Ranks = append(l.Ranks, crm.RankStep{ID: fmt.Sprintf("rank-%d", i), Name: fmt.Sprintf("Rank %d", i), AtLeast: int64(1500 * (i + 1))})
	}
	return l
}

// fiveJourneys share the orders out by where they come from: each order starts
// one of the five.
func fiveJourneys() []crm.Journey {
	var list []crm.Journey
	for _, channel := range channels {
		list = append(list, crm.Journey{
			ID:      "first-of-" + channel,
			Trigger: crm.OnFact{Fact: crm.FactOrderCounted},
			If: crm.All(crm.Where("order.channel", crm.Equal, channel), crm.Where("order.amount", crm.AtLeast, 1),
				crm.OrdersAtLeast(1), crm.LocaleIs("ja")),
			Per:  crm.PerOrder,
			Exit: []crm.Rule{crm.On(crm.FactOrderCancelled)},
			Steps: crm.Steps{
				crm.Send{Template: "first-thanks"}, crm.Wait{ID: "a-week", Days: 7},
				crm.Branch{ID: "who", Cases: []crm.Case{{If: crm.RankAtLeast("rank-5"), Then: crm.Steps{crm.Send{Template: "f2-coupon"}}}}},
			},
		})
	}
	return list
}
