package storagetest

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// addressed is a message that names three customers, due at n seconds.
func addressed(id string, n int) crm.Message {
	m := message(id, "account", n)
	m.AddressKey, m.CartKey = "guest", "cart"
	return m
}

var fenceChecks = []check{
	{"PendingFacts", "A message is passed over while a fact waits in the inbox of any customer that it names in Customer, AddressKey or CartKey: the fact may say that she has bought, as an account, as a guest or with that cart.",
		func(p *probe) {
			p.meet("account", "guest", "cart", "other")
			p.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
			for i, key := range []string{"account", "guest", "cart"} {
				id := fmt.Sprintf("f%d", i)
				p.append(fact(id, 1, key))
				p.want("what is claimed while a fact is in the inbox of "+key, p.lease(10).Claimed, []crm.Message(nil))
				p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: key, Fact: id}}}, key)
			}
			p.append(fact("f9", 1, "other"))
			p.want("what is claimed when only another customer has a fact", names(p.lease(10).Claimed, messageID), []string{"m1"})
		}},
	{"OneOfMany", "A fact in any one inbox is enough, whichever of several was folded.",
		func(p *probe) {
			p.meet("account", "guest", "cart")
			p.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
			keys := []string{"account", "guest", "cart"}
			p.append(fact("f1", 1, keys...), fact("f2", 2, keys...))
			for _, id := range []string{"f1", "f2"} {
				for _, key := range keys {
					p.want("what is claimed too early", p.lease(10).Claimed, []crm.Message(nil))
					p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: key, Fact: id}}}, key)
				}
			}
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
		}},
	{"DueTimers", "A message is passed over while its Customer has a timer due at Now or before: the timer may end the journey. A timer that is not due, or another key's, does not matter.",
		func(p *probe) {
			p.meet("account", "guest", "cart")
			p.change(crm.Changes{
				Customers: []crm.CustomerRow{{ID: "account", NextDue: at(20)}, {ID: "guest", NextDue: at(1)}, {ID: "cart", NextDue: at(1)}},
				Queue:     []crm.Message{addressed("m1", 1)},
			}, "account", "guest", "cart")
			p.want("what is claimed when the timer is due now", p.lease(20).Claimed, []crm.Message(nil))
			p.want("what is claimed when the timer is overdue", p.lease(21).Claimed, []crm.Message(nil))
			claimed, err := p.store.Lease(p.Context(), p.shop, crm.LeaseRequest{Now: at(20).Add(-time.Microsecond), Until: at(90), Limit: 10})
			if err != nil {
				p.Fatalf("Lease: %v", err)
			}
			p.want("what is claimed just before the timer is due", names(claimed.Claimed, messageID), []string{"m1"})
		}},
	{"ReviewsDoNotFence", "A review that is due does not hold mail back: reviews come in great numbers on a date, and what they lead to is queued, not taken back.",
		func(p *probe) {
			p.queue(message("m1", "hanako", 1))
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako", NextReview: at(5)}}}, "hanako")
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
		}},
	{"ClaimedAgain", "The fence holds for a claim that ran out as well: much may have happened in between.",
		func(p *probe) {
			p.meet("account", "guest", "cart")
			p.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
			p.lease(10)
			p.append(fact("f1", 1, "cart"))
			p.want("what is claimed again", p.lease(100).Claimed, []crm.Message(nil))
			p.change(crm.Changes{
				Consumed: []crm.InboxEntry{{Customer: "cart", Fact: "f1"}}, Customers: []crm.CustomerRow{{ID: "account", NextDue: at(50)}},
			}, "cart", "account")
			p.want("what is claimed again while a timer is due", p.lease(100).Claimed, []crm.Message(nil))
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "account"}}}, "account")
			p.want("what is claimed again once all is folded", names(p.lease(100).Claimed, messageID), []string{"m1"})
		}},
	{"StopsNobodyElse", "Messages behind a fence do not keep later ones from being claimed, even with a small limit: one customer's flood of facts must not stop a shop's mail.",
		func(p *probe) {
			p.meet("busy")
			var messages []crm.Message
			for i := range 150 {
				messages = append(messages, message(fmt.Sprintf("m%03d", i), "busy", i))
			}
			p.change(crm.Changes{Queue: messages}, "busy")
			p.queue(message("quiet", "quiet", 200))
			p.append(fact("f1", 1, "busy"))
			p.want("what is claimed", names(p.leaseUpTo(1, 1000).Claimed, messageID), []string{"quiet"})
		}},
	{"NotYetKnown", "A key that no customer has yet is no obstacle.",
		func(p *probe) {
			p.meet("account")
			p.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
		}},
}
