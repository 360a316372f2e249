package crm

import (
	"slices"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// person is one customer while her facts and timers are run through: the one
// writer of her picture, her runs and her messages.
type person struct {
	*record
	d       *definitions
	now     time.Time
	key     string
	out     *Changes
	fresh   []*queuedMessage // decided just now
	stored  []*queuedMessage // what messages has loaded
	box     mailbox
	quiet   bool // no fact concerns her or anybody near her: nothing but timers
	history bool // what she is seeing was imported, and starts nothing
}

// queuedMessage is a message of hers that was not settled when it was loaded.
type queuedMessage struct {
	Message
	fresh bool // decided just now, so not in the store yet
}

// event is what journeys start and end on: a fact, or something that follows
// from it.
type event struct {
	kind       FactType
	at         time.Time
	fact       string      // the id of the fact behind it
	order      *orderState // the order it is about, or nil
	near       bool
	name       string // of a custom event
	attributes map[string]string
	from, to   string // of a rank change
}

func newPerson(g *group, r *record) *person {
	return &person{record: r, d: g.d, now: g.now, key: r.row.ID, out: g.out}
}

// unsettled are her messages that are not settled, of before and of just now.
func (p *person) unsettled() []*queuedMessage {
	if p.stored == nil {
		messages := p.messages()
		p.stored = make([]*queuedMessage, len(messages))
		for i, m := range messages {
			m.Customer = p.key
			p.stored[i] = &queuedMessage{Message: m}
		}
	}
	return slices.Concat(p.stored, p.fresh)
}

// run takes facts and due timers in the order of their times; of a fact and a
// timer at one instant the fact comes first, so that an order just in time
// stops the mail.
func (p *person) run(facts []sighting) {
	if p.joined {
		for _, e := range p.state.Enrollments {
			p.recall(e)
		}
	}
	for {
		timer := p.nextTimer()
		due := timer != nil && !timer.at.After(p.now)
		switch {
		case len(facts) > 0 && (!due || !instant(facts[0].Time).After(timer.at)):
			p.history = facts[0].Imported
			p.see(facts[0])
			if f := facts[0]; p.joined && !f.near { // with orders of a guest, she may stand elsewhere
				p.joined = false
				p.rank(instant(f.Time), f.ID)
			}
			p.history = false
			facts = facts[1:]
		case due:
			timer.fire()
		default:
			p.close()
			return
		}
	}
}

// close withholds what may no longer be sent, forgets what is over, and hands
// over what was queued. Timers alone forbid no mail.
func (p *person) close() {
	awaited := func(e *enrollment) bool { return e.Mails > 0 } // if messages are not looked at
	if !p.quiet {
		running := make(map[string]bool)
		awaited = func(e *enrollment) bool { return running[e.ID] }
		for _, m := range p.unsettled() {
			if !m.open() {
				continue
			}
			if reason := p.withheld(m.Class, m.To); reason != "" {
				p.skip(m, reason, p.now)
			} else {
				running[m.Enrollment] = true
			}
		}
	}
	p.state.prune(awaited)
	for _, m := range p.fresh {
		p.out.Queue = append(p.out.Queue, m.Message)
	}
}

// A timer is something that happens to a customer without a fact.
type timer struct {
	at   time.Time
	lane Lane
	fire func()
}

// timers calls propose with each of her timers.
func (p *person) timers(propose func(timer)) {
	if isCart(p.key) {
		return // nobody to send anything to
	}
	for _, e := range p.state.Enrollments {
		if !e.Done && !e.Due.IsZero() {
			propose(timer{e.Due, p.laneOf(e), func() { p.resume(e) }})
		}
	}
	p.proposeIdle(propose)
	if p.d.ladder != nil {
		if review := p.place().Review; !review.IsZero() {
			propose(timer{review, Bulk, func() { p.rank(review, "") }})
		}
	}
}

// nextTimer returns her earliest timer, nil if she has none.
func (p *person) nextTimer() *timer {
	var next *timer
	p.timers(func(t timer) {
		if next == nil || t.at.Before(next.at) {
			next = &t
		}
	})
	return next
}

// nextDue returns when her earliest timers of the lanes are due.
func (p *person) nextDue() (prompt, bulk time.Time) {
	p.timers(func(t timer) {
		if t.lane == Bulk {
			bulk = earliest(bulk, t.at)
		} else {
			prompt = earliest(prompt, t.at)
		}
	})
	return prompt, bulk
}

// laneOf is the lane of a run: of many customers who move on the ladder at one
// review, none waits for a mail as somebody does who has just done something.
func (p *person) laneOf(e *enrollment) Lane {
	if prog := p.d.program(e.Journey, e.Version); prog != nil {
		if on, ok := prog.Trigger.(OnFact); ok && on.Fact == FactRankChanged {
			return Bulk
		}
	}
	return Prompt
}

// see takes in one fact, and announces what it means.
func (p *person) see(f sighting) {
	at := instant(f.Time)
	if !f.near && !f.stamp().after(p.state.Erased) { // an opt-out from before she was erased
		p.state.consent(f.addressKey(), f.Body.(ConsentChanged).Consent, f.stamp())
		return
	}
	if !f.near {
		p.contact(f.Fact)
	}
	ev := event{kind: f.Body.FactType(), at: at, fact: f.ID, near: f.near}
	switch body := f.Body.(type) {
	case CustomerSaved:
		if !f.near {
			p.state.patch(body.CustomerPatch, f.stamp())
		}
	case ConsentChanged:
		p.state.consent(f.addressKey(), body.Consent, f.stamp())
		if !f.near && f.Email != "" && f.addressKey() == GuestKey(f.Email) {
			p.state.consent("", body.Consent, f.stamp()) // of herself, whichever her address
		}
	case CartUpdated:
		p.seeCart(body.Cart, f)
	case OrderSaved, OrderPaid, OrderShipped, OrderDelivered, OrderCancelled, OrderRefunded:
		p.seeOrder(f, ev)
		return
	case Custom:
		ev.name, ev.attributes = body.Name, body.Attributes
	case UseStopped:
		if !f.near {
			p.state.set(useStopped, !body.Lifted, f.stamp())
		}
	case CustomerErased:
		if !f.near {
			p.erase(f.stamp())
		}
		return
	}
	p.announce(ev)
	if saved, ok := f.Body.(CustomerSaved); ok && (saved.Rank != nil || saved.Baseline != nil) && !f.near {
		p.rank(at, f.ID)
	}
}

// contact takes the address that came with a fact, and reports one that cannot
// be used.
func (p *person) contact(f Fact) {
	email := f.email()
	if email == "" || isCart(p.key) {
		return
	}
	if f.Email != "" {
		p.state.set(seenEmail, f.Email, f.stamp())
	}
	if p.mailbox(cleanEmail(email)).unmailable {
		p.log(Decision{At: instant(f.Time), Kind: DecidedReport, Reason: ReasonUnmailable, Detail: "fact " + f.ID})
	}
}

// unmailable reports whether an address is broken or a mall's mask.
func (d *definitions) unmailable(email string) bool {
	email = NormalizeEmail(email)
	return mailer.ValidateEmail(email) != nil || d.masked[domainOf(email)]
}

// announce tells her runs about something that happened: first those that end
// on it, then the journeys that start on it.
func (p *person) announce(events ...event) {
	for _, ev := range events {
		p.exit(ev)
	}
	for _, ev := range events {
		if !ev.near && !p.history && !isCart(p.key) {
			p.trigger(ev)
		}
	}
}

// A mailbox is what is known of an address.
type mailbox struct {
	email, key string
	unmailable bool
}

// mailbox looks an address up. She mostly has one, so the last is kept.
func (p *person) mailbox(email string) mailbox {
	if email != "" && p.box.email != email {
		p.box = mailbox{email, GuestKey(email), p.d.unmailable(email)}
	}
	if email == "" {
		return mailbox{}
	}
	return p.box
}

// withheld says why she may not be sent a message of a class, "" if she may.
func (p *person) withheld(class Class, to string) Reason {
	box := p.mailbox(to)
	switch {
	case to == "":
		return ReasonNoAddress
	case box.unmailable:
		return ReasonUnmailable
	}
	if class == Transactional {
		return ""
	}
	consent, asked := p.answer(box.key)
	var withdrawn time.Time
	var hold, stopped bool
	p.state.Said.get(useStopped, &stopped)
	p.state.Said.get("withdrawn", &withdrawn)
	p.state.Said.get("hold", &hold)
	switch {
	case stopped:
		return ReasonUseStopped
	case asked && !consent.Granted:
		return ReasonOptedOut
	case !withdrawn.IsZero():
		return ReasonWithdrawn
	case class == Service:
		return ""
	case hold:
		return ReasonHold
	case !asked || !consent.proven() || !p.state.answered(consent):
		return ReasonNoConsent
	}
	return ""
}

// answer is the latest answer for an address. A customer with an account who
// changes her address keeps the answer that she gave last.
func (p *person) answer(address string) (answer consentState, asked bool) {
	if answer, asked = p.state.Consents[consentKey(address, "")]; asked || !isAccount(p.key) {
		return answer, asked
	}
	answer, asked = p.state.Consents[consentKey("", "")]
	return answer, asked
}

// open reports whether a message may still be sent.
func (m *queuedMessage) open() bool {
	switch m.State {
	case MessageQueued, MessageClaimed, MessageStarted, MessageUnknown:
		return m.Stopped == ""
	}
	return false
}

// skip takes a message off the queue. One that is being sent is beyond that,
// but is not tried again.
func (p *person) skip(m *queuedMessage, reason Reason, at time.Time) {
	if !m.fresh {
		p.out.Skip = append(p.out.Skip, Skip{Message: m.ID, Reason: reason, At: at})
	}
	if m.State == MessageStarted || m.State == MessageUnknown {
		m.Stopped = reason
		return
	}
	m.State, m.Reason, m.SettledAt = MessageSkipped, reason, at
	for _, e := range p.state.Enrollments {
		if e.ID == m.Enrollment {
			e.Mails--
		}
	}
	p.log(Decision{
		At: at, Kind: DecidedSkip, Reason: reason, Journey: m.Journey, Version: m.Version,
		Enrollment: m.Enrollment, Step: m.Step, Message: m.ID,
	})
}

// erase forgets her. Her consents stay as digests, so that an opt-out outlives
// the rest.
func (p *person) erase(at stamp) {
	for _, e := range p.state.Enrollments {
		p.end(e, ReasonErased, at.Time)
	}
	for _, m := range p.unsettled() {
		if m.open() {
			p.skip(m, ReasonErased, at.Time)
		}
		m.To = ""
	}
	p.state.forget()
	p.state.Erased = at
	p.decoded = make(map[string]*orderState)
	p.changed = make(map[string]bool)
	p.out.Erase = append(p.out.Erase, Erasure{Customer: p.key, Keep: []string{string(FactConsentChanged)}})
	p.log(Decision{At: at.Time, Kind: DecidedErase})
}

// log appends to the decision log.
func (p *person) log(d Decision) {
	d.Customer = p.key
	p.out.Decisions = append(p.out.Decisions, d)
}

func (p *person) baseline() (b Baseline) {
	p.state.Said.get("baseline", &b)
	return b
}

func (p *person) zone() *time.Location {
	var name string
	if p.state.Said.get("time_zone", &name) && name != "" {
		if zone, err := loadZone(name); err == nil {
			return zone
		}
	}
	return p.d.zone
}

func (p *person) locale() string {
	var locale string
	if p.state.Said.get("locale", &locale) && locale != "" {
		return locale
	}
	return p.d.settings.Locale
}

// scope is what rules may ask about her at an instant.
func (p *person) scope(at time.Time, ev *event, cart string) *ruleScope {
	s := &ruleScope{
		at: at, event: ev, ladder: p.d.ladder, rank: p.place().Rank, guest: !isAccount(p.key),
		language: func() string { return languageOf(p.locale()) },
		purchases: func() Purchases {
			return summarize(p.orders(), p.baseline(), p.d.settings.Currency, at)
		},
		profile: p.state.profile,
	}
	if ev != nil && ev.order != nil && ev.order.Snapshot != nil {
		s.order = *ev.order.Snapshot
	}
	if c := p.state.Carts[cart]; c != nil {
		s.cart = c.Cart
	}
	return s
}

// standing is her way on the ladder by all that was taken in.
func (p *person) standing() Standing {
	if p.d.ladder == nil {
		return Standing{}
	}
	return p.d.ladder.standing(rankInput{p.orders(), p.baseline(), p.state.Given, p.d.zone}, p.state.Ranked)
}

// place is where it has led her to.
func (p *person) place() place {
	if p.d.ladder == nil {
		return place{}
	}
	if p.state.Place == nil || p.state.Place.Defs != p.d.revision {
		s := p.standing()
		p.state.Place = &place{p.d.revision, s.Rank, s.Review}
	}
	return *p.state.Place
}

// rank brings her rank up to an instant, and announces a move.
func (p *person) rank(at time.Time, fact string) { p.announce(p.move(at, fact)...) }

// move brings her rank up to an instant, and returns a move for announcement.
func (p *person) move(at time.Time, fact string) []event {
	p.state.Place = nil
	if at.After(p.state.Ranked) {
		p.state.Ranked = at
	}
	if p.d.ladder == nil {
		return nil // but one that is published later finds how far she has come
	}
	to := p.place().Rank
	if to == p.state.Rank {
		return nil
	}
	from := p.state.Rank
	p.state.Rank = to
	p.log(Decision{At: at, Kind: DecidedRank, Detail: rankLabel(from) + " → " + rankLabel(to)})
	if fact == "" {
		fact = "review " + p.key + " " + at.Format(time.RFC3339Nano)
	}
	return []event{{kind: FactRankChanged, at: at, fact: fact, from: from, to: to}}
}
