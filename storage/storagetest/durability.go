package storagetest

import (
	"github.com/goen-crm/crm"
)

var durabilityChecks = []check{
	{"ReopensWithEverything", "What was written is there when the store is closed and opened again.",
		func(p *probe) {
			if p.h.Reopen == nil {
				p.Skip("the store does not outlive its process")
			}
			p.store = p.h.Open(p.T)
			p.queue(message("m1", "a", 1), message("m2", "b", 900))
			p.mark(start(p.lease(10).Claimed[0], 11))
			p.append(fact("f1", 1, "hanako", "guest"))
			p.change(crm.Changes{
				Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{"rank":"gold"}`), NextDue: at(77), NextReview: at(78)}},
				Orders:    []crm.OrderRow{{ID: "o1", Customer: "hanako", Status: "paid", State: []byte(`{}`)}},
				SetAside:  map[string]string{"f1": "why"}, Decisions: []crm.Decision{decision("hanako", "d", 1)},
			}, "hanako")
			p.define("journey", "j", "a", 1)
			before := p.everything()
			p.store = p.h.Reopen(p.T, p.store)
			p.want("everything", p.everything(), before)
			p.append(fact("f1", 1, "hanako", "guest"), fact("f2", 2, "hanako"))
			p.want("a version defined now", p.define("journey", "j", "b", 2).Version, 2)
			p.change(crm.Changes{Decisions: []crm.Decision{decision("hanako", "e", 2)}}, "hanako")
			p.want("the log", names(p.decisions(crm.DecisionQuery{}), detail), []string{"d", "e"})
		}},
	{"SeenByOthers", "What one process has written is seen by another at once, and what both write is kept.",
		func(p *probe) {
			if p.h.Another == nil {
				p.Skip("the store is for one process alone")
			}
			q := p.on(p.h.Another(p.T, p.store))
			p.append(fact("f1", 1, "hanako"))
			p.want("everything", q.everything(), p.everything())
			q.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{}`)}}, Queue: []crm.Message{message("m1", "hanako", 1)}}, "hanako")
			p.want("everything after the other has written", p.everything(), q.everything())
			p.want("what is claimed while there is a fact", p.lease(10).Claimed, []crm.Message(nil))
			q.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}}, "hanako")
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
			p.want("what the other can claim", q.lease(10).Claimed, []crm.Message(nil))
		}},
}
