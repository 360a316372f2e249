package crm

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// takeBatch is how many incoming facts one transaction takes.
const takeBatch = 200

// takeIn takes a batch of facts that carts have inserted into the store's table
// of incoming facts, and returns how many rows it dealt with.
func (c *CRM) takeIn(ctx context.Context, shop *Shop) (int, error) {
	intake, ok := c.store.(Intake)
	if !ok {
		return 0, nil
	}
	if err := c.knows(ctx, shop.id); errors.Is(err, ErrUnknownShop) {
		return 0, nil // they wait until it is configured
	} else if err != nil {
		return 0, err
	}
	now := c.now()
	return intake.Take(ctx, shop.id, takeBatch, func(rows []Incoming) []Taken {
		taken := make([]Taken, len(rows))
		for i, row := range rows {
			fact, err := incoming(row, now)
			if err != nil {
				taken[i].Refused = err.Error()
				continue
			}
			taken[i].Fact = fact
		}
		return taken
	})
}

// incoming reads a fact that a cart has inserted. Its errors hold nothing of
// what the cart wrote but the names of fields.
func incoming(row Incoming, now time.Time) (FactRow, error) {
	var f Fact
	if err := json.Unmarshal(row.Body, &f); err != nil {
		if _, ok := errors.AsType[*FieldError](err); ok {
			return FactRow{}, err
		}
		return FactRow{}, &FieldError{Field: "Body", Problem: "is no fact as JSON", Err: ErrSyntax}
	}
	f.Imported = false
	return f.prepare(now)
}
