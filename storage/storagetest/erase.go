package storagetest

import "github.com/goen-crm/crm"

var eraseChecks = []check{
	{"DeletesContent", "An erased customer's fact bodies, message contents and recipient addresses are deleted, and her orders except those given in the same call. The law asks for it; other customers keep theirs.",
		func(p *probe) {
			for _, c := range []string{"hanako", "jiro"} {
				p.queue(message("m-"+c, c, 1))
				p.change(crm.Changes{
					Orders:    []crm.OrderRow{{ID: "kept-" + c, Customer: c, State: []byte(`{"name":"x"}`)}, {ID: "o-" + c, Customer: c, State: []byte(`{"name":"x"}`)}},
					Decisions: []crm.Decision{decision(c, c, 1)},
				}, c)
			}
			for _, m := range p.lease(10).Claimed {
				p.mark(start(m, 11))
			}
			jiro := p.message("m-jiro")
			if jiro.Content == nil {
				p.Fatal("the content of a started message was not stored")
			}
			p.append(fact("pending", 5, "hanako"))

			bare := crm.OrderRow{ID: "kept-hanako", Customer: "hanako", Total: 100, State: []byte(`{}`)}
			p.change(crm.Changes{Orders: []crm.OrderRow{bare}, Erase: []crm.Erasure{{Customer: "hanako"}}}, "hanako")
			for _, f := range p.facts(crm.FactQuery{Customer: "hanako"}) {
				p.want("the body of "+f.ID, f.Body, []byte(nil))
				p.want("the hash of "+f.ID, f.Hash, fact(f.ID, 0, "hanako").Hash)
			}
			erased := p.message("m-hanako")
			p.want("the content", erased.Content, []byte(nil))
			p.want("the recipient", erased.To, "")
			p.want("the state of the message", erased.State, crm.MessageStarted)
			p.want("the orders", p.customer("hanako").Orders, []crm.OrderRow{bare})
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"pending"})
			p.want("the decisions", len(p.decisions(crm.DecisionQuery{Customer: "hanako"})), 1)

			p.want("the other's message", p.message("m-jiro"), jiro)
			p.want("the other's orders", len(p.customer("jiro").Orders), 2)
			p.want("the other's facts", p.facts(crm.FactQuery{Customer: "jiro"}), []crm.FactRow{fact("met-jiro", 0, "jiro")})
		}},
	{"KeepsIdentity", "Ids and hashes outlive the bodies: a fact told again is passed over and its body does not come back; one with other content is still a conflict.",
		func(p *probe) {
			f := fact("f1", 1, "hanako")
			p.append(f)
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}, Erase: []crm.Erasure{{Customer: "hanako"}}}, "hanako")
			p.append(f)
			p.want("the inbox", p.customer("hanako").Pending, []crm.FactRow(nil))
			f.Body = nil
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{f})
			p.conflict(p.store.Append(p.Context(), p.shop, []crm.FactRow{altered(f)}), "f1", 0)
		}},
	{"ComesLast", "Erasing happens after all else: what the same call moves to the customer or queues for her is erased too.",
		func(p *probe) {
			p.append(fact("f1", 1, "guest"))
			p.meet("account")
			p.change(crm.Changes{
				Erase: []crm.Erasure{{Customer: "account"}},
				Queue: []crm.Message{message("m1", "account", 1)},
				Move:  []crm.Move{{From: "guest", To: "account"}},
			}, "guest", "account")
			p.want("the recipient", p.message("m1").To, "")
			p.want("the body", p.facts(crm.FactQuery{ID: "f1"})[0].Body, []byte(nil))
		}},
}
