package crm

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// namespace makes the ids of enrollments and messages: equal keys, equal ids.
var namespace = uuid.MustParse("8f1c1f0e-6a4d-5b0e-9d0f-676f656e2d31")

func keyedID(parts ...string) string {
	var key []byte
	for _, part := range parts {
		key = strconv.AppendInt(key, int64(len(part)), 10)
		key = append(append(key, ':'), part...)
	}
	return uuid.NewSHA1(namespace, key).String()
}

// trigger begins the runs that start on an event.
func (p *person) trigger(ev event) {
	var scope *ruleScope
	for _, prog := range p.d.newest {
		on, ok := prog.Trigger.(OnFact)
		if !ok || on.Fact != ev.kind || !p.live(prog, ev.at) {
			continue
		}
		if scope == nil {
			scope = p.scope(ev.at, &ev, "")
		}
		if !prog.If.holds(scope) {
			continue
		}
		e := &enrollment{
			ID:      keyedID("enrollment", p.d.shop, prog.ID, string(ev.kind), ev.fact),
			Journey: prog.ID, Version: prog.version, From: ev.at, Since: ev.at,
		}
		if ev.order != nil {
			e.Order = ev.order.ID
		}
		if reason := p.refusal(prog, e); reason != "" {
			p.refuse(prog, e, reason)
			continue
		}
		p.enroll(prog, e)
	}
}

// live reports whether something that happened at an instant can start prog.
func (p *person) live(prog *program, at time.Time) bool {
	return !at.Before(prog.published) && !at.Before(p.d.settings.LiveFrom)
}

// refusal says why a journey does not take her again, "" if it does.
func (p *person) refusal(prog *program, e *enrollment) Reason {
	if prog.Per == PerOrder {
		if o := p.orders()[e.Order]; o != nil && slices.Contains(o.Runs, prog.ID) {
			return ReasonReentry
		}
		return ""
	}
	run := p.state.Runs[prog.ID]
	switch {
	case slices.ContainsFunc(p.state.Enrollments, func(o *enrollment) bool { return o.Journey == prog.ID && !o.Done }):
		return ReasonActive
	case prog.Once && run.Count > 0:
		return ReasonReentry
	case prog.cooldown() > 0 && !run.Ended.IsZero() && e.Since.Before(run.Ended.Add(prog.cooldown())):
		return ReasonCooldown
	}
	return ""
}

func (p *person) refuse(prog *program, e *enrollment, reason Reason) {
	p.log(Decision{At: e.Since, Kind: DecidedRefuse, Journey: prog.ID, Version: prog.version, Reason: reason})
}

// enroll begins a run.
func (p *person) enroll(prog *program, e *enrollment) {
	if prog.Per == PerOrder {
		o := p.order(e.Order)
		o.Runs = append(o.Runs, prog.ID)
	}
	run := p.state.Runs[prog.ID]
	run.Count++
	put(&p.state.Runs, prog.ID, run)
	p.state.Enrollments = append(p.state.Enrollments, e)
	p.log(p.line(e, DecidedEnroll, e.Since))
	if p.recall(e); e.Done {
		return
	}
	p.proceed(prog, e, 0, e.Since)
}

// resume goes on when a wait is over.
func (p *person) resume(e *enrollment) {
	prog := p.d.program(e.Journey, e.Version)
	at := e.Due
	e.Due = time.Time{}
	place, ok := 0, false
	if prog != nil {
		place, ok = prog.place[e.Step]
	}
	if !ok { // versions are never removed, so this is a damaged document
		p.end(e, ReasonExit, at)
		return
	}
	p.proceed(prog, e, prog.code[place].next, at)
}

// proceed takes e from step to step until it waits or ends.
func (p *person) proceed(prog *program, e *enrollment, place int, at time.Time) {
	for place != finish {
		in := prog.code[place]
		put(&e.Visits, in.id, e.Visits[in.id]+1)
		if e.Visits[in.id] > MaxVisits {
			p.end(e, ReasonVisits, at)
			return
		}
		e.Step = in.id
		switch step := in.step.(type) {
		case Send:
			p.queue(e, in.id, step, at)
		case Wait:
			e.Due = p.until(step, at)
			line := p.line(e, DecidedWait, at)
			line.Detail = e.Due.In(p.d.zone).Format("2006-01-02 15:04")
			p.log(line)
			return
		case Branch:
			place = p.choose(e, in, step, at)
			continue
		}
		place = in.next
	}
	e.Done, e.Due = true, time.Time{}
	p.ended(e, at, "")
	p.log(p.line(e, DecidedFinish, at))
}

func (p *person) until(w Wait, at time.Time) time.Time {
	if w.Days > 0 {
		return addDays(at, w.Days, p.zone())
	}
	return instant(at.Add(w.For))
}

func (p *person) choose(e *enrollment, in instruction, branch Branch, at time.Time) int {
	scope := p.scope(at, nil, e.Cart)
	if o := p.orders()[e.Order]; o != nil && o.Snapshot != nil {
		// The order of the run is what "order." asks for in a branch.
		scope.event, scope.order = &event{kind: "", at: at, order: o}, *o.Snapshot
	}
	line := p.line(e, DecidedBranch, at)
	for i, c := range branch.Cases {
		if c.If.holds(scope) {
			line.Detail = fmt.Sprintf("case %d", i+1)
			p.log(line)
			return in.cases[i]
		}
	}
	line.Detail = "else"
	p.log(line)
	return in.other
}

