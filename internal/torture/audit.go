package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

const (
	// grace is how long after the commit of what takes it back a mail may still
	// be begun: what is claimed by then may start.
	grace = 5 * time.Second
	// dialling is what it takes at most, beside that, to come to MAIL: a
	// conversation that begins too late goes no further than RCPT.
	dialling = 2 * time.Second
)

// Evidence is all that an audit looks at.
type Evidence struct {
	Ledger    []Entry
	Log       []Event // Log is the sink's.
	Incidents []Incident
	Said      *Statement
	// Senders is how many mails can be on their way at a time.
	Senders int
	// Connections is how many of these are one worker's.
	Connections int
}

// An auditor compares what was received with what the ledger asks for.
type auditor struct {
	Evidence
	report *Report
	mails  map[Mail]*Expectation
	heard  map[Mail][]Event // heard is the log by mail.
}

// Audit says whether every promise was kept.
func Audit(e Evidence) *Report {
	a := &auditor{Evidence: e, report: newReport(), mails: Expect(e.Ledger), heard: make(map[Mail][]Event)}
	for _, event := range e.Log {
		a.heard[event.Mail] = append(a.heard[event.Mail], event)
	}
	for _, mail := range slices.SortedFunc(maps.Keys(a.heard), compareMails) {
		if a.mails[mail] == nil {
			a.stranger(mail)
		}
	}
	for _, mail := range slices.SortedFunc(maps.Keys(a.mails), compareMails) {
		a.receipts(a.mails[mail])
		a.lateness(a.mails[mail])
		a.silences(mail)
	}
	a.unknowns()
	for _, w := range e.Said.Waiting {
		a.report.Stuck++
		a.blame("%s", w)
	}
	a.incidents()
	return a.report
}

func (a *auditor) blame(format string, args ...any) {
	a.report.Violations = append(a.report.Violations, fmt.Sprintf(format, args...))
}

// stranger blames a mail that nobody asked for. It cannot be lost or late; it
// counts as received once too often.
func (a *auditor) stranger(m Mail) {
	for _, e := range a.heard[m] {
		if e.Phase == Accepted {
			a.report.Received++
			a.report.Duplicates++
		}
	}
	a.blame("%v was begun, and nothing on record asks for it", m)
}

// receipts audits that a mail exists once, and how often it arrived.
func (a *auditor) receipts(e *Expectation) {
	var accepted []Event
	for _, event := range a.heard[e.Mail] {
		if event.Phase == Accepted {
			accepted = append(accepted, event)
		}
	}
	a.report.Received += len(accepted)
	ids := a.Said.Mails[e.Mail]
	if e.Must {
		a.report.Messages++
		if len(ids) != 1 {
			a.blame("%v has %d messages, want 1", e.Mail, len(ids))
		}
	} else {
		a.report.Takeable++
	}
	listed := 0
	for _, id := range ids {
		listed += a.Said.Listed[id]
	}
	if len(accepted) > 0 && listed == 0 { // goen forgets the address of who was erased
		listed = a.Said.Listed[accepted[0].Message]
	}
	allowed := 1
	if e.Class == crm.Transactional && listed > 0 {
		allowed = 2
	}
	switch n := len(accepted); {
	case n > allowed:
		a.report.Duplicates += n - allowed
		a.blame("%v, which is %s, arrived %d times, with %d attempts listed as unknown", e.Mail, e.Class, n, listed)
	case n == 2:
		a.report.Twice++
	case n == 0 && e.Must:
		a.absence(e.Mail, ids)
	}
	for _, event := range accepted {
		if event.Message != accepted[0].Message || event.ID != accepted[0].ID || !strings.HasPrefix(event.ID, event.Message+"@") {
			a.blame("%v arrived as %s and as %s", e.Mail, accepted[0].ID, event.ID)
		}
		if event.Sum != accepted[0].Sum {
			a.blame("%v: the second mail is not the first, byte for byte", e.Mail)
		}
	}
}

// absence says why a mail that must be sent did not arrive: because the mail
// server refused it for good, because goen does not know, or for no reason.
func (a *auditor) absence(m Mail, ids []string) {
	refused := slices.ContainsFunc(a.heard[m], func(e Event) bool { return strings.HasPrefix(e.Fault, "5") })
	unknown := slices.ContainsFunc(ids, func(id string) bool { return a.Said.Unknown[id] && a.Said.Listed[id] > 0 })
	switch {
	case refused:
		a.report.Refused++
	case unknown:
		a.report.Missing++
	default:
		a.report.Lost++
		a.blame("%v is lost", m)
	}
}

