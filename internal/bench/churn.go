package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"time"

	"github.com/goen-crm/crm"
)

// churn measures how long a claim takes after very many messages were queued
// and sent while somebody held an old snapshot open, so that nothing of them
// could be cleaned away, beside a claim in a new database.
func churn(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	steps := flags.Int("steps", 50_000, "`number` of messages that come and go")
	size := flags.Int("claim", 32, "`number` of messages claimed at once")
	return func(ctx context.Context, s *stage) (_ figures, err error) {
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
		fresh, err := s.claimTime(ctx, store, 0, opening, *size)
		if err != nil {
			return nil, err
		}
		release, err := s.hold(ctx, name)
		if err != nil {
			return nil, err
		}
		now, err := comeAndGo(ctx, store, opening.Add(time.Hour), *steps)
		var old samples
		if err == nil {
			old, err = s.claimTime(ctx, store, *steps+claimedBefore, now, *size)
		}
		if err := errors.Join(err, release()); err != nil {
			return nil, err
		}
		return figures{
			{"steps", *steps}, {"claim", *size}, {"rounds", s.rounds},
			{"milliseconds", old.median()}, {"fresh_milliseconds", fresh.median()}, {"ratio", old.median() / fresh.median()},
		}, nil
	}
}

// claimedBefore is room for the numbers of messages of the first claims.
const claimedBefore = 1_000_000

// claimTime measures claims of messages that have just been queued.
func (s *stage) claimTime(ctx context.Context, store crm.Store, from int, now time.Time, size int) (milliseconds samples, err error) {
	for range s.rounds {
		if err := queueMessages(ctx, store, from, size, func(int) time.Time { return now }); err != nil {
			return nil, err
		}
		from += size
		took, err := timed(ctx, partGoen, func(ctx context.Context) error { return claims(ctx, store, now, size, size) })
		if err != nil {
			return nil, err
		}
		milliseconds.add(took.Seconds() * 1000)
		now = now.Add(time.Second)
	}
	return milliseconds, nil
}

// hold opens a snapshot and keeps it until release is called.
func (s *stage) hold(ctx context.Context, name string) (release func() error, err error) {
	if s.kind == "memory" {
		return nil, errNoFloor
	}
	db, err := sql.Open(drivers[s.kind], name)
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: map[string]sql.IsolationLevel{
		"postgres": sql.LevelRepeatableRead, "mysql": sql.LevelRepeatableRead,
	}[s.kind]})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM goen_message").Scan(&n); err != nil {
		return nil, errors.Join(err, tx.Rollback(), db.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), db.Close()) }, nil
}

// comeAndGo queues, claims, starts and settles messages, and returns how late
// it is then.
func comeAndGo(ctx context.Context, store crm.Store, now time.Time, n int) (time.Time, error) {
	const size = 500
	for from := claimedBefore; from < claimedBefore+n; from += size {
		now = now.Add(time.Second)
		if err := queueMessages(ctx, store, from, size, func(int) time.Time { return now }); err != nil {
			return now, err
		}
		until := now.Add(time.Minute)
		leases, err := store.Lease(ctx, shopID, crm.LeaseRequest{Now: now, Until: until, Limit: size})
		if err != nil {
			return now, err
		}
		started, sent := make([]crm.Mark, len(leases.Claimed)), make([]crm.Mark, len(leases.Claimed))
		for i, m := range leases.Claimed {
			started[i] = crm.Mark{
				Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted, At: now, Lease: until,
			}
			sent[i] = crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageSent, At: now}
		}
		for _, marks := range [][]crm.Mark{started, sent} {
			if _, err := store.Mark(ctx, shopID, marks); err != nil {
				return now, err
			}
		}
	}
	return now.Add(time.Hour), nil
}
