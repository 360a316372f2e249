package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goen-crm/crm"
)

// A Phase is a stretch of a worker's work.
type Phase string

// The phases.
const (
	Fold     Phase = "fold"     // customers are locked, and what follows from their facts is decided
	Commit   Phase = "commit"   // it was decided, and is being written and committed
	Claim    Phase = "claim"    // messages are claimed, and the start of none of them is marked
	Data     Phase = "data"     // a start is marked, and the mail server has not said 250
	Answer   Phase = "answer"   // 250 was said, and that the mail is sent is not marked
	Anywhere Phase = "anywhere" // nobody knows: a while after its start, or right after another phase
)

// Phases are those in which workers are killed on purpose.
var Phases = []Phase{Fold, Commit, Claim, Data, Answer}

// A Site is an exact place within a phase. A worker comes by most of them
// itself; at the others it waits for an answer of the mail server.
type Site string

// The sites.
const (
	Deciding   Site = "deciding"   // about to decide, with its customers locked
	Decided    Site = "decided"    // has decided, and written nothing
	Committing Site = "committing" // is writing
	Leased     Site = "leased"     // has claimed messages
	AtMail     Site = "mail"       // has sent MAIL
	AtRcpt     Site = "rcpt"       // has sent RCPT
	Started    Site = "started"    // has marked the start, and not sent DATA
	AtData     Site = "data"       // has sent DATA
	AtBody     Site = "body"       // was told to go on, and may have transmitted a part, or all
	AtReply    Site = "reply"      // has sent the final dot: the mail is accepted, and nobody told it
	Answered   Site = "answered"   // was told 250
	Marking    Site = "marking"    // is marking that the mail is sent
	Some       Site = "some"       // some time after the start
)

// sites are the sites of each phase.
var sites = map[Phase][]Site{
	Fold:     {Deciding, Decided},
	Commit:   {Committing},
	Claim:    {Leased, AtMail, AtRcpt},
	Data:     {Started, AtData, AtBody, AtReply},
	Answer:   {Answered, Marking},
	Anywhere: {Some},
}

// moving reports whether the worker does not stand still at a site: it is
// killed a moment later, if it has not left the site by then.
func (s Site) moving() bool { return s == Committing || s == Marking }

// A Doom says where a worker is to be killed or stopped.
type Doom struct {
	Phase Phase
	Site  Site
	Nth   int           // Nth: at the nth time it comes to the site, from 1.
	Delay time.Duration // Delay is how long after coming to a site where it is moving, or after its start for Some.
	Pause bool          // Pause: it is stopped, not killed.
}

// pauses are the sites where workers are stopped, by phase.
var pauses = map[Phase]Site{Claim: Leased, Data: Started, Answer: Answered}

// What a worker says to the executioner, a line each.
const (
	ready   = "ready"
	reached = "reached"
	left    = "left"
)

// A guard lets a worker announce that it has come to the site of its doom, and
// makes it stand still there.
type guard struct {
	doom    Doom
	visits  atomic.Int64
	proceed chan struct{} // proceed is closed when it may go on.

	// calls is held for reading by each call of the store, if the worker must
	// not be stopped within one: on a database with one writer the whole shop
	// would stand still with it.
	calls  sync.RWMutex
	gentle bool
}

// at is called when the worker has come to a site, and reports whether it is
// that of its doom. If the worker stands still there, at returns when it was
// told to go on; if it is to be killed, it never is.
func (g *guard) at(s Site) bool {
	if s != g.doom.Site || g.visits.Add(1) != int64(g.doom.Nth) {
		return false
	}
	if g.gentle && g.doom.Pause {
		g.calls.Lock()
		defer g.calls.Unlock()
	}
	fmt.Println(reached)
	if !s.moving() {
		<-g.proceed
	}
	return true
}

// leave is called when it has left a site where it was moving.
func (g *guard) leave(doomed bool) {
	if doomed {
		fmt.Println(left)
	}
}

// A guardedStore is a store whose worker announces where it is. It has none of
// what the store can do beyond the interface: the run's clock is not the
// server's.
type guardedStore struct {
	crm.Store
	guard *guard
	slow  time.Duration // slow is for how long facts lie before they are folded: until then there is nothing but the fence.
}

// Update implements [crm.Store].
func (s *guardedStore) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (int, error) {
	time.Sleep(s.slow)
	s.guard.calls.RLock()
	defer s.guard.calls.RUnlock()
	doomed := false
	n, err := s.Store.Update(ctx, shop, sel, func(w *crm.Work) (*crm.Changes, error) {
		if len(w.Customers) > 0 {
			s.guard.at(Deciding)
		}
		changes, err := decide(w)
		if err == nil && len(changes.Customers) > 0 {
			s.guard.at(Decided)
			doomed = s.guard.at(Committing) || doomed
		}
		return changes, err
	})
	s.guard.leave(doomed)
	return n, err
}

// Lease implements [crm.Store].
func (s *guardedStore) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	s.guard.calls.RLock()
	leases, err := s.Store.Lease(ctx, shop, req)
	s.guard.calls.RUnlock()
	if len(leases.Claimed) > 0 {
		s.guard.at(Leased)
	}
	return leases, err
}

// Mark implements [crm.Store].
func (s *guardedStore) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	doomed := false
	if slices.ContainsFunc(marks, func(m crm.Mark) bool { return m.To == crm.MessageSent }) {
		s.guard.at(Answered)
		doomed = s.guard.at(Marking)
	}
	s.guard.calls.RLock()
	applied, err := s.Store.Mark(ctx, shop, marks)
	s.guard.calls.RUnlock()
	s.guard.leave(doomed)
	for i, ok := range applied {
		if err == nil && ok && marks[i].To == crm.MessageStarted {
			s.guard.at(Started)
			break
		}
	}
	return applied, err
}
