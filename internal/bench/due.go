package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// due measures how fast messages are claimed while very many wait of which one
// in a hundred is due, beside the same with few.
func due(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	waiting := flags.Int("waiting", 1_000_000, "`number` of messages that wait")
	small := flags.Int("small", 100_000, "`number` of messages that wait in the comparison")
	size := flags.Int("claim", 32, "`number` of messages claimed at once")
	return func(ctx context.Context, s *stage) (figures, error) {
		many, err := s.claimRates(ctx, *waiting, *size)
		if err != nil {
			return nil, err
		}
		few, err := s.claimRates(ctx, *small, *size)
		if err != nil {
			return nil, err
		}
		return figures{
			{"waiting", *waiting}, {"small", *small}, {"claim", *size}, {"rounds", s.rounds},
			{"claims_per_second", many.median()}, {"small_claims_per_second", few.median()}, {"ratio", many.median() / few.median()},
		}, nil
	}
}

// claimsEach is how many messages one round claims at most.
const claimsEach = 2000

func (s *stage) claimRates(ctx context.Context, waiting, size int) (rates samples, err error) {
	name, drop, err := s.place(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	store, shut, err := s.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, shut()) }()
	if err := s.fillOutbox(ctx, store, name, waiting); err != nil {
		return nil, err
	}
	each := min(claimsEach, waiting/100/s.rounds)
	for range s.rounds {
		took, err := timed(ctx, partGoen, func(ctx context.Context) error { return claims(ctx, store, opening, each, size) })
		if err != nil {
			return nil, err
		}
		rates.add(rate(each, took))
	}
	return rates, nil
}

// outboxSeed is how many messages are written by the store; PostgreSQL makes
// the others of them by itself.
const outboxSeed = 10_000

// fillOutbox writes messages, every hundredth due.
func (s *stage) fillOutbox(ctx context.Context, store crm.Store, name string, waiting int) error {
	seed := waiting
	if s.kind == "postgres" {
		seed = min(waiting, outboxSeed)
	}
	err := queueMessages(ctx, store, 0, seed, func(i int) time.Time {
		if i%100 == 0 {
			return opening.Add(-time.Duration(1+i) * time.Second)
		}
		return opening.Add(time.Duration(i) * time.Minute)
	})
	if err != nil || seed == waiting {
		return err
	}
	return multiply(ctx, name, waiting/seed-1)
}

// multiply gives each message n twins with ids and customers of their own.
func multiply(ctx context.Context, dsn string, n int) (err error) {
	db, err := sql.Open(drivers["postgres"], dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	columns, err := readColumn(ctx, db, "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'goen_message' ORDER BY ordinal_position")
	if err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		switch c {
		case "message_id", "customer_id", "address_key", "enrollment":
			values[i] = c + " || '-' || g"
		case "send_at":
			values[i] = c + " + g * interval '1 millisecond'"
		default:
			values[i] = c
		}
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("INSERT INTO goen_message (%s) SELECT %s FROM goen_message, generate_series(1, %d) AS g",
		strings.Join(columns, ", "), strings.Join(values, ", "), n))
	if err == nil {
		_, err = db.ExecContext(ctx, "VACUUM ANALYZE goen_message")
	}
	return err
}

// readColumn reads one column.
func readColumn(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}
