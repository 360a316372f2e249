package postgres

import (
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// What is asked for by time, all day long: the rows of each kind below a certain
// time have been dealt with, but their index entries stay until a vacuum, or as
// long as somebody's old snapshot is open, and reading past them takes longer
// and longer. So a store remembers up to where there is nothing any more, and
// begins there.
type dueKind int

const (
	timersDue dueKind = iota
	reviewsDue
	promptDue
	bulkDue
	leasesDue
)

const (
	// sweepEvery is how often a store looks from the beginning. What another
	// process has put below the mark meanwhile waits so long at most.
	sweepEvery = 10 * time.Second
	// sweepMargin is how far the mark stays behind the present, so that what
	// others decide a little late is not below it.
	sweepMargin = time.Minute
)

// A lowWater remembers marks of each shop.
type lowWater struct {
	mu    sync.Mutex
	marks map[lowKey]*lowMark
}

type lowKey struct {
	shop string
	kind dueKind
}

type lowMark struct {
	at      time.Time // nothing is due before
	swept   time.Time // when that was found out; zero if it was not
	asOf    time.Time // what the time was then to those who ask, whose clock may be another
	changes int       // counts lower
}

func (l *lowWater) mark(shop string, kind dueKind) *lowMark {
	if l.marks == nil {
		l.marks = make(map[lowKey]*lowMark)
	}
	key := lowKey{shop, kind}
	if l.marks[key] == nil {
		l.marks[key] = new(lowMark)
	}
	return l.marks[key]
}

// lower takes note of something due at an instant that this store has written.
func (l *lowWater) lower(shop string, kind dueKind, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.mark(shop, kind); !at.IsZero() {
		m.changes++
		if at.Before(m.at) {
			m.at = at
		}
	}
}

// changed takes note of all that changes make due.
func (l *lowWater) changed(shop string, ch *crm.Changes) {
	for i := range ch.Customers {
		l.lower(shop, timersDue, ch.Customers[i].NextDue)
		l.lower(shop, reviewsDue, ch.Customers[i].NextReview)
	}
	for i := range ch.Queue {
		l.lower(shop, laneDue(ch.Queue[i].Lane), ch.Queue[i].SendAt)
		l.lower(shop, leasesDue, ch.Queue[i].LeaseUntil)
	}
}

func laneDue(lane crm.Lane) dueKind {
	if lane == crm.Bulk {
		return bulkDue
	}
	return promptDue
}

// A lowBound is where to begin in one transaction.
type lowBound struct {
	at   time.Time
	done func() // to be called once the transaction's next round trip is over
}

// above returns where to begin looking for what is due at now. From time to time
// that is the very beginning; then it also queues the statement that finds out
// what is the earliest.
func (tx *transaction) above(shop string, kind dueKind, now time.Time, earliest string, args ...any) lowBound {
	l := &tx.s.low
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.mark(shop, kind)
	if !m.swept.IsZero() && time.Since(m.swept) < sweepEvery && now.Sub(m.asOf) < sweepEvery {
		return lowBound{m.at, func() {}}
	}
	began, changes := time.Now(), m.changes
	var first time.Time
	tx.queue(earliest, args...).QueryRow(func(row pgx.Row) error { return row.Scan(instant{&first}) })
	return lowBound{time.Time{}, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if m.changes != changes {
			return // by something that the sweep may not have seen
		}
		m.at, m.swept, m.asOf = now.Add(-sweepMargin), began, now
		if !first.IsZero() && first.Before(m.at) {
			m.at = first
		}
	}}
}
