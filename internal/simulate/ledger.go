package simulate

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// A ledger is what really happened, noted as it did: when facts were committed,
// when messages were claimed and started, and what arrived. It reads nothing
// from goen.
type ledger struct {
	plan       *Plan
	step       int            // step counts calls that were carried out.
	commits    map[string]int // commits are the steps at which facts were committed, by id.
	claims     map[attempt]claim
	latest     map[string]int     // latest are the last claims of messages.
	started    map[attempt]string // started are under way, by worker.
	starts     []claim
	receipts   []received
	refused    map[string]bool  // refused are messages that the mail system answered 5xx.
	excused    map[string]bool  // excused are messages of which somebody may have lost sight.
	releases   []crm.Definition // releases are versions published while the shop was open.
	violations []string
}

// An attempt is one claim of a message.
type attempt struct {
	message string
	number  int
}

// A claim is a message as it was claimed, and when.
type claim struct {
	crm.Message
	step int
	at   time.Time
}

// received is a mail that arrived.
type received struct {
	message, to, subject, text string
	date                       time.Time
}

func newLedger(p *Plan) *ledger {
	return &ledger{
		plan: p, commits: make(map[string]int), claims: make(map[attempt]claim), latest: make(map[string]int), started: make(map[attempt]string),
		refused: make(map[string]bool), excused: make(map[string]bool),
	}
}

// blame notes a broken promise, once.
func (l *ledger) blame(format string, args ...any) {
	if v := fmt.Sprintf(format, args...); !slices.Contains(l.violations, v) {
		l.violations = append(l.violations, v)
	}
}

func (l *ledger) commit(fact string) {
	if _, ok := l.commits[fact]; !ok {
		l.commits[fact] = l.step
	}
}

func (l *ledger) published(d crm.Definition) {
	same := func(o crm.Definition) bool { return o.Kind == d.Kind && o.ID == d.ID && o.Version == d.Version }
	if d.Version > 1 && !slices.ContainsFunc(l.releases, same) {
		l.releases = append(l.releases, d)
	}
}

// variant is what was published as a version of a journey.
func (l *ledger) variant(journey string, version int) variant {
	for _, d := range l.releases {
		if d.Kind != "journey" || d.ID != journey || d.Version != version {
			continue
		}
		definitions, _ := library() // it was read before the simulation began
		for _, v := range variants[journey] {
			if bytes.Equal(definitions[v.name].Body, d.Body) {
				return v
			}
		}
	}
	return l.plan.Journeys[slices.IndexFunc(l.plan.Journeys, func(v variant) bool { return v.journey.ID == journey })]
}

func (l *ledger) claim(w *worker, m crm.Message) {
	l.latest[m.ID] = m.Attempt
	l.claims[attempt{m.ID, m.Attempt}] = claim{Message: m, step: l.step, at: w.now}
}

// mark notes a mark that was applied.
func (l *ledger) mark(w *worker, m crm.Mark) {
	key := attempt{m.Message, m.Attempt}
	c, ok := l.claims[key]
	switch {
	case m.To != crm.MessageStarted:
		delete(l.started, key)
	case !ok:
		l.blame("start: message %s is started and was not claimed", m.Message)
	default:
		l.started[key] = w.name()
		if l.latest[m.Message] != m.Attempt {
			l.blame("start: message %s is started by attempt %d, and %d has claimed it since", m.Message, m.Attempt, l.latest[m.Message])
		}
		l.starts = append(l.starts, c)
		// By the worker's clock, which may jump; it may be held up after it looked.
		if late := m.At.Sub(c.at); late > 5*time.Second+2*skew {
			l.blame("start: message %s is started %s after its claim", m.Message, late)
		}
		if problem := l.forbidden(c); problem != "" {
			l.blame("fence: %s of %s to %s is started, %s", c.Step, c.Journey, c.To, problem)
		}
	}
}

// transmit notes that a worker begins to transmit.
func (l *ledger) transmit(w *worker, message string) {
	for key, by := range l.started {
		if key.message == message && by == w.name() {
			return
		}
	}
	// What was marked as started and then as lost, by others, may still go on.
	if !l.excused[message] {
		l.blame("start: message %s is transmitted and not marked as started", message)
	}
}

func (l *ledger) receive(message string, m *mailer.Message) {
	l.receipts = append(l.receipts, received{message, m.To.Email, m.Subject, m.Text, m.Date})
}
