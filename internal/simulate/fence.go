package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// knew are the facts that were committed before a message was claimed, in the
// order in which they happened, as far as they are about its reader under a name
// that the message has: her address, its cart, and her account once that was
// told together with the address.
func (l *ledger) knew(c claim) []crm.Fact {
	var facts []crm.Fact
	for _, t := range l.plan.Tellings {
		if step, ok := l.commits[t.Fact.ID]; ok && step < c.step && t.person.email == c.To {
			facts = append(facts, t.Fact)
		}
	}
	linked := slices.ContainsFunc(facts, links)
	facts = slices.DeleteFunc(facts, func(f crm.Fact) bool {
		return f.Email == "" && !isA[crm.ConsentChanged](f) && !linked && (cartOf(f) == "" || "cart:"+cartOf(f) != c.CartKey)
	})
	slices.SortFunc(facts, compareFacts)
	return facts
}

// links reports whether a fact tells account and address together.
func links(f crm.Fact) bool { return f.Customer != "" && f.Email != "" }

// merged is when account and address were first told together, if something was
// told of the account alone: an end that was told before was folded for somebody
// else than whose run it should have ended.
func (l *ledger) merged(facts []crm.Fact) int {
	if !slices.ContainsFunc(facts, func(f crm.Fact) bool { return f.Customer != "" && f.Email == "" }) {
		return 0
	}
	first := 0
	for _, f := range facts {
		if step := l.commits[f.ID]; links(f) && (first == 0 || step < first) {
			first = step
		}
	}
	return first
}

func cartOf(f crm.Fact) string {
	switch b := f.Body.(type) {
	case crm.CartUpdated:
		return b.Cart.ID
	case crm.OrderSaved:
		return b.Order.Cart
	}
	return ""
}

// last is the latest of facts for which something holds, nil if there is none.
func last(facts []crm.Fact, holds func(crm.Fact) bool) *crm.Fact {
	for _, f := range slices.Backward(facts) {
		if holds(f) {
			return &f
		}
	}
	return nil
}

func isA[B crm.Body](f crm.Fact) bool { _, ok := f.Body.(B); return ok }

func named(name string) func(crm.Fact) bool {
	return func(f crm.Fact) bool { b, ok := f.Body.(crm.Custom); return ok && b.Name == name }
}

// forbidden says why a message must not be started that was claimed when it
// was, "" if it may.
func (l *ledger) forbidden(c claim) string {
	facts := l.knew(c)
	erased := last(facts, isA[crm.CustomerErased])
	if problem := unwanted(c, facts, erased); problem != "" {
		return problem
	}
	if erased != nil {
		facts = slices.DeleteFunc(facts, func(f crm.Fact) bool { return compareFacts(f, *erased) <= 0 })
	}
	ends := l.variant(c.Journey, c.Version).ends
	switch c.Journey {
	case "receipt":
		return l.unordered(c, facts, ends)
	case "cart":
		return l.closed(c, facts)
	}
	return l.unvisited(facts, ends)
}

// unwanted: she said no, or never said yes.
func unwanted(c claim, facts []crm.Fact, erased *crm.Fact) string {
	var answer *crm.Fact
	granted := false
	for _, f := range facts {
		b, ok := f.Body.(crm.ConsentChanged)
		if !ok || answer != nil && !granted && b.Granted && f.Time.Equal(answer.Time) {
			continue // of a yes and a no at one instant the no holds
		}
		answer, granted = &f, b.Granted
	}
	if granted && erased != nil && compareFacts(*answer, *erased) <= 0 {
		answer, granted = nil, false // an erasure leaves a no, and no yes
	}
	switch {
	case c.Class == crm.Transactional:
	case answer != nil && !granted:
		return "and she had opted out: " + answer.ID
	case c.Class == crm.Marketing && answer == nil:
		return "and she had never opted in"
	}
	return ""
}

// unordered: the order is forgotten, or what its journey ends on has happened.
func (l *ledger) unordered(c claim, facts []crm.Fact, ends []crm.FactType) string {
	about := func(f crm.Fact) bool { return orderOf(f.Body) == c.Order }
	placed := func(f crm.Fact) bool { return about(f) && isA[crm.OrderSaved](f) }
	if last(facts, placed) == nil {
		return "and order " + c.Order + " was erased"
	}
	return l.ended(facts, placed, func(f crm.Fact) bool { return about(f) && slices.Contains(ends, f.Body.FactType()) })
}

// ended: after the last of the facts that start a run, one that ends it has
// happened. An end that was told before all starts were is no end: whoever
// folded it did not know of every run.
func (l *ledger) ended(facts []crm.Fact, starts, ends func(crm.Fact) bool) string {
	known := l.merged(facts)
	for _, f := range facts {
		if starts(f) {
			known = max(known, l.commits[f.ID])
		}
	}
	end := last(facts, func(f crm.Fact) bool { return ends(f) && l.commits[f.ID] > known })
	if end == nil || compareFacts(*end, *last(facts, starts)) < 0 {
		return ""
	}
	return "and its journey had ended: " + end.ID
}

// closed: the cart is empty, bought or not the one that the message is about.
func (l *ledger) closed(c claim, facts []crm.Fact) string {
	id := strings.TrimPrefix(c.CartKey, "cart:")
	change := last(facts, func(f crm.Fact) bool { return isA[crm.CartUpdated](f) && cartOf(f) == id })
	if change == nil {
		return "and cart " + id + " was erased"
	}
	if len(change.Body.(crm.CartUpdated).Items) == 0 {
		return "and the cart was empty: " + change.ID
	}
	merged := l.merged(facts)
	if f := last(facts, func(f crm.Fact) bool {
		return standing(f, facts) && !f.Time.Before(change.Time) && (cartOf(f) == id || l.commits[f.ID] > merged)
	}); f != nil {
		return "and she had bought: " + f.ID
	}
	v := l.variant(c.Journey, c.Version)
	due := change.Time.Add(v.idle)
	if c.Step == "cart-2" {
		due = due.Add(v.again)
	}
	if c.SendAt.Before(due) {
		return fmt.Sprintf("and the cart had changed: %s, %s before", change.ID, c.SendAt.Sub(change.Time).Round(time.Second))
	}
	return ""
}

// standing reports whether a fact is an order of which nothing else is known: one
// that was cancelled first need not stop anything.
func standing(order crm.Fact, facts []crm.Fact) bool {
	return isA[crm.OrderSaved](order) && last(facts, func(f crm.Fact) bool {
		return orderOf(f.Body) == orderOf(order.Body) && (isA[crm.OrderCancelled](f) || isA[crm.OrderRefunded](f))
	}) == nil
}

// unvisited: since her last visit she has done what the journey ends on.
func (l *ledger) unvisited(facts []crm.Fact, ends []crm.FactType) string {
	visit := named("visit")
	if last(facts, visit) == nil {
		return "and her visit was erased"
	}
	return l.ended(facts, visit, func(f crm.Fact) bool {
		return named("stop")(f) || standing(f, facts) && slices.Contains(ends, crm.FactOrderSaved)
	})
}
