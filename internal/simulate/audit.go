package simulate

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// An auditor compares what happened with what goen says of it.
type auditor struct {
	*ledger
	messages []crm.Message
	log      map[string]map[crm.DecisionKind]int // by message
	arrived  map[string][]received               // by message
}

// audit looks for broken promises when everything is over.
func (s *simulation) audit() error {
	ctx := context.Background()
	a := &auditor{ledger: s.ledger, log: make(map[string]map[crm.DecisionKind]int), arrived: make(map[string][]received)}
	shop, err := reader(s.store, s.plan.end)
	if err != nil {
		return err
	}
	if err := a.read(ctx, s.store, shop); err != nil {
		return err
	}
	for _, m := range a.messages {
		a.receipts(m)
		a.settled(m)
	}
	a.once()
	a.demands()
	if err := a.waits(ctx, s.store); err != nil {
		return err
	}
	if err := a.explained(ctx, shop); err != nil {
		return err
	}
	return a.compare(ctx, s.store)
}

func (a *auditor) read(ctx context.Context, store crm.Store, shop *crm.Shop) error {
	for m, err := range store.Messages(ctx, shopID, crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		a.messages = append(a.messages, m)
		a.log[m.ID] = make(map[crm.DecisionKind]int)
	}
	for d, err := range shop.Decisions(ctx) {
		if err != nil {
			return err
		}
		if d.Message != "" && a.log[d.Message] == nil {
			a.blame("settled: the log tells of message %s, which is not there", d.Message)
			continue
		}
		if d.Message != "" {
			a.log[d.Message][d.Kind]++
		}
		if d.Kind == crm.DecidedExit && d.Reason == crm.ReasonExit && !a.justified(crm.Message{Customer: d.Customer, To: unknownAddress, Reason: d.Reason}) {
			a.blame("complete: a run of %s in %s has ended, and no fact says so", d.Customer, d.Journey)
		}
	}
	for _, r := range a.ledger.receipts {
		a.arrived[r.message] = append(a.arrived[r.message], r)
	}
	for _, id := range slices.Sorted(maps.Keys(a.arrived)) {
		if a.log[id] == nil {
			a.blame("once: message %s arrived, which is not there", id)
		}
	}
	return nil
}

// receipts audits how often a message arrived, and that each time is accounted for.
func (a *auditor) receipts(m crm.Message) {
	mails, log := a.arrived[m.ID], a.log[m.ID]
	most := 1
	if m.Class == crm.Transactional && a.excused[m.ID] {
		most = 2
	}
	if len(mails) > most {
		a.blame("once: %s (%s) arrived %d times, %d allowed", m.Step, m.ID, len(mails), most)
	}
	for _, r := range mails {
		if r != mails[0] {
			a.blame("once: %s (%s) arrived with two contents", m.Step, m.ID)
		}
	}
	sent := 0
	if m.State == crm.MessageSent {
		sent = 1
	}
	// The count of a message forgets an attempt whose answer came late after
	// all; the log does not.
	unknown := log[crm.DecidedUnknown]
	if log[crm.DecidedSend] != sent || unknown < m.Unknowns {
		a.blame("settled: %s (%s) is %s with %d unknown attempts, the log has %d and %d",
			m.Step, m.ID, m.State, m.Unknowns, log[crm.DecidedSend], unknown)
	}
	if len(mails) > sent+unknown {
		a.blame("settled: %s (%s) arrived %d times, and is %s with %d unknown attempts", m.Step, m.ID, len(mails), m.State, unknown)
	}
}

// settled audits that a message came to an end for which there is a reason.
func (a *auditor) settled(m crm.Message) {
	reason := ""
	switch m.State {
	case crm.MessageSent:
		if len(a.arrived[m.ID]) == 0 {
			reason = "never arrived"
		}
	case crm.MessageFailed:
		if !a.refused[m.ID] && (m.Reason != crm.ReasonTries || !a.plan.Faults[Refuse] && !a.plan.Faults[Break]) {
			reason = "nobody refused it"
		}
	case crm.MessageUnknown:
		if !a.excused[m.ID] || (m.Class == crm.Transactional && m.Unknowns < 2) {
			reason = "nothing happened that explains it"
		}
	case crm.MessageSkipped:
		if !a.justified(m) {
			reason = "no fact says so"
		}
	default:
		reason = "everything is over"
	}
	if reason != "" {
		a.blame("complete: %s (%s) of %s is %s %s, and %s", m.Step, m.ID, m.Customer, m.State, m.Reason, reason)
	}
}

