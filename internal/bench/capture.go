package main

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/goen-crm/crm"
)

// captured is an Appender that keeps what it is given.
type captured struct{ rows []crm.FactRow }

// Append implements [crm.Appender].
func (c *captured) Append(_ context.Context, _ string, rows []crm.FactRow) error {
	c.rows = append(c.rows, slices.Clone(rows)...)
	return nil
}

// factRows are facts as a store is given them, batch by batch.
func factRows(ctx context.Context, facts iter.Seq[[]crm.Fact]) (all [][]crm.FactRow, err error) {
	d, err := (&stage{kind: "memory", workers: 1, batch: 1}).desk(ctx, plan{ladder: threeRanks})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	d.clock.Set(opening.Add(1000 * day))
	for batch := range facts {
		var c captured
		if err := d.shop.RecordIn(ctx, &c, batch...); err != nil {
			return nil, err
		}
		all = append(all, c.rows)
	}
	return all, nil
}

func compareText(a, b any) int { return cmp.Compare(a.(string), b.(string)) }
