package storagetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goen-crm/crm"
)

var updateChecks = []check{
	{"SelectsByID", "Update of some ids loads those that exist, once each and in order of id, and counts them. Who is unknown is left out.",
		func(p *probe) {
			p.meet("a", "b", "c")
			var seen []string
			n := p.update([]string{"c", "nobody", "a", "c"}, func(w *crm.Work) *crm.Changes {
				seen = names(w.Customers, customerID)
				return nil
			})
			p.want("the customers", seen, []string{"a", "c"})
			p.want("how many were found", n, 2)
			n = p.update([]string{}, func(w *crm.Work) *crm.Changes {
				seen = names(w.Customers, customerID)
				return nil
			})
			p.want("the customers of an empty list", seen, []string(nil))
			p.want("how many were found of an empty list", n, 0)
		}},
	{"SelectsWhatIsDue", "Update without ids finds the customers with pending facts or with a timer due at DueBy or before, and nobody else: a customer missed is a customer whose mail stops.",
		func(p *probe) {
			p.meet("due", "due-now", "later", "quiet")
			p.change(crm.Changes{Customers: []crm.CustomerRow{
				{ID: "due", NextDue: at(50)}, {ID: "due-now", NextDue: at(100)}, {ID: "later", NextDue: at(101)},
			}}, "due", "due-now", "later")
			p.append(fact("f1", 1, "pending", "also-pending"), fact("f2", 1, "due"))
			var seen []string
			n := p.selected(crm.Selection{DueBy: at(100), Limit: 100}, func(w *crm.Work) *crm.Changes {
				seen = names(w.Customers, customerID)
				return nil
			})
			p.want("the customers", seen, []string{"also-pending", "due", "due-now", "pending"})
			p.want("how many were found", n, 4)
		}},
	{"DrainsInLimits", "Limit bounds how many customers are taken at once. Repeating Update reaches everyone, those with timers and those with facts, and then finds nobody.",
		func(p *probe) {
			for i := range 20 {
				p.append(fact(fmt.Sprintf("f%d", i), 1, fmt.Sprintf("fact-%02d", i)))
			}
			var timers []string
			for i := range 20 {
				timers = append(timers, fmt.Sprintf("timer-%02d", i))
			}
			p.meet(timers...)
			p.update(timers, func(w *crm.Work) *crm.Changes {
				changes := &crm.Changes{}
				for i, c := range w.Customers {
					changes.Customers = append(changes.Customers, crm.CustomerRow{ID: c.ID, NextDue: at(i)})
				}
				return changes
			})
			seen := make(map[string]int)
			for round := 0; ; round++ {
				n := p.selected(crm.Selection{DueBy: at(100), Limit: 7}, func(w *crm.Work) *crm.Changes {
					if len(w.Customers) > 7 {
						p.Errorf("Update loads %d customers, the limit is 7", len(w.Customers))
					}
					changes := &crm.Changes{Consumed: entries(w.Customers)}
					for _, c := range w.Customers {
						seen[c.ID]++
						changes.Customers = append(changes.Customers, crm.CustomerRow{ID: c.ID})
					}
					return changes
				})
				if n == 0 {
					break
				}
				if round > 40 {
					p.Fatal("Update finds customers again and again whose facts and timers were dealt with")
				}
			}
			p.want("how many were seen", len(seen), 40)
		}},
	{"NeitherKindStarves", "With fewer places than work, both customers with timers and customers with facts get some: a flood of one must not stop the other.",
		func(p *probe) {
			var timers []string
			for i := range 30 {
				p.append(fact(fmt.Sprintf("f%d", i), 1, fmt.Sprintf("fact-%02d", i)))
				timers = append(timers, fmt.Sprintf("timer-%02d", i))
			}
			p.meet(timers...)
			p.update(timers, func(w *crm.Work) *crm.Changes {
				changes := &crm.Changes{}
				for _, c := range w.Customers {
					changes.Customers = append(changes.Customers, crm.CustomerRow{ID: c.ID, NextDue: at(1)})
				}
				return changes
			})
			timer, pending := 0, 0
			p.selected(crm.Selection{DueBy: at(100), Limit: 10}, func(w *crm.Work) *crm.Changes {
				for _, c := range w.Customers {
					if len(c.Pending) > 0 {
						pending++
					} else {
						timer++
					}
				}
				return nil
			})
			if timer == 0 || pending == 0 {
				p.Errorf("of 10 places, %d went to customers with timers and %d to customers with facts", timer, pending)
			}
		}},
	{"LoadsEverything", "decide sees the customer whole, with what Fill loads: state, next timer and review, orders by id, pending facts by (time, id), and her messages that are queued, claimed, started or unknown by id.",
		func(p *probe) {
			p.meet("hanako")
			orders := []crm.OrderRow{
				{ID: "o1", Customer: "hanako", Status: "paid", Currency: "JPY", Total: 4980, Refunded: 500, PlacedAt: at(1), CountedAt: at(2), State: []byte(`{"lines":[1,2]}`)},
				{ID: "o2", Customer: "hanako", Status: "placed", State: []byte(`{}`)},
			}
			queued, started, claimed, skipped := message("m2", "hanako", 90), message("m0", "hanako", 0), message("m1", "hanako", 1), message("m3", "hanako", 1)
			state := crm.CustomerRow{ID: "hanako", State: []byte(`{"rank":"gold"}`), NextDue: at(500), NextReview: at(700)}
			p.change(crm.Changes{Customers: []crm.CustomerRow{state}, Orders: orders, Queue: []crm.Message{queued, skipped}}, "hanako")
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "m3", Reason: crm.ReasonBought, At: at(3)}}, Queue: []crm.Message{started, claimed}}, "hanako")
			leased := p.leaseUpTo(2, 10).Claimed
			p.mark(start(leased[0], 11))
			started, claimed = p.message("m0"), leased[1]
			started.Content = nil
			late, early, same := fact("f1", 30, "hanako"), fact("f3", 10, "hanako"), fact("f2", 10, "hanako")
			p.append(late, early, same)

			want := state
			want.Orders, want.Pending, want.Messages = orders, []crm.FactRow{same, early, late}, []crm.Message{started, claimed, queued}
			p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes {
				p.want("the customer", p.filled(w), []crm.CustomerRow{want})
				return nil
			})
		}},
	{"ConsumesExactly", "Exactly the inbox entries in Consumed are deleted. To delete a customer's inbox as a whole loses the facts that were not read.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako", "guest"), fact("f2", 2, "hanako"), fact("f3", 3, "hanako"))
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}, {Customer: "hanako", Fact: "f3"}}}, "hanako")
			p.want("what is left", names(p.customer("hanako").Pending, factID), []string{"f2"})
			p.want("what is left in the guest's inbox", names(p.customer("guest").Pending, factID), []string{"f1"})
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2", "f3"})
		}},
	{"RollsBack", "If decide fails, nothing is written and its error comes back as it is.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			mine := errors.New("mine")
			_, err := p.store.Update(p.Context(), p.shop, crm.Selection{IDs: []string{"hanako"}}, func(w *crm.Work) (*crm.Changes, error) {
				return &crm.Changes{
					Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{}`)}},
					Consumed:  entries(w.Customers),
					Queue:     []crm.Message{message("m1", "hanako", 1)},
				}, mine
			})
			if err != mine { //nolint:errorlint // unchanged means the same
				p.Errorf("Update returns %v, want decide's error itself", err)
			}
			p.want("the customer", p.customer("hanako"), crm.CustomerRow{ID: "hanako", Pending: []crm.FactRow{fact("f1", 1, "hanako")}})
			p.want("the messages", p.messages(crm.MessageQuery{}), []crm.Message(nil))
		}},
	{"SurvivesPanic", "A panic in decide is the caller's, and leaves the store working and the customer unlocked.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			func() {
				defer func() {
					if recover() == nil {
						p.Error("Update swallows the panic of decide")
					}
				}()
				_, _ = p.store.Update(p.Context(), p.shop, crm.Selection{IDs: []string{"hanako"}}, func(*crm.Work) (*crm.Changes, error) { panic("mine") })
			}()
			n := 0
			p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes { n = len(w.Customers); return nil })
			p.want("how many customers can be locked", n, 1)
		}},
	{"LocksFurther", "Lock loads further customers into the same transaction, which may then be written. Those that are locked here already or unknown are left out: a guest and her account are one person and are written together.",
		func(p *probe) {
			p.meet("a", "c")
			p.append(fact("f1", 1, "b"))
			p.update([]string{"a"}, func(w *crm.Work) *crm.Changes {
				rows, err := w.Lock([]string{"b", "a", "nobody", "c"})
				if err != nil {
					p.Fatalf("Lock: %v", err)
				}
				p.want("what Lock loads", names(rows, customerID), []string{"b", "c"})
				p.want("the inbox", names(rows[0].Pending, factID), []string{"f1"})
				again, err := w.Lock([]string{"b"})
				p.want("what Lock loads again", again, []crm.CustomerRow(nil))
				p.want("the error", err, error(nil))
				return &crm.Changes{
					Customers: []crm.CustomerRow{{ID: "b", State: []byte(`{"locked":true}`)}},
					Consumed:  entries(rows),
				}
			})
			p.want("b", p.customer("b"), crm.CustomerRow{ID: "b", State: []byte(`{"locked":true}`)})
		}},
	{"FillsOnDemand", "Update and Lock load no orders and messages; Fill sets both, of customers in any order: orders in order of id, and messages that are not settled in order of id, without content. Most timers need neither.",
		func(p *probe) {
			p.meet("a", "b", "c")
			order := func(customer, id string) crm.OrderRow {
				return crm.OrderRow{ID: id, Customer: customer, Status: "paid", Total: 7, State: []byte(`{"v":1}`)}
			}
			p.change(crm.Changes{Orders: []crm.OrderRow{order("b", "o2"), order("a", "o3"), order("b", "o1")}}, "a", "b")
			p.queue(message("m9", "b", 1), message("m1", "b", 500), message("m2", "a", 2))
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "m2", Reason: crm.ReasonBought, At: at(3)}}}, "a")
			p.update([]string{"a", "c"}, func(w *crm.Work) *crm.Changes {
				more, err := w.Lock([]string{"b"})
				p.want("the error of Lock", err, error(nil))
				rows := append(more, w.Customers...)
				for _, row := range rows {
					p.want("what is loaded of "+row.ID, []any{row.Orders, row.Messages}, []any{[]crm.OrderRow(nil), []crm.Message(nil)})
				}
				for range 2 { // it sets, and does not add
					p.want("the error", w.Fill(rows), error(nil))
				}
				p.want("the orders of b", rows[0].Orders, []crm.OrderRow{order("b", "o1"), order("b", "o2")})
				p.want("the orders of a", rows[1].Orders, []crm.OrderRow{order("a", "o3")})
				p.want("the orders of c", rows[2].Orders, []crm.OrderRow(nil))
				p.want("the messages of b", names(rows[0].Messages, messageID), []string{"m1", "m9"})
				p.want("the messages of a", names(rows[1].Messages, messageID), []string(nil))
				p.want("the error of an empty list", w.Fill(nil), error(nil))
				return nil
			})
		}},
	{"KnowsWhoWaits", "Pending names those of a list who have a fact in the inbox, each once and in order, and locks nobody: a timer of hers must not decide while a fact waits under her address.",
		func(p *probe) {
			p.meet("a", "b")
			p.append(fact("f1", 1, "d", "b"), fact("f2", 2, "c"), fact("f3", 3, "d"))
			p.elsewhere().append(fact("f1", 1, "a"))
			p.update([]string{"a"}, func(w *crm.Work) *crm.Changes {
				waiting, err := w.Pending([]string{"d", "b", "nobody", "a", "d"})
				p.want("the error", err, error(nil))
				p.want("who waits", waiting, []string{"b", "d"})
				rows, err := w.Lock([]string{"b"})
				p.want("the error of Lock", err, error(nil))
				p.want("who can be locked", names(rows, customerID), []string{"b"})
				none, err := w.Pending(nil)
				p.want("the error of an empty list", err, error(nil))
				p.want("who waits of an empty list", none, []string(nil))
				return nil
			})
		}},
	{"KnowsTheRevision", "Work carries the definitions' revision in this transaction: a worker with older definitions must notice.",
		func(p *probe) {
			p.meet("hanako")
			for want := range int64(3) {
				p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes {
					p.want("the revision", w.Revision, want)
					return nil
				})
				_, err := p.store.Define(p.Context(), p.shop, crm.Definition{Kind: "journey", ID: "j", Hash: []byte{byte(want)}, Body: []byte(`{}`)})
				if err != nil {
					p.Fatalf("Define: %v", err)
				}
			}
		}},
	{"ManyAtOnce", "Hundreds of customers are changed in one transaction.",
		func(p *probe) {
			var facts []crm.FactRow
			var want []string
			for i := range 700 {
				id := fmt.Sprintf("customer-%04d", i)
				facts = append(facts, fact("f"+id, i, id))
				want = append(want, id)
			}
			p.append(facts...)
			n := p.selected(crm.Selection{DueBy: at(0), Limit: 1000}, func(w *crm.Work) *crm.Changes {
				changes := &crm.Changes{Consumed: entries(w.Customers)}
				for _, c := range w.Customers {
					changes.Customers = append(changes.Customers, crm.CustomerRow{ID: c.ID, State: document(3000), NextDue: at(9)})
					changes.Queue = append(changes.Queue, message("m"+c.ID, c.ID, 1))
					changes.Decisions = append(changes.Decisions, decision(c.ID, c.ID, 1))
				}
				return changes
			})
			p.want("how many were found", n, 700)
			p.want("the decisions", names(p.decisions(crm.DecisionQuery{}), detail), want)
			p.want("the messages", len(p.messages(crm.MessageQuery{})), 700)
			rows := p.customers(crm.CustomerQuery{})
			if slices.ContainsFunc(rows, func(c crm.CustomerRow) bool { return len(c.Pending) > 0 || len(c.State) < 3000 }) {
				p.Error("some customers were not written")
			}
		}},
}
