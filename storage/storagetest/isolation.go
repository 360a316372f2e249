package storagetest

import (
	"github.com/goen-crm/crm"
)

var isolationChecks = []check{
	{"ShopsShareNothing", "Every call touches rows of the shop it names and of no other, though the ids are the same: one platform's shops are competitors.",
		func(p *probe) {
			q := p.elsewhere()
			for _, s := range []*probe{p, q} {
				s.queue(message("m1", "hanako", 1))
				s.append(fact("f1", 1, "hanako"))
				s.change(crm.Changes{
					Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{}`), NextDue: at(5000), NextReview: at(6000)}},
					Orders:    []crm.OrderRow{{ID: "o1", Customer: "hanako", State: []byte(`{}`)}},
					Decisions: []crm.Decision{decision("hanako", "d1", 1)},
				}, "hanako")
				s.define("journey", "j", "a", 1)
			}
			before := q.everything()

			// Everything that can be done, in p's shop.
			p.append(fact("f2", 2, "hanako"))
			p.update(nil, func(*crm.Work) *crm.Changes { return nil })
			p.selected(crm.Selection{DueBy: at(9000), Limit: 100}, func(w *crm.Work) *crm.Changes {
				p.want("the customers found", names(w.Customers, customerID), []string{"hanako"})
				p.want("her inbox", names(w.Customers[0].Pending, factID), []string{"f1", "f2"})
				p.want("the revision", w.Revision, int64(1))
				return &crm.Changes{
					Customers: []crm.CustomerRow{{ID: "hanako"}},
					Orders:    []crm.OrderRow{{ID: "o1", Customer: "hanako", Total: 7, State: []byte(`{}`)}},
					Consumed:  entries(w.Customers), SetAside: map[string]string{"f1": "why"},
					Decisions: []crm.Decision{decision("hanako", "d2", 1)},
				}
			})
			m := p.lease(100).Claimed[0]
			p.mark(start(m, 101), settle(m, crm.MessageQueued, 102))
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "m1", Reason: crm.ReasonLate, At: at(1)}}}, "hanako")
			p.meet("account")
			p.change(crm.Changes{Move: []crm.Move{{From: "hanako", To: "account"}}, Erase: []crm.Erasure{{Customer: "account"}, {Customer: "hanako"}}}, "hanako", "account")
			p.define("journey", "j", "b", 1)

			p.want("the other shop", q.everything(), before)
			p.want("the order of the erased customer", p.customer("account").Orders, []crm.OrderRow{{ID: "o1", Customer: "account", Total: 7}})
		}},
	{"UnknownShop", "A shop that is not known has nothing, in every method, and asking does not make it known.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			q := p.elsewhere()
			p.want("everything", q.everything(), p.elsewhere().everything())
			p.want("a claim", q.lease(1000), crm.Leases{})
			p.want("an update", q.update([]string{"hanako"}, func(*crm.Work) *crm.Changes { return nil }), 0)
			p.want("a mark", q.mark(crm.Mark{Message: "m1", From: []crm.MessageState{crm.MessageQueued}, To: crm.MessageSent}), []bool{false})
			p.want("the backlog", q.backlog(at(1000)), (*crm.Backlog)(nil))
		}},
}

// everything is all that can be read of a shop, to be compared.
func (p *probe) everything() string {
	p.Helper()
	definitions, revision := p.definitions()
	backlog := p.backlog(at(100_000))
	if backlog != nil {
		backlog.Shop = ""
	}
	return show([]any{
		list(p.customers(crm.CustomerQuery{})), list(p.facts(crm.FactQuery{})), p.messages(crm.MessageQuery{Content: true}),
		p.decisions(crm.DecisionQuery{}), list(definitions), revision, backlog,
	})
}
