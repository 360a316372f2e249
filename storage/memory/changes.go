package memory

import (
	"bytes"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// apply writes changes in the order that [crm.Changes] gives: moves first,
// erasures and purges last. It cannot fail.
func (sh *shop) apply(ch *crm.Changes) {
	for _, m := range ch.Move {
		sh.move(m.From, m.To)
	}
	for _, c := range ch.Customers {
		sh.writeCustomer(c)
	}
	for _, o := range ch.Orders {
		sh.belongingsOf(o.Customer).orders[o.ID] = copyOrder(o)
	}
	for _, entry := range ch.Consumed {
		sh.consume(entry)
	}
	for fact, reason := range ch.SetAside {
		if f := sh.facts[fact]; f != nil {
			f.SetAside = reason
		}
	}
	for _, m := range ch.Queue {
		sh.queue(m)
	}
	for _, skip := range ch.Skip {
		sh.skip(skip)
	}
	for _, d := range ch.Decisions {
		sh.log(d)
	}
	for _, erasure := range ch.Erase {
		sh.erase(erasure, ch.Orders)
	}
	for _, id := range ch.Purge {
		if f := sh.facts[id]; f != nil {
			f.Body = nil
		}
	}
}

// move gives what belongs to one key to another. The inbox stays: its entries
// are what Consumed names.
func (sh *shop) move(from, to string) {
	if from == to {
		return
	}
	source, target := sh.belongingsOf(from), sh.belongingsOf(to)
	for id := range source.facts {
		sh.facts[id].Customer = to
		target.facts[id] = struct{}{}
	}
	for id, order := range source.orders {
		if _, taken := target.orders[id]; !taken {
			order.Customer = to
			target.orders[id] = order
		}
	}
	for id := range source.messages {
		sh.messages[id].Customer = to
		target.messages[id] = struct{}{}
	}
	for _, i := range source.decisions {
		sh.decisions[i].Customer = to
	}
	target.decisions = append(target.decisions, source.decisions...)
	slices.Sort(target.decisions)
	delete(sh.owned, from)
}

func (sh *shop) writeCustomer(row crm.CustomerRow) {
	c := sh.customers[row.ID]
	c.state, c.nextDue, c.nextReview = bytes.Clone(row.State), exact(row.NextDue), exact(row.NextReview)
	sh.timers.put(row.ID, c.nextDue)
	sh.reviews.put(row.ID, c.nextReview)
}

func (sh *shop) consume(entry crm.InboxEntry) {
	c := sh.customers[entry.Customer]
	if c == nil {
		return
	}
	if _, there := c.inbox[entry.Fact]; !there {
		return
	}
	delete(c.inbox, entry.Fact)
	if sh.waiting[entry.Fact]--; sh.waiting[entry.Fact] == 0 {
		delete(sh.waiting, entry.Fact)
	}
	if len(c.inbox) == 0 {
		sh.pending.remove(entry.Customer)
	}
}

func (sh *shop) queue(m crm.Message) {
	if sh.messages[m.ID] != nil {
		return
	}
	row := copyMessage(m)
	sh.messages[m.ID] = &row
	sh.belongingsOf(m.Customer).messages[m.ID] = struct{}{}
	sh.reschedule(&row)
}

func (sh *shop) skip(skip crm.Skip) {
	m := sh.messages[skip.Message]
	switch {
	case m == nil:
		return
	case m.State == crm.MessageStarted || m.State == crm.MessageUnknown:
		m.Stopped = skip.Reason
		return
	case m.State != crm.MessageQueued && m.State != crm.MessageClaimed:
		return
	}
	m.State, m.Reason = crm.MessageSkipped, skip.Reason
	m.SettledAt, m.LeaseUntil = exact(skip.At), time.Time{}
	sh.reschedule(m)
}

// erase deletes the content of what belongs to a customer, but the bodies of
// facts that are not folded yet and of those to keep, and the orders in kept.
// Ids and hashes of facts stay, so that a fact told again is still known.
func (sh *shop) erase(erasure crm.Erasure, kept []crm.OrderRow) {
	b := sh.belongingsOf(erasure.Customer)
	for id := range b.facts {
		f := sh.facts[id]
		if sh.waiting[id] == 0 && !slices.Contains(erasure.Keep, f.Type) {
			f.Body = nil
		}
	}
	for id := range b.messages {
		sh.messages[id].Content, sh.messages[id].To = nil, ""
	}
	for id, order := range b.orders {
		if !slices.ContainsFunc(kept, func(o crm.OrderRow) bool { return o.Customer == erasure.Customer && o.ID == id }) {
			order.State = nil
			b.orders[id] = order
		}
	}
}
