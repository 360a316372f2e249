package storagetest

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// counts is what the store counts at n seconds, or the check is skipped.
func (p *probe) counts(n, limit int) crm.Counts {
	p.Helper()
	s, ok := p.store.(crm.Counter)
	if !ok {
		p.Skip("the store does not count")
	}
	counts, err := s.Count(p.Context(), p.shop, at(n), limit)
	if err != nil {
		p.Fatalf("Count: %v", err)
	}
	return counts
}

// counted is the same, counted one by one from what the store streams.
func (p *probe) counted(n, limit int) crm.Counts {
	p.Helper()
	var c crm.Counts
	count := func(into *int, counts bool) {
		if counts && *into < limit {
			*into++
		}
	}
	due := func(t time.Time) bool { return !t.IsZero() && !t.After(at(n)) }
	for _, row := range p.customers(crm.CustomerQuery{}) {
		count(&c.Pending, len(row.Pending) > 0)
		count(&c.Timers, due(row.NextDue))
		count(&c.Reviews, due(row.NextReview))
	}
	for _, m := range p.messages(crm.MessageQuery{}) {
		queued := m.State == crm.MessageQueued && due(m.SendAt)
		count(&c.Prompt, queued && m.Lane != crm.Bulk)
		count(&c.Bulk, queued && m.Lane == crm.Bulk)
		count(&c.Leased, m.State == crm.MessageClaimed || m.State == crm.MessageStarted)
		count(&c.Unknown, m.State == crm.MessageUnknown)
	}
	for _, f := range p.facts(crm.FactQuery{}) {
		count(&c.SetAside, f.SetAside != "")
	}
	return c
}

var countChecks = []check{
	{"LikeCountingByHand", "Each number is what one would count in the shop's rows at that instant, up to limit, and nothing of other shops.",
		func(p *probe) {
			p.want("the counts of a new shop", p.counts(0, 10), crm.Counts{})
			for _, q := range []*probe{p, p.elsewhere()} {
				q.work()
			}
			for _, n := range []int{-1, 0, 5, 11, 30, 1000} {
				for _, limit := range []int{0, 1, 3, 5, 1000} {
					p.want(fmt.Sprintf("the counts at %d up to %d", n, limit), p.counts(n, limit), p.counted(n, limit))
				}
			}
			if all := p.counts(1000, 1000); all.Pending*all.Timers*all.Reviews*all.Prompt*all.Bulk*all.Leased*all.Unknown*all.SetAside == 0 {
				p.Errorf("the check does not count everything: %+v", all)
			}
		}},
	{"Incoming", "Rows of the table of incoming facts are counted as incoming while they wait, as refused once they are refused, and not at all once they are taken.",
		func(p *probe) {
			p.intake()
			p.counts(0, 0)
			p.insert(incoming{ID: "f1", Customer: "a"}, incoming{Refused: "no fact"}, incoming{ID: "f2", Customer: "b"}, incoming{Refused: "no fact"}, incoming{Refused: "no fact"})
			p.want("before", p.counts(0, 100), crm.Counts{Incoming: 5})
			p.want("before, up to 4", p.counts(0, 4), crm.Counts{Incoming: 4})
			p.take(2)
			p.want("after two were taken", p.counts(0, 100), crm.Counts{Incoming: 3, Refused: 1, Pending: 1})
			p.take(100)
			p.want("after all were taken", p.counts(0, 100), crm.Counts{Refused: 3, Pending: 2})
			p.want("after all were taken, up to 1", p.counts(0, 1), crm.Counts{Refused: 1, Pending: 1})
		}},
}

// work gives a shop some of everything there is to do.
func (p *probe) work() {
	p.Helper()
	var ids []string
	var changes crm.Changes
	for i := range 24 {
		id := fmt.Sprintf("c%02d", i)
		ids = append(ids, id)
		c := crm.CustomerRow{ID: id}
		if i%2 == 0 {
			c.NextDue = at(i)
		}
		if i%3 == 0 {
			c.NextReview = at(i)
		}
		changes.Customers = append(changes.Customers, c)
		m := message("m"+id, "mailed", i)
		if i%4 == 0 {
			m.Lane = crm.Bulk
		}
		changes.Queue = append(changes.Queue, m)
	}
	p.meet(ids...)
	p.meet("mailed")
	p.change(changes, ids...)
	claimed := p.lease(11).Claimed
	p.mark(start(claimed[0], 12), start(claimed[1], 12), start(claimed[2], 12))
	p.mark(settle(claimed[0], crm.MessageUnknown, 13), settle(claimed[1], crm.MessageSent, 13))
	for i := range 9 {
		p.append(fact(fmt.Sprintf("f%d", i), i, ids[i%4], "everybody"))
	}
	p.change(crm.Changes{SetAside: map[string]string{"f0": "why", "f8": "why"}}, ids[0])
}
