package storagetest

import (
	"fmt"

	"github.com/goen-crm/crm"
)

// bulk is a queued message of lane Bulk to a customer, due at n seconds.
func bulk(id, customer string, n int) crm.Message {
	m := message(id, customer, n)
	m.Lane = crm.Bulk
	return m
}

// leaseAs is a claim of up to 100 messages due at n seconds, for a minute, from
// a share of a lane.
func (p *probe) leaseAs(lane crm.Lane, share crm.Share, n int) crm.Leases {
	p.Helper()
	leases, err := p.store.Lease(p.Context(), p.shop, crm.LeaseRequest{Now: at(n), Until: at(n + 60), Lane: lane, Share: share, Limit: 100})
	if err != nil {
		p.Fatalf("Lease: %v", err)
	}
	return leases
}

// found returns the ids of those whom a selection finds, and changes nothing.
func (p *probe) found(sel crm.Selection) []string {
	p.Helper()
	var seen []string
	n := p.selected(sel, func(w *crm.Work) *crm.Changes {
		seen = names(w.Customers, customerID)
		return nil
	})
	p.want("how many were found", n, len(seen))
	return seen
}

var laneChecks = []check{
	{"UpdateByLane", "Lane Prompt, and no lane, selects customers with facts or due timers; lane Bulk those with due reviews, and nobody else: a hundred thousand reviews on the first of January must not stand before an order.",
		func(p *probe) {
			p.meet("due", "review", "later", "both")
			p.change(crm.Changes{Customers: []crm.CustomerRow{
				{ID: "due", NextDue: at(50)}, {ID: "review", NextReview: at(100)}, {ID: "later", NextReview: at(101)},
				{ID: "both", NextDue: at(1), NextReview: at(2)},
			}}, "due", "review", "later", "both")
			p.append(fact("f1", 1, "pending"))
			for _, lane := range []crm.Lane{"", crm.Prompt} {
				p.want(fmt.Sprintf("the customers of lane %q", lane), p.found(crm.Selection{Lane: lane, DueBy: at(100), Limit: 100}), []string{"both", "due", "pending"})
			}
			p.want("the customers of lane Bulk", p.found(crm.Selection{Lane: crm.Bulk, DueBy: at(100), Limit: 100}), []string{"both", "review"})
			p.want("the earliest of lane Bulk", p.found(crm.Selection{Lane: crm.Bulk, DueBy: at(100), Limit: 1}), []string{"both"})
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "review"}, {ID: "both", NextDue: at(1)}}}, "review", "both")
			p.want("the customers of lane Bulk once they are reviewed", p.found(crm.Selection{Lane: crm.Bulk, DueBy: at(100), Limit: 100}), []string{})
		}},
	{"LeaseByLane", "A claim takes messages of its lane alone, those queued and those whose claim ran out; no lane means Prompt, in the request and in the message. What is sent at once must not wait behind a newsletter.",
		func(p *probe) {
			unnamed, prompt := message("unnamed", "a", 3), message("prompt", "b", 2)
			prompt.Lane = crm.Prompt
			p.queue(unnamed, prompt, bulk("bulk", "c", 1))
			p.want("the message, as stored", p.message("bulk"), bulk("bulk", "c", 1))
			for i, from := range []int{10, 100} {
				n := fmt.Sprintf(" at %d", from)
				p.want("lane Prompt"+n, names(p.leaseAs(crm.Prompt, crm.Share{}, from).Claimed, messageID), []string{"prompt", "unnamed"})
				p.want("no lane"+n, p.leaseAs("", crm.Share{}, from).Claimed, []crm.Message(nil))
				claimed := bulk("bulk", "c", 1)
				claimed.State, claimed.Attempt, claimed.LeaseUntil = crm.MessageClaimed, i+1, at(from+60)
				p.want("lane Bulk"+n, p.leaseAs(crm.Bulk, crm.Share{}, from).Claimed, []crm.Message{claimed})
			}
			p.want("no lane once the claims ran out", names(p.leaseAs("", crm.Share{}, 200).Claimed, messageID), []string{"prompt", "unnamed"})
		}},
	{"ExpiredOfEveryLane", "What a dead worker had started comes back in Expired whatever lane and share the claim is for: who asks next looks after it.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), bulk("m2", "b", 2))
			for _, lane := range []crm.Lane{crm.Prompt, crm.Bulk} {
				p.mark(start(p.leaseAs(lane, crm.Share{}, 10).Claimed[0], 11)) // until 311
			}
			want := []crm.Message{p.message("m1"), p.message("m2")}
			for _, lane := range []crm.Lane{crm.Prompt, crm.Bulk} {
				for part := range 2 {
					p.want("what has expired", p.leaseAs(lane, crm.Share{Part: part, Of: 2}, 311), crm.Leases{Expired: want})
				}
			}
		}},
	{"FenceInEveryLane", "The fence holds in lane Bulk as well.",
		func(p *probe) {
			p.queue(bulk("m1", "hanako", 1))
			p.append(fact("f1", 1, "hanako"))
			p.want("what is claimed while a fact waits", p.leaseAs(crm.Bulk, crm.Share{}, 10).Claimed, []crm.Message(nil))
			p.change(crm.Changes{
				Consumed:  []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}},
				Customers: []crm.CustomerRow{{ID: "hanako", NextDue: at(5)}},
			}, "hanako")
			p.want("what is claimed while a timer is due", p.leaseAs(crm.Bulk, crm.Share{}, 10).Claimed, []crm.Message(nil))
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako"}}}, "hanako")
			p.want("what is claimed", names(p.leaseAs(crm.Bulk, crm.Share{}, 10).Claimed, messageID), []string{"m1"})
		}},
}
