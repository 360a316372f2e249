package storagetest

import (
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
)

var appendChecks = []check{
	{"AddsToLogAndInboxes", "A fact is put in the log once and in the inbox of each customer of its Keys; customers not seen before are created with no state. A customer left out would get mail that the fact speaks against.",
		func(p *probe) {
			f := fact("f1", 1, "hanako", "guest-1", "cart-1")
			p.append(f)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{f})
			for _, key := range f.Keys {
				p.want("customer "+key, p.customer(key), crm.CustomerRow{ID: key, Pending: []crm.FactRow{f}})
			}
		}},
	{"PassesOverKnownFacts", "A fact whose id is there with the same hash is passed over, also when it comes with another RecordedAt. A webhook that is delivered twice must not count twice.",
		func(p *probe) {
			first, again := fact("f1", 1, "hanako"), fact("f1", 1, "hanako")
			again.RecordedAt = at(99)
			p.append(first)
			p.append(again, fact("f2", 2, "hanako"))
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{first, fact("f2", 2, "hanako")})
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2"})
		}},
	{"PassesOverFoldedFacts", "A fact that was folded does not return to the inbox when it is told again: it would be folded twice.",
		func(p *probe) {
			p.meet("hanako")
			p.append(fact("met-hanako", 0, "hanako"))
			p.want("the inbox", p.customer("hanako").Pending, []crm.FactRow(nil))
		}},
	{"SameFactTwiceInABatch", "The same holds within one call.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"), fact("f2", 2, "hanako"), fact("f1", 1, "hanako"))
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2"})
		}},
	{"RefusesConflict", "A fact whose id is there with another hash fails the whole call with a *BatchError that wraps ErrConflict and names the fact; nothing of the batch is added. Half a batch would be told as a failure and counted as a success.",
		func(p *probe) {
			p.append(fact("f2", 2, "hanako"))
			err := p.store.Append(p.Context(), p.shop, []crm.FactRow{
				fact("f1", 1, "jiro"), altered(fact("f2", 2, "hanako")), fact("f3", 3, "saburo"),
			})
			p.conflict(err, "f2", 1)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{fact("f2", 2, "hanako")})
			p.want("the customers", names(p.customers(crm.CustomerQuery{}), customerID), []string{"hanako"})
		}},
	{"RefusesConflictInABatch", "Two facts of one id and different hashes in one call conflict too.",
		func(p *probe) {
			f := fact("f1", 1, "hanako")
			err := p.store.Append(p.Context(), p.shop, []crm.FactRow{f, fact("f2", 1, "hanako"), altered(f)})
			p.conflict(err, "f1", 0, 2)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow(nil))
		}},
	{"NothingToAdd", "An empty call does nothing and is no error.",
		func(p *probe) {
			p.append()
			p.want("the customers", p.customers(crm.CustomerQuery{}), []crm.CustomerRow(nil))
		}},
	{"KeepsNoSlices", "A store keeps none of the slices it is given: the caller may reuse them.",
		func(p *probe) {
			f := fact("f1", 1, "hanako", "guest-1")
			given := f
			given.Hash, given.Body, given.Keys = append([]byte{}, f.Hash...), append([]byte{}, f.Body...), append([]string{}, f.Keys...)
			p.append(given)
			clear(given.Hash)
			clear(given.Body)
			clear(given.Keys)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{f})
			p.append(f)
			for _, read := range p.facts(crm.FactQuery{}) {
				clear(read.Body)
				clear(read.Hash)
			}
			p.want("the log after its rows were changed", p.facts(crm.FactQuery{}), []crm.FactRow{f})
		}},
	{"BigBatch", "A batch may hold a thousand facts, and a body a million bytes.",
		func(p *probe) {
			facts := make([]crm.FactRow, 1000)
			for i := range facts {
				facts[i] = fact(fmt.Sprintf("f%04d", i), i, fmt.Sprintf("customer-%d", i%300))
			}
			facts[500].Body = document(1_000_000)
			p.append(facts...)
			p.want("the log", p.facts(crm.FactQuery{}), facts)
		}},
	{"CancelledContext", "A call whose context is over fails and adds nothing.",
		func(p *probe) {
			if err := p.store.Append(cancelled(p), p.shop, []crm.FactRow{fact("f1", 1, "hanako")}); err == nil {
				p.Error("Append with a cancelled context returns no error")
			}
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow(nil))
		}},
}

// conflict fails the check unless err refuses the fact with this id, at one of
// these places.
func (p *probe) conflict(err error, id string, places ...int) {
	p.Helper()
	var batch *crm.BatchError
	if !errors.As(err, &batch) || !errors.Is(err, crm.ErrConflict) {
		p.Fatalf("Append of a conflicting fact returns %v, want a *crm.BatchError that wraps crm.ErrConflict", err)
	}
	named := false
	for _, place := range places {
		named = named || batch.Index == place
	}
	if batch.ID != id || !named {
		p.Errorf("the error names fact %d, %q, want one of %v, %q", batch.Index, batch.ID, places, id)
	}
}
