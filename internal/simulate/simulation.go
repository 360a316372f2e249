package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

// An Outcome is what became of a plan.
type Outcome struct {
	Plan *Plan
	// Violations are broken promises, in words.
	Violations []string
	// Digest is of all that happened, Steps how many calls that were.
	Digest uint64
	Steps  int
	// Trace tells it step by step, if it was asked for.
	Trace string
	// Mails counts those that arrived.
	Mails int
}

// maxSteps is far more than a plan takes whose workers get on.
const maxSteps = 100_000

// A simulation is one plan at play.
type simulation struct {
	plan    *Plan
	rand    *rand.Rand // of schedule and faults
	store   *memory.Store
	now     time.Time
	steps   int
	calm    bool // nothing goes wrong any more
	agenda  []appointment
	workers []*worker
	counter *counter
	ledger  *ledger
	trace   *trace
}

// An appointment is something that happens at an instant, whatever workers do.
type appointment struct {
	at   time.Time
	do   func()
	told *Telling // told is what is told for the first time, if anything.
}

// Run plays a plan and holds what happened against its promises.
func Run(p *Plan, verbose bool) (*Outcome, error) {
	s := &simulation{
		plan: p, rand: rand.New(rand.NewPCG(p.Schedule, 2)), store: memory.New(), now: begin,
		ledger: newLedger(p), trace: newTrace(verbose),
	}
	if err := open(s.store, p.Journeys); err != nil {
		return nil, err
	}
	if err := s.play(); err != nil {
		return nil, err
	}
	if err := s.audit(); err != nil {
		s.ledger.blame("settled: what is left cannot be read: %v", err)
	}
	o := &Outcome{Plan: p, Violations: s.ledger.violations, Digest: s.trace.sum.Sum64(), Steps: s.steps, Mails: len(s.ledger.receipts)}
	if verbose {
		o.Trace = s.trace.text.String()
	}
	return o, nil
}

// open publishes what the shop begins with.
func open(store *memory.Store, journeys []variant) error {
	definitions, err := library()
	if err != nil {
		return err
	}
	names := []string{"settings shop"}
	for _, t := range templates(1) {
		names = append(names, "template "+t.ID)
	}
	for _, j := range journeys {
		names = append(names, j.name)
	}
	for _, name := range names {
		if _, err := store.Define(context.Background(), shopID, definitions[name]); err != nil {
			return err
		}
	}
	return nil
}

// play lets time pass until the plan's end: whoever is next takes his turn.
func (s *simulation) play() error {
	defer func() {
		for _, w := range s.workers {
			w.stop()
		}
	}()
	if err := s.prepare(); err != nil {
		return err
	}
	for ; s.steps < maxSteps; s.steps++ {
		w := slices.MinFunc(s.workers, func(a, b *worker) int { return a.wake.Compare(b.wake) })
		if len(s.agenda) > 0 && !s.agenda[0].at.After(w.wake) {
			next := s.agenda[0]
			s.agenda = s.agenda[1:]
			s.now = latest(s.now, next.at)
			next.do()
			continue
		}
		if w.wake.After(s.plan.end()) {
			s.now = s.plan.end()
			return nil
		}
		s.now = latest(s.now, w.wake)
		if err := w.turn(); err != nil {
			return err
		}
	}
	s.ledger.blame("stuck: after %d steps there is still something to do", maxSteps)
	return nil
}

// prepare makes workers and appointments.
func (s *simulation) prepare() error {
	c, err := newCounter(s)
	if err != nil {
		return err
	}
	s.counter = c
	for i := range s.plan.Tellings {
		t := &s.plan.Tellings[i]
		s.arrange(appointment{t.At, func() { c.tell(t) }, t})
		if t.Again > 0 {
			s.at(t.At.Add(t.Open+t.Again), func() { c.tell(&Telling{Fact: t.Fact}) })
		}
	}
	for i, r := range s.plan.Releases {
		s.at(r.At, func() { c.publish(r, i) })
	}
	s.at(s.plan.quiet(), func() { s.calm = true })
	for i := range s.plan.Workers {
		w := &worker{simulation: s, number: i + 1, wake: begin}
		w.drift()
		s.workers = append(s.workers, w)
	}
	return nil
}

// at makes an appointment.
func (s *simulation) at(t time.Time, do func()) { s.arrange(appointment{at: t, do: do}) }

func (s *simulation) arrange(a appointment) {
	i, _ := slices.BinarySearchFunc(s.agenda, a.at, func(b appointment, t time.Time) int {
		if b.at.After(t) {
			return 1
		}
		return -1 // behind those at the same instant
	})
	s.agenda = slices.Insert(s.agenda, i, a)
}

// hasten has somebody told right now what has happened and would come in late:
// while a mail of hers is about to be claimed, or is under way.
func (s *simulation) hasten(email string) {
	if s.rand.IntN(2) == 0 {
		return
	}
	i := slices.IndexFunc(s.agenda, func(a appointment) bool {
		return a.told != nil && a.told.person.email == email && !a.told.Fact.Time.After(s.now)
	})
	if i >= 0 {
		next := s.agenda[i]
		s.agenda = slices.Delete(s.agenda, i, i+1)
		next.do()
	}
}

// upTo draws a duration.
func (s *simulation) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(d))).Truncate(time.Microsecond)
}

// stir wakes idle workers, as a fact does that comes in.
func (s *simulation) stir() {
	for _, w := range s.workers {
		if soon := s.now.Add(s.upTo(time.Second)); w.idle && soon.Before(w.wake) {
			w.wake = soon
		}
	}
}

// nobody is the mailer of those who do not send.
var nobody = mailer.Func(func(context.Context, *mailer.Message) error {
	return fmt.Errorf("simulate: whoever reads or records does not send")
})

// reader is a CRM with an exact clock on a store that works.
func reader(store crm.Store, clock func() time.Time) (*crm.Shop, error) {
	c, err := crm.New(store, nobody, &crm.Config{Clock: clock, Mode: crm.Off})
	if err != nil {
		return nil, err
	}
	return c.Shop(shopID), nil
}
