package storagetest

import (
	"fmt"
	"slices"

	"github.com/goen-crm/crm"
)

// many is more rows than a store reads at once.
const many = 1203

// fill writes n customers, facts, messages and decisions whose order is not
// that in which they are written.
func (p *probe) fill(n int) (customers []crm.CustomerRow, facts []crm.FactRow, messages []crm.Message, decisions []crm.Decision) {
	p.Helper()
	for i := range n {
		i = i * 7 % n // each number once
		id := fmt.Sprintf("%05d", i)
		f := fact("f"+id, i/3, "c"+id)
		facts = append(facts, f)
		m := message("m"+id, "c"+id, i/3)
		m.AddressKey = "a" + id
		messages = append(messages, m)
		decisions = append(decisions, decision("c"+id, id, 0))
		customers = append(customers, crm.CustomerRow{
			ID: "c" + id, State: []byte(`{"id":"` + id + `"}`), Pending: []crm.FactRow{f},
			Orders: []crm.OrderRow{{ID: "o1" + id, Customer: "c" + id, State: []byte(`{}`)}, {ID: "o2" + id, Customer: "c" + id, State: []byte(`{}`)}},
		})
	}
	p.append(facts...)
	for chunk := range slices.Chunk(customers, 200) {
		changes := crm.Changes{Customers: chunk}
		for _, c := range chunk {
			changes.Orders = append(changes.Orders, c.Orders...)
		}
		p.change(changes, names(chunk, customerID)...)
	}
	p.change(crm.Changes{Queue: messages, Decisions: decisions})
	slices.SortFunc(customers, func(a, b crm.CustomerRow) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	slices.SortFunc(facts, func(a, b crm.FactRow) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	slices.SortFunc(messages, func(a, b crm.Message) int { return slices.Compare([]string{a.ID}, []string{b.ID}) })
	return customers, facts, messages, decisions
}

var streamChecks = []check{
	{"CompleteAndInOrder", "Streams give each row once and in order, over any number of rows: a report or a rebuild that misses a row is wrong and does not know it.",
		func(p *probe) {
			customers, facts, messages, decisions := p.fill(many)
			p.want("customers", p.customers(crm.CustomerQuery{}), customers)
			p.want("facts", p.facts(crm.FactQuery{}), facts)
			p.want("messages", p.messages(crm.MessageQuery{}), messages)
			p.want("decisions", p.decisions(crm.DecisionQuery{}), decisions)
			after := customers[many/2].ID
			p.want("customers after one", p.customers(crm.CustomerQuery{After: after}), customers[many/2+1:])
			listed := names(customers, customerID)
			slices.Reverse(listed)
			p.want("customers by id", p.customers(crm.CustomerQuery{IDs: listed}), customers)
			p.want("customers by id after one", p.customers(crm.CustomerQuery{IDs: append(listed, after), After: after}), customers[many/2+1:])
			p.want("customers of an empty list", p.customers(crm.CustomerQuery{IDs: []string{}}), []crm.CustomerRow(nil))
		}},
	{"SameTimeManyRows", "Rows of the same time are told apart by id: an import puts thousands of facts on one instant.",
		func(p *probe) {
			p.meet("hanako")
			var facts []crm.FactRow
			var messages []crm.Message
			for i := range many {
				facts = append(facts, fact(fmt.Sprintf("f%05d", i), 5, "hanako"))
				messages = append(messages, message(fmt.Sprintf("m%05d", i), "hanako", 5))
			}
			p.append(facts...)
			p.change(crm.Changes{Queue: messages}, "hanako")
			p.want("facts", p.facts(crm.FactQuery{})[1:], facts)
			p.want("facts of one customer", p.facts(crm.FactQuery{Customer: "hanako"})[1:], facts)
			p.want("messages", p.messages(crm.MessageQuery{}), messages)
			p.want("messages of one customer", p.messages(crm.MessageQuery{Customer: "hanako"}), messages)
			p.want("the inbox", p.customer("hanako").Pending, facts)
		}},
	{"Selects", "Queries select by customer, by id and by state, and by all that they name together.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 2), message("m3", "b", 3), message("m4", "a", 4))
			p.mark(start(p.leaseUpTo(1, 10).Claimed[0], 11))
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "m3", Reason: crm.ReasonLate, At: at(1)}}}, "b")
			for _, c := range []struct {
				q    crm.MessageQuery
				want []string
			}{
				{crm.MessageQuery{Customer: "a"}, []string{"m1", "m4"}},
				{crm.MessageQuery{States: []crm.MessageState{crm.MessageQueued}}, []string{"m2", "m4"}},
				{crm.MessageQuery{States: []crm.MessageState{crm.MessageSkipped, crm.MessageStarted}}, []string{"m1", "m3"}},
				{crm.MessageQuery{States: []crm.MessageState{crm.MessageSkipped, crm.MessageSkipped}}, []string{"m3"}},
				{crm.MessageQuery{States: []crm.MessageState{}}, nil},
				{crm.MessageQuery{Customer: "b", States: []crm.MessageState{crm.MessageQueued}}, []string{"m2"}},
				{crm.MessageQuery{ID: "m1"}, []string{"m1"}},
				{crm.MessageQuery{ID: "m1", Customer: "b"}, nil},
				{crm.MessageQuery{ID: "m1", States: []crm.MessageState{crm.MessageQueued}}, nil},
			} {
				p.want(fmt.Sprintf("messages of %+v", c.q), names(p.messages(c.q), messageID), c.want)
			}
			p.append(fact("f1", 1, "a"), fact("f2", 1, "b"))
			p.want("a fact", names(p.facts(crm.FactQuery{ID: "f1"}), factID), []string{"f1"})
			p.want("a fact of another customer", p.facts(crm.FactQuery{ID: "f1", Customer: "b"}), []crm.FactRow(nil))
			p.want("no fact", p.facts(crm.FactQuery{ID: "f3"}), []crm.FactRow(nil))
		}},
	{"ContentOnlyIfAsked", "Messages come with their content only where the query asks for it.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			mark := start(p.lease(10).Claimed[0], 11)
			p.mark(mark)
			p.want("without", p.messages(crm.MessageQuery{})[0].Content, []byte(nil))
			p.want("with", p.messages(crm.MessageQuery{Content: true})[0].Content, mark.Content)
			p.want("with, of one customer", p.messages(crm.MessageQuery{Content: true, Customer: "a"})[0].Content, mark.Content)
		}},
	{"StoreCanBeCalledWithin", "While a stream is open, the store can be called, from the loop itself, and writes go through: whoever reads a million rows must not stop the shop.",
		func(p *probe) {
			const many = many / 2
			p.fill(many)
			seen := 0
			for c, err := range p.store.Customers(p.Context(), p.shop, crm.CustomerQuery{}) {
				if err != nil {
					p.Fatalf("Customers: %v", err)
				}
				if seen%200 == 0 {
					p.append(fact("in-"+c.ID, 1, c.ID))
					p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: c.ID, State: []byte(`{"changed":true}`)}}}, c.ID)
					p.customer(c.ID)
					p.lease(-1)
				}
				seen++
			}
			p.want("customers", seen, many)
			seen = 0
			for f, err := range p.store.Facts(p.Context(), p.shop, crm.FactQuery{}) {
				if err != nil {
					p.Fatalf("Facts: %v", err)
				}
				if seen%400 == 0 {
					p.append(fact("before-"+f.ID, -1, f.Customer))
				}
				seen++
			}
			if seen < many {
				p.Errorf("Facts gives %d facts, there are at least %d", seen, many)
			}
			seen = 0
			for m, err := range p.store.Messages(p.Context(), p.shop, crm.MessageQuery{}) {
				if err != nil {
					p.Fatalf("Messages: %v", err)
				}
				if seen++; seen%50 != 0 {
					continue
				}
				for d, err := range p.store.Decisions(p.Context(), p.shop, crm.DecisionQuery{Customer: m.Customer}) {
					if err != nil || d.Customer != m.Customer {
						p.Fatalf("Decisions: %v of %q, %v", d, m.Customer, err)
					}
				}
			}
		}},
	{"EndsEarly", "A loop may end before the stream does, and a stream may be ranged over again from its beginning.",
		func(p *probe) {
			p.fill(100)
			customers := p.store.Customers(p.Context(), p.shop, crm.CustomerQuery{})
			facts := p.store.Facts(p.Context(), p.shop, crm.FactQuery{})
			messages := p.store.Messages(p.Context(), p.shop, crm.MessageQuery{})
			decisions := p.store.Decisions(p.Context(), p.shop, crm.DecisionQuery{})
			for range 2 {
				for range 10 { // more than a pool has connections
					for c, err := range customers {
						p.want("the first customer", []any{c.ID, err}, []any{"c00000", error(nil)})
						break
					}
					for f, err := range facts {
						p.want("the first fact", []any{f.ID, err}, []any{"f00000", error(nil)})
						break
					}
					for m, err := range messages {
						p.want("the first message", []any{m.ID, err}, []any{"m00000", error(nil)})
						break
					}
					for d, err := range decisions {
						p.want("the first decision", []any{d.Detail, err}, []any{"00000", error(nil)})
						break
					}
				}
			}
			p.append(fact("after", 1, "c00000"))
		}},
	{"CancelledContext", "A stream whose context is over yields an error, once, and ends.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			errs := 0
			for _, err := range p.store.Customers(cancelled(p), p.shop, crm.CustomerQuery{}) {
				if err == nil {
					p.Error("Customers with a cancelled context yields a row")
				}
				errs++
			}
			for _, err := range p.store.Facts(cancelled(p), p.shop, crm.FactQuery{}) {
				if err == nil {
					p.Error("Facts with a cancelled context yields a row")
				}
				errs++
			}
			p.want("the errors", errs, 2)
		}},
}
