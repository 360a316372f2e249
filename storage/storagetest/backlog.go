package storagetest

import (
	"time"

	"github.com/goen-crm/crm"
)

// backlog returns the entry of the check's shop, nil if it has none.
func (p *probe) backlog(until time.Time) *crm.Backlog {
	p.Helper()
	all, err := p.store.Backlog(p.Context(), until)
	if err != nil {
		p.Fatalf("Backlog: %v", err)
	}
	var found *crm.Backlog
	for i, b := range all {
		if i > 0 && all[i-1].Shop >= b.Shop {
			p.Errorf("Backlog lists shop %q after shop %q", b.Shop, all[i-1].Shop)
		}
		if b.Shop == p.shop {
			found = &all[i]
		}
	}
	return found
}

// has fails the check unless the shop's backlog is this.
func (p *probe) has(what string, until int, want *crm.Backlog) {
	p.Helper()
	if want != nil {
		want.Shop = p.shop
	}
	p.want(what, p.backlog(at(until)), want)
}

var backlogChecks = []check{
	{"Facts", "A shop with facts in its inboxes has something to do, whatever the time.",
		func(p *probe) {
			p.has("the backlog of a new shop", 1000, nil)
			p.append(fact("f1", 500, "hanako"))
			p.has("the backlog with a fact", -1000, &crm.Backlog{Pending: true})
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}}, "hanako")
			p.has("the backlog once it is folded", 1000, nil)
		}},
	{"Timers", "A shop is listed from the moment its earliest timer is due, with that time: too late is a late mail, too early a worker that spins.",
		func(p *probe) {
			p.meet("a", "b", "c")
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "a", NextDue: at(30)}, {ID: "b", NextDue: at(20)}, {ID: "c"}}}, "a", "b", "c")
			p.want("the backlog just before", p.backlog(at(20).Add(-time.Microsecond)), (*crm.Backlog)(nil))
			p.has("the backlog at the time", 20, &crm.Backlog{NextTimer: at(20)})
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "b"}}}, "b")
			p.has("the backlog without that timer", 25, nil)
			p.has("the backlog at the next", 30, &crm.Backlog{NextTimer: at(30)})
		}},
	{"Reviews", "Reviews are listed like timers, beside them: who waits for one must not have to look for the other.",
		func(p *probe) {
			p.meet("a", "b")
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "a", NextReview: at(30)}, {ID: "b", NextReview: at(20), NextDue: at(40)}}}, "a", "b")
			p.want("the backlog just before", p.backlog(at(20).Add(-time.Microsecond)), (*crm.Backlog)(nil))
			p.has("the backlog at the time", 20, &crm.Backlog{NextReview: at(20), NextTimer: at(40)})
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "b"}}}, "b")
			p.has("the backlog without that review", 29, nil)
			p.has("the backlog at the next", 30, &crm.Backlog{NextReview: at(30)})
		}},
	{"Messages", "NextSend is when the earliest queued message is due or the earliest lease, of a claim or a start, runs out. A crashed worker's messages would otherwise wait for the next order.",
		func(p *probe) {
			p.queue(message("m1", "a", 20), message("m2", "b", 500))
			p.has("the backlog before", 19, nil)
			p.has("the backlog at the time", 20, &crm.Backlog{NextSend: at(20)})
			m := p.lease(20).Claimed[0] // until 80
			p.has("the backlog while it is claimed", 79, nil)
			p.has("the backlog when the claim runs out", 80, &crm.Backlog{NextSend: at(80)})
			p.mark(start(m, 30)) // until 330
			p.has("the backlog while it is sent", 329, nil)
			p.has("the backlog when the start runs out", 330, &crm.Backlog{NextSend: at(330)})
			p.mark(settle(m, crm.MessageSent, 40))
			p.has("the backlog once it is sent", 499, nil)
			p.has("the backlog of the next message", 500, &crm.Backlog{NextSend: at(500)})
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "m2", Reason: crm.ReasonBought, At: at(41)}}}, "b")
			p.has("the backlog once it is skipped", 10_000, nil)
		}},
	{"AllAtOnce", "What is listed for one reason tells the others too, also those that lie after until.",
		func(p *probe) {
			bulk := message("m1", "a", 20)
			bulk.Lane = crm.Bulk
			p.queue(bulk, message("m2", "a", 25))
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "a", NextDue: at(30), NextReview: at(40)}}}, "a")
			p.append(fact("f1", 1, "a"))
			p.has("the backlog", 0, &crm.Backlog{Pending: true, NextTimer: at(30), NextReview: at(40), NextSend: at(20)})
		}},
	{"ManyShops", "Every shop with work is listed, in order.",
		func(p *probe) {
			var shops []*probe
			for range 20 {
				q := p.elsewhere()
				q.append(fact("f1", 1, "a"))
				shops = append(shops, q)
			}
			for _, q := range shops {
				q.has("the backlog", 0, &crm.Backlog{Pending: true})
			}
		}},
}
