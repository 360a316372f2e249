package storagetest

import (
	"fmt"
	"slices"

	"github.com/goen-crm/crm"
)

// parts are numbers of workers, also more than there are buckets.
var parts = []int{1, 2, 3, 7, crm.Buckets, crm.Buckets + 3}

// partition fails the check unless each of ids is in the part that its bucket
// says, and in no other. of is asked for the ids of a part.
func (p *probe) partition(what string, ids []string, of func(crm.Share) []string) {
	p.Helper()
	for _, n := range parts {
		for part := range n {
			share := crm.Share{Part: part, Of: n}
			var want []string
			for _, id := range ids {
				if share.Has(crm.Bucket(id)) {
					want = append(want, id)
				}
			}
			p.want(fmt.Sprintf("%s of part %d of %d", what, part, n), of(share), want)
		}
	}
}

var shareChecks = []check{
	{"UpdatesPartition", "Every customer with something to do is in exactly one part of a selection, by the bucket of her id: a customer in none would be forgotten, and one in two is reached for by two workers.",
		func(p *probe) {
			var prompt, review []string
			var changes crm.Changes
			for i := range 90 {
				id := fmt.Sprintf("customer-%03d", i)
				switch i % 3 {
				case 0:
					p.append(fact("f-"+id, 1, id))
					prompt = append(prompt, id)
				case 1:
					changes.Customers = append(changes.Customers, crm.CustomerRow{ID: id, NextDue: at(1)})
					prompt = append(prompt, id)
				default:
					changes.Customers = append(changes.Customers, crm.CustomerRow{ID: id, NextReview: at(1)})
					review = append(review, id)
				}
			}
			p.meet(names(changes.Customers, customerID)...)
			p.change(changes, names(changes.Customers, customerID)...)
			p.partition("customers", prompt, func(s crm.Share) []string { return p.found(crm.Selection{DueBy: at(10), Limit: 100, Share: s}) })
			p.partition("reviews", review, func(s crm.Share) []string {
				return p.found(crm.Selection{Lane: crm.Bulk, DueBy: at(10), Limit: 100, Share: s})
			})
			p.want("customers by id", len(p.found(crm.Selection{IDs: prompt, Share: crm.Share{Part: 1, Of: 2}})), len(prompt))
		}},
	{"LeasesPartition", "Every due message is in exactly one part of a claim, by the bucket of its own id, and a claim that ran out is in the same part again.",
		func(p *probe) {
			p.meet("hanako")
			var messages []crm.Message
			for i := range 60 {
				messages = append(messages, message(fmt.Sprintf("m%03d", i), "hanako", 1))
			}
			p.change(crm.Changes{Queue: messages}, "hanako")
			clock := 0
			for _, n := range parts {
				clock += 100 // all claims have run out
				for part := range n {
					share := crm.Share{Part: part, Of: n}
					want := slices.DeleteFunc(names(messages, messageID), func(id string) bool { return !share.Has(crm.Bucket(id)) })
					p.want(fmt.Sprintf("what part %d of %d claims", part, n), names(p.leaseAs("", share, clock).Claimed, messageID), want)
				}
			}
		}},
	{"SharesFillTheLimit", "A share's limit is filled with the share's own: others' rows take no place in it.",
		func(p *probe) {
			p.meet("hanako")
			var changes crm.Changes
			var ids []string
			for i := range 200 {
				id := fmt.Sprintf("c%03d", i)
				ids = append(ids, id)
				changes.Customers = append(changes.Customers, crm.CustomerRow{ID: id, NextDue: at(1), NextReview: at(1)})
				changes.Queue = append(changes.Queue, message("m"+id, "hanako", 1))
			}
			p.meet(ids...)
			p.change(changes, ids...)
			share := crm.Share{Part: 3, Of: 8}
			p.want("customers", len(p.found(crm.Selection{DueBy: at(10), Limit: 10, Share: share})), 10)
			p.want("reviews", len(p.found(crm.Selection{Lane: crm.Bulk, DueBy: at(10), Limit: 10, Share: share})), 10)
			leases, err := p.store.Lease(p.Context(), p.shop, crm.LeaseRequest{Now: at(10), Until: at(70), Share: share, Limit: 10})
			p.want("the error", err, error(nil))
			p.want("messages", len(leases.Claimed), 10)
		}},
	{"Except", "Customers in Except are left out and take no place in the limit: a worker that could not deal with some goes on to the others. With IDs it is ignored.",
		func(p *probe) {
			var timers, facts []string
			var changes crm.Changes
			for i := range 12 {
				timers, facts = append(timers, fmt.Sprintf("t%02d", i)), append(facts, fmt.Sprintf("f%02d", i))
				changes.Customers = append(changes.Customers, crm.CustomerRow{ID: timers[i], NextDue: at(i), NextReview: at(i)})
				p.append(fact("fact-"+facts[i], i, facts[i]))
			}
			p.meet(timers...)
			p.change(changes, timers...)
			for _, lane := range []crm.Lane{crm.Prompt, crm.Bulk} {
				sel := crm.Selection{Lane: lane, DueBy: at(100), Limit: 5}
				seen := make(map[string]bool)
				for range 20 {
					found := p.found(sel)
					for _, id := range found {
						if seen[id] {
							p.Errorf("%s is selected although she is in Except", id)
						}
						seen[id] = true
					}
					sel.Except = append(sel.Except, found...)
				}
				p.want(fmt.Sprintf("how many lane %q finds in all", lane), len(seen), map[crm.Lane]int{crm.Prompt: 24, crm.Bulk: 12}[lane])
			}
			p.want("customers by id", p.found(crm.Selection{IDs: timers[:2], Except: timers}), timers[:2])
		}},
	{"ManyExcepted", "A thousand customers may be excepted.",
		func(p *probe) {
			var facts []crm.FactRow
			var except []string
			for i := range 1010 {
				id := fmt.Sprintf("c%04d", i)
				facts = append(facts, fact("f"+id, 1, id))
				if i < 1000 {
					except = append(except, id)
				}
			}
			p.append(facts...)
			p.want("the customers", len(p.found(crm.Selection{DueBy: at(10), Limit: 100, Except: except})), 10)
		}},
}
