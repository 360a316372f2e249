package torture

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// A Report is what an audit found.
type Report struct {
	Received int // Received counts mails that the sink took, doubles included.
	Twice    int // Twice counts customers who got theirs twice.
	Unknown  int // Unknown counts the entries of kind unknown in goen's log.
	Left     int // Left counts messages that stayed unknown, of which Arrived were received.
	Arrived  int
	Skipped  int // Skipped counts messages that were withheld from who opted out.
	// Violations are broken promises, in words.
	Violations []string
}

// An auditor compares the ledger, the sink's memory and what goen says.
type auditor struct {
	report   Report
	heard    map[string]*heard                   // by address
	messages map[string]crm.Message              // by address, as goen has them
	log      map[string]map[crm.DecisionKind]int // by customer
}

// heard is what the sink knows about one address.
type heard struct {
	accepted []Event
	data     int // times that somebody began to transmit
}

// Audit says whether every promise was kept. Events are all that the sink has
// heard; of kills workers, each with a number of connections, nobody knows
// where they were.
func Audit(ctx context.Context, shop *crm.Shop, ledger *Ledger, events []Event, kills, connections int) (*Report, error) {
	a := &auditor{
		heard: make(map[string]*heard), messages: make(map[string]crm.Message),
		log: make(map[string]map[crm.DecisionKind]int),
	}
	a.listen(events)
	if err := a.ask(ctx, shop); err != nil {
		return nil, err
	}
	known := make(map[string]bool)
	for _, e := range ledger.Entries {
		known[e.Address] = true
		a.entry(e)
	}
	for address, h := range a.heard {
		if !known[address] {
			a.blame("%s was written to %d times and is nobody's address", address, len(h.accepted))
		}
	}
	if limit := kills * connections; a.report.Unknown > limit {
		a.blame("%d attempts are listed as unknown: %d kills with %d connections explain no more than %d",
			a.report.Unknown, kills, connections, limit)
	}
	slices.Sort(a.report.Violations)
	return &a.report, nil
}

func (a *auditor) blame(format string, args ...any) {
	a.report.Violations = append(a.report.Violations, fmt.Sprintf(format, args...))
}

func (a *auditor) listen(events []Event) {
	for _, e := range events {
		if e.To == "" {
			continue
		}
		h := a.heard[e.To]
		if h == nil {
			h = new(heard)
			a.heard[e.To] = h
		}
		switch e.Phase {
		case smtptest.PhaseData:
			h.data++
		case Accepted:
			h.accepted = append(h.accepted, e)
			a.report.Received++
		}
	}
}

// ask reads what goen says: its messages, its log, and who is in a journey.
func (a *auditor) ask(ctx context.Context, shop *crm.Shop) error {
	for m, err := range shop.Messages(ctx, crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		if _, twice := a.messages[m.To]; twice {
			a.blame("%s has two messages", m.To)
		}
		a.messages[m.To] = m
	}
	for d, err := range shop.Decisions(ctx) {
		if err != nil {
			return err
		}
		if a.log[d.Customer] == nil {
			a.log[d.Customer] = make(map[crm.DecisionKind]int)
		}
		a.log[d.Customer][d.Kind]++
		if d.Kind == crm.DecidedUnknown {
			a.report.Unknown++
		}
	}
	for c, err := range shop.Customers(ctx) {
		if err != nil {
			return err
		}
		for _, e := range c.Enrollments {
			a.blame("%s is still in %s, at %s", c.ID, e.Journey, e.Step)
		}
	}
	return nil
}

// entry audits one customer.
func (a *auditor) entry(e Entry) {
	m, ok := a.messages[e.Address]
	if !ok {
		a.blame("%s: goen has no message", e.Customer)
		return
	}
	h := cmp.Or(a.heard[e.Address], new(heard))
	log := a.log[e.Customer]
	for kind, want := range map[crm.DecisionKind]int{crm.DecidedEnroll: 1, crm.DecidedFinish: 1, crm.DecidedQueue: 1} {
		if e.OptedOut && kind == crm.DecidedQueue {
			continue // decided as skipped, if she opted out before the decision
		}
		if log[kind] != want {
			a.blame("%s: the log has %d entries %q, want %d", e.Customer, log[kind], kind, want)
		}
	}
	if e.OptedOut {
		a.report.Skipped++
		if m.State != crm.MessageSkipped || m.Reason != crm.ReasonOptedOut || h.data > 0 {
			a.blame("%s opted out, and her message is %s (%s), %d attempts", e.Customer, m.State, m.Reason, h.data)
		}
		return
	}
	a.receipts(e, m, h, log[crm.DecidedUnknown])
	a.attempts(e, m, h, log)
}

// receipts audits how often a mail arrived.
func (a *auditor) receipts(e Entry, m crm.Message, h *heard, unknown int) {
	switch n := len(h.accepted); {
	case n == 0 && (m.State != crm.MessageUnknown || unknown == 0):
		a.blame("%s: lost: nothing arrived, and the message is %s", e.Customer, m.State)
	case n == 2 && (e.Class != crm.Transactional || unknown == 0):
		a.blame("%s: a %s mail arrived twice, with %d attempts unknown", e.Customer, e.Class, unknown)
	case n > 2:
		a.blame("%s: a mail arrived %d times", e.Customer, n)
	case n == 2:
		a.report.Twice++
	}
	for _, event := range h.accepted {
		if !strings.HasPrefix(event.ID, m.ID+"@") {
			a.blame("%s: a mail arrived with id %s, the message is %s", e.Customer, event.ID, m.ID)
		}
		if event.Sum != h.accepted[0].Sum {
			a.blame("%s: the second mail is not the first, byte for byte", e.Customer)
		}
	}
	switch m.State {
	case crm.MessageSent:
		if len(h.accepted) == 0 {
			a.blame("%s: is sent, and never arrived", e.Customer)
		}
	case crm.MessageUnknown:
		a.report.Left++
		if len(h.accepted) > 0 {
			a.report.Arrived++
		}
	default:
		a.blame("%s: the message is not settled, it is %s (%s)", e.Customer, m.State, m.Reason)
	}
}

// attempts audits that every attempt is accounted for: each time somebody came
// to DATA, the outcome was learned or is listed as unknown. There may be more
// entries than attempts that the sink saw: a worker may die between the mark
// and the command.
func (a *auditor) attempts(e Entry, m crm.Message, h *heard, log map[crm.DecisionKind]int) {
	unknown, sent := log[crm.DecidedUnknown], log[crm.DecidedSend]
	want := 0
	if m.State == crm.MessageSent {
		want = 1
	}
	if sent != want {
		a.blame("%s: the message is %s, and the log has %d entries that it was sent", e.Customer, m.State, sent)
	}
	if h.data > sent+unknown {
		a.blame("%s: of %d attempts, %d are known and %d listed as unknown", e.Customer, h.data, sent, unknown)
	}
	limit := 1
	if e.Class == crm.Transactional {
		limit = 2
	}
	if sent+unknown > limit || unknown != m.Unknowns {
		a.blame("%s: %d attempts of a %s mail, %d listed as unknown, %d counted", e.Customer, sent+unknown, e.Class, unknown, m.Unknowns)
	}
	if other := log[crm.DecidedRetry] + log[crm.DecidedFail] + log[crm.DecidedSkip]; other > 0 {
		a.blame("%s: nobody refused anything, and the log has %d entries that somebody did", e.Customer, other)
	}
}