// justified reports whether some fact can be why a message was skipped.
func (a *auditor) justified(m crm.Message) bool {
	facts := a.of(m)
	some := func(holds func(crm.Fact) bool) bool { return slices.ContainsFunc(facts, holds) }
	answer := func(granted bool) bool {
		return some(func(f crm.Fact) bool { b, ok := f.Body.(crm.ConsentChanged); return ok && b.Granted == granted })
	}
	changes := 0
	emptied := false
	for _, f := range facts {
		if b, ok := f.Body.(crm.CartUpdated); ok && "cart:"+b.Cart.ID == m.CartKey {
			changes++
			emptied = emptied || len(b.Items) == 0
		}
	}
	switch m.Reason {
	case crm.ReasonBought:
		return some(isA[crm.OrderSaved])
	case crm.ReasonExit:
		return some(named("stop")) || some(isA[crm.OrderCancelled]) || some(isA[crm.OrderRefunded])
	case crm.ReasonOptedOut:
		return answer(false)
	case crm.ReasonNoConsent:
		return !a.agreed(facts, m.SendAt)
	case crm.ReasonErased:
		return some(isA[crm.CustomerErased])
	case crm.ReasonCartChanged:
		return changes > 1
	case crm.ReasonCartEmptied:
		return emptied
	case crm.ReasonNoAddress:
		return some(func(f crm.Fact) bool { return f.Email == "" })
	case crm.ReasonLate:
		return m.Step == "cart-2" && (a.plan.Faults != Faults{} || !a.plan.Punctual)
	}
	return false
}

// unknownAddress is nobody's.
const unknownAddress = "?"

// of are the facts of whom a message is for, or all facts if she was erased and
// nobody can tell.
func (a *auditor) of(m crm.Message) []crm.Fact {
	var facts []crm.Fact
	for _, t := range a.plan.Tellings {
		p := t.person
		if m.Customer == p.account || m.To == p.email || m.To == "" || m.Customer == crm.GuestKey(p.email) {
			facts = append(facts, t.Fact)
		}
	}
	return facts
}

// agreed reports whether somebody had said yes before an instant, in time, and
// never said no.
func (a *auditor) agreed(facts []crm.Fact, before time.Time) bool {
	yes := false
	for _, f := range facts {
		b, ok := f.Body.(crm.ConsentChanged)
		if isA[crm.CustomerErased](f) || ok && !b.Granted {
			return false
		}
		yes = yes || ok && f.Email != "" && f.Time.Before(before) && a.prompt(f)
	}
	return yes
}

// prompt reports whether a fact was told as it happened.
func (a *auditor) prompt(f crm.Fact) bool {
	return slices.ContainsFunc(a.plan.Tellings, func(t Telling) bool {
		return t.Fact.ID == f.ID && t.At.Equal(f.Time) && t.Open == 0
	})
}

// once audits that nothing was decided twice, under whatever id.
func (a *auditor) once() {
	seen := make(map[string]bool)
	for _, m := range a.messages {
		if m.Order == "" {
			continue
		}
		if key := m.Step + " of order " + m.Order; seen[key] {
			a.blame("once: there are two messages %s", key)
		} else {
			seen[key] = true
		}
	}
	// A plan is shorter than the cooldown of a cart's journey, and after a mail
	// only an erasure makes goen forget it.
	reminded := make(map[string]string)
	for _, r := range a.ledger.receipts {
		if !strings.HasPrefix(r.subject, "cart-1 ") || !a.guest(r.to) {
			continue
		}
		if reminded[r.to] != "" && reminded[r.to] != r.message {
			a.blame("once: %s was reminded of a cart twice", r.to)
		}
		reminded[r.to] = r.message
	}
}