// lateness audits that no mail is begun too long after something took it back.
//
// Where DATA follows, that is exact, by the clock: the claim came before the
// commit, and the start within five seconds of the claim; MAIL came before the
// start, whether or not the worker was stopped in between. Where it does not, a
// worker may have been stopped, and said MAIL when it woke: the time for which
// it stood still does not count.
func (a *auditor) lateness(e *Expectation) {
	for i, event := range a.heard[e.Mail] {
		if event.Phase != smtptest.PhaseMail {
			continue
		}
		for _, end := range e.Ends {
			late := event.Clock.Sub(end.Clock)
			if !transmits(a.heard[e.Mail][i:]) {
				late = event.At.Sub(end.At) - a.stoodStill(event.Worker, end.At, event.At) - dialling
			}
			if late > grace {
				a.report.LateSends++
				a.blame("%v is begun by %s at %s, %v after something took it back", e.Mail, event.Worker, event.At.Format(time.StampMicro), late)
				break
			}
		}
	}
}

// transmits reports whether DATA follows in the conversation that begins with
// the first event.
func transmits(events []Event) bool {
	for _, e := range events[1:] {
		if e.Worker != events[0].Worker {
			continue
		}
		switch e.Phase {
		case smtptest.PhaseMail:
			return false
		case smtptest.PhaseData:
			return true
		}
	}
	return false
}

// stoodStill returns for how long a worker was stopped between two instants.
func (a *auditor) stoodStill(worker string, from, to time.Time) (total time.Duration) {
	var since time.Time
	for _, i := range a.Incidents {
		if i.Worker != worker {
			continue
		}
		switch i.Kind {
		case Paused:
			since = i.At
		case Resumed:
			begin, end := later(since, from), i.At
			if to.Before(end) {
				end = to
			}
			total += max(0, end.Sub(begin))
		}
	}
	return total
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// silences audits that every attempt is listed to which the sink gave no answer
// once the start was marked.
func (a *auditor) silences(m Mail) {
	silences := make(map[string]int)
	for _, e := range a.heard[m] {
		if e.unanswered() {
			silences[e.Message]++
		}
	}
	for id, n := range silences {
		if listed := a.Said.Listed[id]; n > listed {
			a.blame("%v: %d attempts were left without an answer, and %d are listed as unknown", m, n, listed)
		}
	}
}

// unanswered reports whether the sink left a mail without an answer at a time
// when it may have it.
func (e Event) unanswered() bool {
	switch e.Phase {
	case smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply:
		return e.Fault != "" && !isCode(e.Fault)
	}
	return false
}

func isCode(fault string) bool {
	_, err := strconv.Atoi(fault)
	return err == nil
}

// unknowns counts the attempts that are listed as unknown: no more than what
// was done to the system explains.
func (a *auditor) unknowns() {
	explained := 0
	for _, e := range a.Log {
		if e.unanswered() {
			explained++
		}
	}
	for _, i := range a.Incidents {
		switch i.Kind {
		case Killed, Paused:
			explained += a.Connections
		case Suspended, Restarted, Cut:
			explained += a.Senders
		}
	}
	for _, n := range a.Said.Listed {
		a.report.Unknown += n
	}
	if a.report.Unknown > explained {
		a.blame("%d attempts are listed as unknown, and what happened explains no more than %d", a.report.Unknown, explained)
	}
}

// incidents counts what was done to the system.
func (a *auditor) incidents() {
	for _, i := range a.Incidents {
		switch i.Kind {
		case Killed:
			a.report.Kills++
			a.report.KillsBy[i.Phase]++
		case Paused:
			a.report.Pauses++
		case Suspended:
			a.report.Suspensions++
		case Restarted:
			a.report.Restarts++
		case Cut:
			a.report.Cuts++
		}
	}
}

func compareMails(a, b Mail) int {
	if c := strings.Compare(a.To, b.To); c != 0 {
		return c
	}
	return strings.Compare(a.Subject, b.Subject)
}

func (m Mail) String() string { return fmt.Sprintf("%q to %s", m.Subject, m.To) }
