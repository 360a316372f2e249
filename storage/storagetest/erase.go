package storagetest

import (
	"slices"

	"github.com/goen-crm/crm"
)

var eraseChecks = []check{
	{"DeletesContent", "An erased customer's fact bodies, message contents and recipient addresses are deleted, and the State of her orders except those given in the same call; what is left of an order still counts in statistics. The law asks for it; other customers keep theirs.",
		func(p *probe) {
			for _, c := range []string{"hanako", "jiro"} {
				p.queue(message("m-"+c, c, 1))
				p.change(crm.Changes{
					Orders:    []crm.OrderRow{{ID: "kept-" + c, Customer: c, State: []byte(`{"name":"x"}`)}, {ID: "o-" + c, Customer: c, Status: "paid", Total: 7, State: []byte(`{"name":"x"}`)}},
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
			counted := crm.OrderRow{ID: "o-hanako", Customer: "hanako", Status: "paid", Total: 7}
			p.want("the orders", p.customer("hanako").Orders, []crm.OrderRow{bare, counted})
			p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes {
				p.want("the orders loaded", p.filled(w)[0].Orders, []crm.OrderRow{bare, counted})
				return nil
			})
			p.want("the decisions", len(p.decisions(crm.DecisionQuery{Customer: "hanako"})), 1)

			p.want("the other's message", p.message("m-jiro"), jiro)
			for _, o := range p.customer("jiro").Orders {
				p.want("the state of the other's order "+o.ID, o.State, []byte(`{"name":"x"}`))
			}
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
	{"ComesLast", "Erasing happens after all else: what the same call moves to the customer, folds or queues for her is erased too.",
		func(p *probe) {
			p.append(fact("f1", 1, "guest"))
			p.meet("account")
			p.change(crm.Changes{
				Erase:    []crm.Erasure{{Customer: "account"}},
				Queue:    []crm.Message{message("m1", "account", 1)},
				Consumed: []crm.InboxEntry{{Customer: "guest", Fact: "f1"}},
				Move:     []crm.Move{{From: "guest", To: "account"}},
			}, "guest", "account")
			p.want("the recipient", p.message("m1").To, "")
			p.want("the body", p.facts(crm.FactQuery{ID: "f1"})[0].Body, []byte(nil))
		}},
	{"SparesWhatWaits", "The body of a fact that still waits in an inbox, whosever, stays: it has not been folded yet, and may be about what came after the erasure.",
		func(p *probe) {
			p.append(fact("hers", 1, "hanako"), fact("near", 2, "hanako", "guest"), fact("folded", 3, "hanako"))
			p.change(crm.Changes{
				Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "folded"}, {Customer: "hanako", Fact: "near"}},
				Erase:    []crm.Erasure{{Customer: "hanako"}},
			}, "hanako")
			folded := fact("folded", 3, "hanako")
			folded.Body = nil
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{fact("hers", 1, "hanako"), fact("near", 2, "hanako", "guest"), folded})
			p.want("the inbox", p.customer("guest").Pending, []crm.FactRow{fact("near", 2, "hanako", "guest")})
		}},
	{"KeepsEvidence", "The bodies of facts of the types in Keep stay: that she consented, and when, may have to be proved after she is gone. Each erasure has its own list.",
		func(p *probe) {
			p.meet("hanako", "jiro")
			var changes crm.Changes
			for _, c := range []string{"hanako", "jiro"} {
				for i, kind := range []string{"consent.changed", "complaint", "order.placed"} {
					f := fact(kind+" of "+c, i, c)
					f.Type = kind
					p.append(f)
					changes.Consumed = append(changes.Consumed, crm.InboxEntry{Customer: c, Fact: f.ID})
				}
			}
			changes.Erase = []crm.Erasure{{Customer: "hanako", Keep: []string{"consent.changed", "complaint", "unheard of"}}, {Customer: "jiro", Keep: []string{}}}
			p.change(changes, "hanako", "jiro")
			p.want("the bodies kept", p.withBody(), []string{"consent.changed of hanako", "complaint of hanako"})
		}},
	{"Purge", "The bodies of the facts in Purge are deleted, after all else and whatever an erasure keeps. Ids and hashes stay, other facts too, and ids that are not known are no error.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"), fact("f2", 2, "hanako"), fact("f3", 3, "jiro"))
			q := p.elsewhere()
			q.append(fact("f1", 1, "hanako"))
			p.change(crm.Changes{
				Consumed: entries([]crm.CustomerRow{p.customer("hanako")}),
				Purge:    []string{"f1", "nothing"},
				Erase:    []crm.Erasure{{Customer: "hanako", Keep: []string{"test"}}},
			}, "hanako")
			p.want("the bodies left", p.withBody(), []string{"f2", "f3"})
			p.want("the bodies in another shop", q.withBody(), []string{"f1"})
			p.append(fact("f1", 1, "hanako"))
			p.want("the bodies left once it is told again", p.withBody(), []string{"f2", "f3"})
			p.conflict(p.store.Append(p.Context(), p.shop, []crm.FactRow{altered(fact("f1", 1, "hanako"))}), "f1", 0)
		}},
}

// withBody are the facts that still have their body.
func (p *probe) withBody() []string {
	p.Helper()
	return names(slices.DeleteFunc(p.facts(crm.FactQuery{}), func(f crm.FactRow) bool { return f.Body == nil }), factID)
}
