package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// history measures how fast a shop's past is taken in, beside the same rows
// written in bulk by hand.
func history(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	count := flags.Int("orders", 50_000, "`number` of orders")
	size := flags.Int("batch", 10_000, "`number` of orders in one transaction")
	return func(ctx context.Context, s *stage) (figures, error) {
		var goen, bare samples
		for range s.rounds {
			err := s.goenHistory(ctx, *count, *size, &goen)
			if err == nil {
				err = s.bareHistory(ctx, *count, *size, &bare)
			}
			if err != nil && !errors.Is(err, errNoFloor) {
				return nil, err
			}
		}
		return figures{
			{"orders", *count}, {"batch", *size}, {"rounds", s.rounds},
			{"orders_per_second", goen.median()}, {"floor_orders_per_second", bare.median()}, {"ratio", goen.median() / bare.median()},
		}, nil
	}
}

func (s *stage) goenHistory(ctx context.Context, count, size int, rates *samples) (err error) {
	d, err := s.desk(ctx, simple)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	at := opening.Add(day)
	d.clock.Set(at.Add(time.Minute))
	source := func(yield func(crm.Fact, error) bool) {
		for batch := range orders(count, size, at) {
			for _, fact := range batch {
				if !yield(fact, nil) {
					return
				}
			}
		}
	}
	took, err := timed(ctx, partGoen, func(ctx context.Context) error {
		_, err := d.shop.Import(ctx, "history", source, &crm.ImportOptions{Batch: size})
		return err
	})
	rates.add(rate(count, took))
	return err
}

func (s *stage) bareHistory(ctx context.Context, count, size int, rates *samples) (err error) {
	f, err := s.floor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	// A batch of rows is made before it is timed: all at once, millions of them
	// would not fit into memory.
	var took time.Duration
	for batch := range orders(count, size, opening.Add(day)) {
		rows, err := factRows(ctx, slices.Values([][]crm.Fact{batch}))
		if err != nil {
			return err
		}
		loading, err := timed(ctx, partFloor, func(ctx context.Context) error { return f.load(ctx, rows[0]) })
		if err != nil {
			return err
		}
		took += loading
	}
	rates.add(rate(count, took))
	return nil
}

// load writes orders, all whom they concern, and that they wait for these, as
// fast as the database takes them.
func (f *floor) load(ctx context.Context, facts []crm.FactRow) error {
	_, orders := f.rows(facts)
	var customers, entries [][]any
	for _, fact := range facts {
		for _, key := range fact.Keys {
			customers = append(customers, []any{shopID, key, int64(crm.Bucket(key))})
			entries = append(entries, []any{shopID, key, fact.ID})
		}
	}
	if f.copy != nil {
		return errors.Join(f.copy(ctx, f.db, factTable, orders), f.copy(ctx, f.db, knownTable, customers), f.copy(ctx, f.db, inboxTable, entries))
	}
	return f.in(ctx, func(tx *sql.Tx) error {
		return errors.Join(f.insert(ctx, tx, factTable, orders), f.insert(ctx, tx, knownTable, customers), f.insert(ctx, tx, inboxTable, entries))
	})
}