// guest reports whether somebody has no account and was never erased.
func (a *auditor) guest(email string) bool {
	return !slices.ContainsFunc(a.plan.Tellings, func(t Telling) bool {
		return t.person.email == email && (t.person.account != "" || isA[crm.CustomerErased](t.Fact))
	})
}

// demands audits that what must have been decided was.
func (a *auditor) demands() {
	for _, t := range a.plan.Tellings {
		var facts []crm.Fact // all of hers
		for _, o := range a.plan.Tellings {
			if o.person == t.person {
				facts = append(facts, o.Fact)
			}
		}
		if slices.ContainsFunc(facts, isA[crm.CustomerErased]) {
			continue
		}
		journey, step := demanded(t.Fact, facts)
		if step == "" || !slices.ContainsFunc(a.plan.Journeys, func(v variant) bool { return v.journey.ID == journey }) {
			continue
		}
		if journey != "receipt" && (!a.agreed(facts, t.Fact.Time) || slices.ContainsFunc(facts, func(f crm.Fact) bool { return !a.prompt(f) })) {
			continue
		}
		id := orderOf(t.Fact.Body)
		if !slices.ContainsFunc(a.messages, func(m crm.Message) bool {
			return m.Step == step && m.Order == id && (m.To == t.person.email) && (cartOf(t.Fact) == "" || id != "" || m.CartKey == "cart:"+cartOf(t.Fact))
		}) {
			a.blame("complete: there is no message %s for %s", step, describe(t.Fact))
		}
	}
}

// demanded is what must follow from a fact, whatever else goes on: an order
// that stands has its receipt, and a cart or a visit about which nothing else is
// known its first mail.
func demanded(f crm.Fact, facts []crm.Fact) (journey, step string) {
	count := func(holds func(crm.Fact) bool) (n int) {
		for _, f := range facts {
			if holds(f) {
				n++
			}
		}
		return n
	}
	alone := f.Email != "" && count(isA[crm.OrderSaved]) == 0
	switch {
	case standing(f, facts):
		return "receipt", "receipt"
	case isA[crm.CartUpdated](f) && alone && count(isA[crm.CartUpdated]) == 1:
		return "cart", "cart-1"
	case named("visit")(f) && alone && count(named("visit")) == 1 && count(named("stop")) == 0:
		return "visit", "news"
	}
	return "", ""
}

// waits audits that nothing is left to do.
func (a *auditor) waits(ctx context.Context, store crm.Store) error {
	backlog, err := store.Backlog(ctx, a.plan.end())
	if err != nil {
		return err
	}
	until := a.plan.end().Add(-2 * time.Second) // clocks may be behind
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(until) }
	for _, b := range backlog {
		if b.Pending || due(b.NextTimer) || due(b.NextSend) {
			a.blame("stuck: pending facts %t, timer %s, mail %s", b.Pending, clockTime(b.NextTimer), clockTime(b.NextSend))
		}
	}
	return nil
}

// explained audits that each customer's story tells of the mails she got.
func (a *auditor) explained(ctx context.Context, shop *crm.Shop) error {
	told := make(map[string]bool)
	for c, err := range shop.Customers(ctx) {
		if err != nil {
			return err
		}
		story, err := shop.Explain(ctx, c.ID)
		if err != nil {
			return err
		}
		told[c.ID] = true
		for _, line := range story.Lines {
			if d := line.Decision; d != nil && d.Kind == crm.DecidedSend {
				told[d.Message] = true
			}
		}
	}
	for _, m := range a.messages {
		if m.State == crm.MessageSent && told[m.Customer] && !told[m.ID] {
			a.blame("settled: the story of %s does not tell of %s (%s)", m.Customer, m.Step, m.ID)
		}
	}
	return nil
}

// summary counts messages by what they are about, for journeys in which a
// mail's delay changes nothing else.
func summary(messages []crm.Message) map[string]int {
	counts := make(map[string]int)
	for _, m := range messages {
		if m.Journey != "cart" && m.To != "" {
			counts[strings.Join([]string{m.Step, m.Order, m.To}, " ")]++
		}
	}
	return counts
}