// queue decides a message. One that may not be sent is decided as skipped.
func (p *person) queue(e *enrollment, id string, send Send, at time.Time) {
	t := p.d.template(send.Template, 0)
	visit := e.Visits[id]
	m := &queuedMessage{fresh: true, Message: Message{
		ID:         keyedID("message", p.d.shop, e.ID, id, strconv.Itoa(visit)),
		Enrollment: e.ID, Journey: e.Journey, Version: e.Version, Step: id, Visit: visit,
		Template: t.ID, TemplateVersion: t.version, Class: t.Class, Lane: p.laneFor(t.Class, e),
		Customer: p.key, To: cleanEmail(p.state.email()), CartKey: e.CartKey, Order: e.Order,
		SendAt: at, Deadline: at.Add(send.lateness()), State: MessageQueued,
	}}
	m.AddressKey = p.mailbox(m.To).key
	p.fresh = append(p.fresh, m)
	e.Mails++
	line := p.line(e, DecidedQueue, at)
	line.Message = m.ID
	if reason := p.withheld(m.Class, m.To); reason != "" {
		p.skip(m, reason, at)
		return
	}
	p.log(line)
}

// laneFor is the lane of a message: what the law calls for does not wait behind
// what can.
func (p *person) laneFor(class Class, e *enrollment) Lane {
	if class == Transactional {
		return Prompt
	}
	return p.laneOf(e)
}

// exit ends the runs that end on an event, and withholds what they queued.
func (p *person) exit(ev event) {
	for _, e := range p.state.Enrollments {
		prog := p.d.program(e.Journey, e.Version)
		if prog == nil {
			continue
		}
		if reason := p.exitReason(prog, e, ev); reason != "" {
			p.endBy(e, reason, ev.at, orderOf(ev))
		}
	}
	if ev.kind == FactOrderFailed {
		for journey, run := range p.state.Runs {
			if run.Order == ev.order.ID {
				run.Ended, run.Order = time.Time{}, ""
				p.state.Runs[journey] = run
			}
		}
	}
}

// recall ends a run on what was told before its beginning was: a fact that comes
// in late begins no run that an order after it has ended, and orders that turn
// out to be hers end hers.
func (p *person) recall(e *enrollment) {
	prog := p.d.program(e.Journey, e.Version)
	if prog == nil || e.Done {
		return
	}
	var past []event
	for _, orders := range []map[string]*orderState{p.orders(), p.state.Near} {
		for _, id := range sortedKeys(orders) {
			past = append(past, orders[id].past()...)
		}
	}
	slices.SortStableFunc(past, func(a, b event) int { return a.at.Compare(b.at) })
	for _, ev := range past {
		if !ev.at.After(e.Since) {
			continue
		}
		if reason := p.exitReason(prog, e, ev); reason != "" {
			p.endBy(e, reason, ev.at, orderOf(ev))
			return
		}
	}
}

func orderOf(ev event) string {
	if ev.order == nil {
		return ""
	}
	return ev.order.ID
}

func (p *person) exitReason(prog *program, e *enrollment, ev event) Reason {
	if _, cart := prog.Trigger.(CartAbandoned); cart && ev.kind == FactOrderPlaced {
		if ev.order.Snapshot.Cart == e.Cart || !ev.order.placedAt().Before(e.From) {
			return ReasonBought
		}
	}
	if ev.at.Before(e.From) || !concerns(prog, e, ev) {
		return ""
	}
	scope := p.scope(ev.at, &ev, e.Cart)
	for _, rule := range prog.Exit {
		if !rule.holds(scope) {
			continue
		}
		if ev.kind == FactOrderPlaced || ev.kind == FactOrderCounted || ev.kind == FactOrderSaved {
			return ReasonBought
		}
		return ReasonExit
	}
	return ""
}

// concerns reports whether the exit rules of a run are asked about an event. A
// run for an order does not care what becomes of another order, but it does
// care that she ordered again.
func concerns(prog *program, e *enrollment, ev event) bool {
	return prog.Per != PerOrder || ev.order == nil || ev.order.ID == e.Order ||
		ev.kind == FactOrderPlaced || ev.kind == FactOrderCounted
}

// end ends a run before its last step. A run that had come to its end still
// takes back what it queued.
func (p *person) end(e *enrollment, reason Reason, at time.Time) { p.endBy(e, reason, at, "") }

func (p *person) endBy(e *enrollment, reason Reason, at time.Time, order string) {
	withheld := false
	for _, m := range p.unsettled() {
		if m.Enrollment == e.ID && m.open() {
			p.skip(m, reason, at)
			withheld = withheld || m.State == MessageSkipped
		}
	}
	// As long as she was sent nothing, the journey of a changed cart starts
	// over. After that its cooldown keeps her from a first mail a change.
	over := reason == ReasonCartChanged && e.Mails == 0
	switch {
	case e.Done && over && withheld:
		run := p.state.Runs[e.Journey]
		run.Ended, run.Order = time.Time{}, ""
		put(&p.state.Runs, e.Journey, run)
	case !e.Done:
		e.Done, e.Due = true, time.Time{}
		line := p.line(e, DecidedExit, at)
		line.Reason = reason
		p.log(line)
		if !over {
			p.ended(e, at, order)
		}
	}
}

func (p *person) ended(e *enrollment, at time.Time, order string) {
	run := p.state.Runs[e.Journey]
	if at.After(run.Ended) {
		run.Ended, run.Order = at, order
		put(&p.state.Runs, e.Journey, run)
	}
}

// line begins a decision about a run.
func (p *person) line(e *enrollment, kind DecisionKind, at time.Time) Decision {
	return Decision{At: at, Kind: kind, Journey: e.Journey, Version: e.Version, Enrollment: e.ID, Step: e.Step}
}
