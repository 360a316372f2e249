package storagetest

import (
	"time"

	"github.com/goen-crm/crm"
)

var changesChecks = []check{
	{"Queue", "A message is queued as it is. One whose id is there already is passed over, whatever became of it: its id is its send key, and the mail must not go out twice.",
		func(p *probe) {
			p.meet("hanako")
			m := message("m1", "hanako", 1)
			m.AddressKey, m.CartKey, m.Order = "guest-1", "cart-1", "o1"
			p.change(crm.Changes{Queue: []crm.Message{m}}, "hanako")
			p.want("the message", p.message("m1"), m)
			other := message("m1", "hanako", 99)
			logged := crm.Decision{Customer: "hanako", At: at(3), Kind: crm.DecidedQueue, Message: "m2"}
			p.change(crm.Changes{Queue: []crm.Message{other, message("m2", "hanako", 2), message("m2", "hanako", 3)}, Decisions: []crm.Decision{logged}}, "hanako")
			p.want("the messages", p.messages(crm.MessageQuery{}), []crm.Message{m, message("m2", "hanako", 2)})
			p.want("what else the update wrote, once", p.decisions(crm.DecisionQuery{}), []crm.Decision{logged})
		}},
	{"Skip", "A message that is queued or claimed can be skipped, with the reason and the time, and loses its lease. One that was started is past that, but keeps why it must not be tried again.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 1), message("m3", "c", 900))
			claimed := p.lease(10).Claimed
			p.mark(start(claimed[1], 11))
			started := p.message("m2")
			started.Stopped = crm.ReasonBought
			var skips []crm.Skip
			for _, id := range []string{"m1", "m2", "m3", "nothing"} {
				skips = append(skips, crm.Skip{Message: id, Reason: crm.ReasonBought, At: at(12)})
			}
			p.change(crm.Changes{Skip: skips}, "a", "b", "c")
			for _, want := range []crm.Message{claimed[0], message("m3", "c", 900)} {
				want.State, want.Reason, want.SettledAt, want.LeaseUntil = crm.MessageSkipped, crm.ReasonBought, at(12), time.Time{}
				p.want("the message that was not started", p.message(want.ID), want)
			}
			p.want("the message that was started", p.message("m2"), started)
			p.want("a mark of the message skipped", p.mark(start(claimed[0], 13)), []bool{false})
			p.want("what can be claimed", names(p.lease(1000).Claimed, messageID), []string(nil))
			again := settle(claimed[1], crm.MessageQueued, 13)
			again.SendAt = at(14)
			p.want("a mark of the message stopped", p.mark(again), []bool{true})
			p.want("why it must not be tried again", p.lease(1000).Claimed[0].Stopped, crm.ReasonBought)

			p.queue(message("m5", "d", 1))
			lost := p.lease(1000).Claimed[0]
			p.mark(start(lost, 1001))
			p.mark(settle(lost, crm.MessageUnknown, 1002))
			p.update([]string{"d"}, func(w *crm.Work) *crm.Changes {
				p.want("the messages loaded", names(p.filled(w)[0].Messages, messageID), []string{"m5"})
				return &crm.Changes{Skip: []crm.Skip{{Message: "m5", Reason: crm.ReasonBought, At: at(12)}}}
			})
			p.want("the unknown message", []any{p.message("m5").State, p.message("m5").Stopped}, []any{crm.MessageUnknown, crm.ReasonBought})
		}},
	{"Orders", "Orders are inserted or replaced by customer and id, all of their columns. A cart that gives one order two customers gets two rows, and neither spoils the other.",
		func(p *probe) {
			p.meet("a", "b")
			first := crm.OrderRow{ID: "o1", Customer: "a", Status: "placed", Currency: "JPY", Total: 1000, PlacedAt: at(1), State: []byte(`{"v":1}`)}
			p.change(crm.Changes{Orders: []crm.OrderRow{first}}, "a")
			p.want("the order", p.customer("a").Orders, []crm.OrderRow{first})
			second := crm.OrderRow{ID: "o1", Customer: "b", Status: "paid", Currency: "USD", Total: -1 << 62, Refunded: 1 << 62, CountedAt: at(2), State: []byte(`{"v":2}`)}
			p.change(crm.Changes{Orders: []crm.OrderRow{second}}, "a", "b")
			p.want("the order of the first", p.customer("a").Orders, []crm.OrderRow{first})
			p.want("the order of the second", p.customer("b").Orders, []crm.OrderRow{second})
			second.Customer = "a"
			p.change(crm.Changes{Orders: []crm.OrderRow{second}}, "a", "b")
			p.want("the order of the first, replaced", p.customer("a").Orders, []crm.OrderRow{second})
		}},
	{"SetAside", "A fact that can't be applied is set aside with its reason, and can be listed. It stops nobody.",
		func(p *probe) {
			p.append(fact("f1", 3, "hanako"), fact("f2", 2, "hanako"), fact("f3", 1, "jiro"))
			p.change(crm.Changes{SetAside: map[string]string{"f1": "undecodable", "f3": "currency"}, Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}}, "hanako", "jiro")
			f1, f3 := fact("f1", 3, "hanako"), fact("f3", 1, "jiro")
			f1.SetAside, f3.SetAside = "undecodable", "currency"
			p.want("what was set aside", p.facts(crm.FactQuery{SetAside: true}), []crm.FactRow{f3, f1})
			p.want("what was set aside of one customer", p.facts(crm.FactQuery{SetAside: true, Customer: "hanako"}), []crm.FactRow{f1})
			p.want("the fact not set aside", p.facts(crm.FactQuery{ID: "f2"}), []crm.FactRow{fact("f2", 2, "hanako")})
		}},
	{"Decisions", "Decisions are appended to the log in the order they are given, over all calls.",
		func(p *probe) {
			p.meet("a", "b")
			p.change(crm.Changes{Decisions: []crm.Decision{decision("b", "1", 9), decision("a", "2", 5), decision("b", "3", 1)}}, "a", "b")
			p.change(crm.Changes{Decisions: []crm.Decision{decision("a", "4", 0)}}, "a")
			p.want("the log", names(p.decisions(crm.DecisionQuery{}), detail), []string{"1", "2", "3", "4"})
			p.want("one customer's log", names(p.decisions(crm.DecisionQuery{Customer: "b"}), detail), []string{"1", "3"})
			full := crm.Decision{Customer: "a", At: at(7), Kind: crm.DecidedSkip, Journey: "j", Version: 9, Enrollment: "e", Step: "s", Message: "m", Reason: crm.ReasonBought, Detail: "5"}
			p.change(crm.Changes{Decisions: []crm.Decision{full}}, "a")
			p.want("all of its columns", p.decisions(crm.DecisionQuery{})[4], full)
		}},
	{"Move", "Orders, facts, messages and decisions of From become To's, those of nobody else; To may have some already. It happens before all else, so that what the same call writes for From stays From's.",
		func(p *probe) {
			p.meet("guest", "account", "other")
			for _, c := range []string{"guest", "account", "other"} {
				p.change(crm.Changes{
					Orders:    []crm.OrderRow{{ID: "o-" + c, Customer: c, State: []byte(`{}`)}},
					Queue:     []crm.Message{message("m-"+c, c, 1)},
					Decisions: []crm.Decision{decision(c, c, 1)},
				}, c)
			}
			p.append(fact("late", 5, "guest"))
			p.change(crm.Changes{
				Decisions: []crm.Decision{decision("guest", "after", 2)},
				Consumed:  []crm.InboxEntry{{Customer: "guest", Fact: "late"}},
				Move:      []crm.Move{{From: "guest", To: "account"}},
			}, "guest", "account")
			p.want("the guest", p.customer("guest"), crm.CustomerRow{ID: "guest"})
			p.want("the guest's facts", p.facts(crm.FactQuery{Customer: "guest"}), []crm.FactRow(nil))
			p.want("the guest's messages", p.messages(crm.MessageQuery{Customer: "guest"}), []crm.Message(nil))
			p.want("the guest's decisions", names(p.decisions(crm.DecisionQuery{Customer: "guest"}), detail), []string{"after"})
			p.want("the account's orders", names(p.customer("account").Orders, func(o crm.OrderRow) string { return o.ID }), []string{"o-account", "o-guest"})
			p.want("the account's facts", names(p.facts(crm.FactQuery{Customer: "account"}), factID), []string{"met-account", "met-guest", "late"})
			p.want("the account's messages", names(p.messages(crm.MessageQuery{Customer: "account"}), messageID), []string{"m-account", "m-guest"})
			p.want("the account's decisions", names(p.decisions(crm.DecisionQuery{Customer: "account"}), detail), []string{"guest", "account"})
			p.want("the other's orders", len(p.customer("other").Orders), 1)
			p.want("the other's decisions", names(p.decisions(crm.DecisionQuery{Customer: "other"}), detail), []string{"other"})
		}},
	{"MoveMeetsTwin", "Of an order that both have, To's stays and From's is deleted.",
		func(p *probe) {
			p.meet("guest", "account")
			var orders []crm.OrderRow
			for i, c := range []string{"guest", "account"} {
				for _, id := range []string{"o-" + c, "o-twin"} {
					orders = append(orders, crm.OrderRow{ID: id, Customer: c, Total: int64(i), State: []byte(`{}`)})
				}
			}
			p.change(crm.Changes{Orders: orders}, "guest", "account")
			p.change(crm.Changes{Move: []crm.Move{{From: "guest", To: "account"}}}, "guest", "account")
			orders[0].Customer = "account"
			p.want("the account's orders", p.customer("account").Orders, []crm.OrderRow{orders[2], orders[0], orders[3]})
			p.want("the guest's orders", p.customer("guest").Orders, []crm.OrderRow(nil))
			p.change(crm.Changes{Move: []crm.Move{{From: "account", To: "account"}}}, "account")
			p.want("the account's orders after a move to herself", len(p.customer("account").Orders), 3)
		}},
	{"MoveInTurn", "Moves are made one after the other: a cart that became a guest who became an account ends at the account.",
		func(p *probe) {
			p.meet("cart", "guest", "account")
			p.change(crm.Changes{Move: []crm.Move{{From: "cart", To: "guest"}, {From: "guest", To: "account"}}}, "cart", "guest", "account")
			p.want("the account's facts", names(p.facts(crm.FactQuery{Customer: "account"}), factID), []string{"met-account", "met-cart", "met-guest"})
		}},
}
