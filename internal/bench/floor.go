package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// A floor is what hand-written SQL can do on the same database: the same rows
// in the same number of transactions, and no CRM logic.
type floor struct {
	dialect
	db   *sql.DB
	shut func() error
}

var (
	customerTable = &table{
		name: "floor_customer", key: 2, indexes: []string{"(shop_id, next_due)"},
		columns: []column{{"shop_id", keyText}, {"customer_id", keyText}, {"state", longText}, {"next_due", number}},
	}
	messageTable = &table{
		name: "floor_message", key: 2, indexes: []string{"(shop_id, state, send_at)", "(shop_id, customer_id)"},
		columns: []column{
			{"shop_id", keyText}, {"message_id", keyText}, {"customer_id", keyText}, {"address_key", keyText}, {"enrollment", keyText},
			{"journey", keyText}, {"step", keyText}, {"template", keyText}, {"class", keyText}, {"recipient", keyText}, {"order_id", keyText},
			{"send_at", number}, {"deadline", number}, {"state", keyText}, {"attempt", number},
		},
	}
	decisionTable = &table{
		name: "floor_decision", key: 3,
		columns: []column{
			{"shop_id", keyText}, {"customer_id", keyText}, {"seq", number}, {"at", number}, {"kind", keyText}, {"journey", keyText},
			{"enrollment", keyText}, {"step", keyText}, {"message_id", keyText}, {"detail", keyText},
		},
	}
	knownTable = &table{
		name: "floor_known", key: 2,
		columns: []column{{"shop_id", keyText}, {"customer_id", keyText}, {"bucket", number}},
	}
	inboxTable = &table{
		name: "floor_inbox", key: 3,
		columns: []column{{"shop_id", keyText}, {"customer_id", keyText}, {"fact_id", keyText}},
	}
	factTable = &table{
		name: "floor_fact", key: 2,
		columns: []column{
			{"shop_id", keyText}, {"fact_id", keyText}, {"customer_id", keyText}, {"type", keyText}, {"event_at", number}, {"body", longText},
		},
	}
)

// floor makes a new database with the floor's tables.
func (s *stage) floor(ctx context.Context) (*floor, error) {
	db, shut, err := s.bare(ctx)
	if err != nil {
		return nil, err
	}
	f := &floor{dialect: dialects[s.kind], db: db, shut: shut}
	for _, t := range []*table{customerTable, messageTable, decisionTable, factTable, knownTable, inboxTable} {
		statements := []string{t.create(f.types)}
		for i, index := range t.indexes {
			statements = append(statements, fmt.Sprintf("CREATE INDEX %s_%d ON %s %s", t.name, i, t.name, index))
		}
		for _, statement := range statements {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return nil, errors.Join(err, f.close())
			}
		}
	}
	return f, nil
}

func (f *floor) close() error { return errors.Join(f.db.Close(), f.shut()) }

// in runs do in a transaction.
func (f *floor) in(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, &sql.TxOptions{Isolation: f.isolation})
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// together runs do on n goroutines until all have returned.
func together(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			if errs[i] = do(ctx, i); errs[i] != nil {
				cancel()
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
