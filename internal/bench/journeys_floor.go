package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// floorBatch is how many rows one transaction of the floor writes.
const floorBatch = 500

// fill writes customers whose first step is due at an instant.
func (f *floor) fill(ctx context.Context, customers int, state string, due time.Time) error {
	for from := 0; from < customers; from += floorBatch {
		var rows [][]any
		for i := from; i < min(from+floorBatch, customers); i++ {
			rows = append(rows, []any{shopID, person(i).id(), state, due.UnixMicro()})
		}
		if err := f.in(ctx, func(tx *sql.Tx) error { return f.insert(ctx, tx, customerTable, rows) }); err != nil {
			return err
		}
	}
	return nil
}

// steps takes all who are due a step further, on several connections: a locked
// batch of customers, their documents, a message and two lines of the log each.
func (f *floor) steps(ctx context.Context, workers int, now, next time.Time) error {
	return together(ctx, workers, func(ctx context.Context, _ int) error {
		for {
			n := 0
			err := f.in(ctx, func(tx *sql.Tx) (err error) {
				n, err = f.step(ctx, tx, now, next)
				return err
			})
			if err != nil || n == 0 {
				return err
			}
		}
	})
}

func (f *floor) step(ctx context.Context, tx *sql.Tx, now, next time.Time) (int, error) {
	query := "SELECT customer_id, state FROM floor_customer WHERE shop_id = " + f.nth(1) + " AND next_due <= " + f.nth(2) +
		" ORDER BY next_due LIMIT " + fmt.Sprint(floorBatch) + f.skip
	due, err := tx.QueryContext(ctx, query, shopID, now.UnixMicro())
	if err != nil {
		return 0, err
	}
	defer due.Close()
	var customers, messages, decisions [][]any
	for due.Next() {
		var id, state string
		if err := due.Scan(&id, &state); err != nil {
			return 0, err
		}
		at := now.UnixMicro()
		enrollment := fmt.Sprintf("%s-enrollment-of-thirty-six", id)
		message := fmt.Sprintf("%s-%016x-message", id, at)
		customers = append(customers, []any{shopID, id, state, next.UnixMicro()})
		messages = append(messages, []any{
			shopID, message, id, "guest:" + enrollment, enrollment, "second-purchase", "f2-next", "f2-next", string(crm.Marketing),
			"hanako.yamamoto@post.example", id, at, at, string(crm.MessageQueued), int64(0),
		})
		for i, kind := range []crm.DecisionKind{crm.DecidedQueue, crm.DecidedWait} {
			decisions = append(decisions, []any{
				shopID, id, at + int64(i), at, string(kind), "second-purchase", enrollment, "f2-next", message, "2026-02-01 09:00",
			})
		}
	}
	if err := due.Err(); err != nil || len(customers) == 0 {
		return 0, err
	}
	due.Close()
	for _, write := range []struct {
		with func(context.Context, *sql.Tx, *table, [][]any) error
		to   *table
		rows [][]any
	}{{f.replace, customerTable, customers}, {f.insert, messageTable, messages}, {f.insert, decisionTable, decisions}} {
		if err := write.with(ctx, tx, write.to, write.rows); err != nil {
			return 0, err
		}
	}
	return len(customers), nil
}
