package main

import (
	"context"
	"sort"
	"time"

	"github.com/goen-crm/crm"
)

// lookEvery is how often a worker looks in. A real one, crm.Run, is at it all
// the time; the pause is there so that a year takes seconds, and so that things
// happen between two looks.
const lookEvery = 2 * time.Hour

// A replay lets time pass for the shop: again and again, what happened since a
// worker last looked in is recorded, then everything due is done.
type replay struct {
	desk  *desk
	facts []crm.Fact // facts are in order of time.
	// looked, if not nil, is told of each look before it happens.
	looked func(at time.Time)
}

// run lets time pass from the clock's to until. Facts up to the clock's time
// were told before.
func (r *replay) run(ctx context.Context, until time.Time) error {
	for at := r.desk.clock.Now(); at.Before(until); {
		next, err := r.next(ctx, at, until)
		if err != nil {
			return err
		}
		if err := r.look(ctx, at, next); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// look records what happened after from and up to at, and does what is due.
func (r *replay) look(ctx context.Context, from, at time.Time) error {
	if r.looked != nil {
		r.looked(at)
	}
	r.desk.clock.Set(at)
	if err := r.desk.shop.Record(ctx, r.facts[r.after(from):r.after(at)]...); err != nil {
		return err
	}
	return r.desk.crm.RunUntil(ctx, at)
}

// next is the first look after at at which there is something to do, or until.
func (r *replay) next(ctx context.Context, at, until time.Time) (time.Time, error) {
	next := until
	if i := r.after(at); i < len(r.facts) {
		next = lookAfter(r.facts[i].Time)
	}
	due, ok, err := r.desk.crm.NextDue(ctx, next)
	if err != nil {
		return at, err
	}
	if ok && lookAfter(due).Before(next) {
		next = lookAfter(due)
	}
	for !next.After(at) {
		next = next.Add(lookEvery)
	}
	if next.After(until) {
		next = until
	}
	return next, nil
}

// after is the place of the first fact after t.
func (r *replay) after(t time.Time) int {
	return sort.Search(len(r.facts), func(i int) bool { return r.facts[i].Time.After(t) })
}

// lookAfter is when a worker looks in next: at t at the earliest.
func lookAfter(t time.Time) time.Time {
	if at := t.Truncate(lookEvery); !at.Equal(t) {
		return at.Add(lookEvery)
	}
	return t
}
