package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// stepsEach is how many steps a customer goes through in secondPurchase: each
// is a visit that is written down with its message.
const stepsEach = 3

// journeys measures how fast customers go through a journey of three steps, and
// then how fast their mails are handed to a mail system that takes no time. The
// customers, their first orders and the facts that start them are on record
// beforehand.
func journeys(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	customers := flags.Int("customers", 20_000, "`number` of customers")
	messages := flags.Int("messages", 5_000, "`number` of messages to deliver")
	connections := flags.Int("connections", 8, "`number` of goroutines that send")
	return func(ctx context.Context, s *stage) (figures, error) {
		var goen, bare, sent samples
		for range s.rounds {
			state, err := s.goenJourneys(ctx, *customers, min(*messages, stepsEach**customers), *connections, &goen, &sent)
			if err == nil {
				err = s.bareJourneys(ctx, *customers, state, &bare)
			}
			if err != nil && !errors.Is(err, errNoFloor) {
				return nil, err
			}
		}
		return figures{
			{"customers", *customers}, {"workers", s.workers}, {"rounds", s.rounds},
			{"steps_per_second", goen.median()}, {"floor_steps_per_second", bare.median()}, {"ratio", goen.median() / bare.median()},
			{"messages_per_second", sent.median()},
		}, nil
	}
}

// goenJourneys is one round of goen. It returns what a customer's document is
// like, for the floor.
func (s *stage) goenJourneys(ctx context.Context, customers, messages, connections int, steps, sent *samples) (state string, err error) {
	d, err := s.desk(ctx, simple)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, d.close()) }()

	bought := opening.Add(10 * day)
	d.clock.Set(bought.Add(time.Hour))
	err = d.record(ctx, batches(customers, 1000, func(p person) []crm.Fact {
		return append(p.joins(opening.Add(day)), p.buys(bought, 1))
	}), s.workers)
	if err == nil {
		err = d.work(ctx, d.clock.Now())
	}
	if err != nil {
		return "", err
	}
	received := bought.Add(3 * day)
	first := received.Add(time.Hour)
	d.clock.Set(first)
	err = d.record(ctx, batches(customers, 1000, func(p person) []crm.Fact {
		return []crm.Fact{p.receives(received, 1)}
	}), s.workers)
	if err != nil {
		return "", err
	}
	took, err := timed(ctx, partGoen, func(ctx context.Context) error {
		return d.work(ctx, first, first.Add(firstWait*day), first.Add((firstWait+secondWait)*day))
	})
	if err != nil {
		return "", err
	}
	if err := d.expect(ctx, stepsEach*customers); err != nil {
		return "", err
	}
	steps.add(rate(stepsEach*customers, took))

	delivered := 0
	took, err = timed(ctx, partDelivery, func(ctx context.Context) error {
		delivered, err = d.deliver(ctx, messages, connections)
		return err
	})
	if err != nil {
		return "", err
	}
	sent.add(rate(delivered, took))
	for row, err := range d.store.Customers(ctx, shopID, crm.CustomerQuery{IDs: []string{person(0).id()}}) {
		return string(row.State), err
	}
	return "", errors.New("a customer is missing")
}

// expect checks how many messages there are, so that nothing is measured that
// was not done.
func (d *desk) expect(ctx context.Context, messages int) error {
	n := 0
	for _, err := range d.store.Messages(ctx, shopID, crm.MessageQuery{States: []crm.MessageState{crm.MessageQueued}}) {
		if err != nil {
			return err
		}
		n++
	}
	if n != messages {
		return fmt.Errorf("%d messages were queued instead of %d", n, messages)
	}
	return nil
}

// bareJourneys is one round of the floor.
func (s *stage) bareJourneys(ctx context.Context, customers int, state string, steps *samples) (err error) {
	f, err := s.floor(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	if err := f.fill(ctx, customers, state, opening); err != nil {
		return err
	}
	took, err := timed(ctx, partFloor, func(ctx context.Context) error {
		for n := range stepsEach {
			now := opening.Add(time.Duration(n) * day)
			if err := f.steps(ctx, s.workers, now, now.Add(day)); err != nil {
				return err
			}
		}
		return nil
	})
	steps.add(rate(stepsEach*customers, took))
	return err
}
