package storagetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/goen-crm/crm"
)

// intake is the store, or the check is skipped.
func (p *probe) intake() crm.Intake {
	p.Helper()
	s, ok := p.store.(crm.Intake)
	if !ok {
		p.Skip("the store has no table of incoming facts")
	}
	if p.h.Insert == nil {
		p.Fatal("the store is a crm.Intake, and the harness has no Insert")
	}
	return s
}

// An incoming is what a cart inserts: a fact's id and customer, and its content
// beside, or something that is no fact.
type incoming struct {
	ID, Customer string
	Altered      bool
	Refused      string
}

// insert inserts rows, one transaction each.
func (p *probe) insert(rows ...incoming) {
	p.Helper()
	p.intake()
	for _, row := range rows {
		body, err := json.Marshal(row)
		if err != nil {
			p.Fatal(err)
		}
		p.h.Insert(p.T, p.store, p.shop, body)
	}
}

// readRow makes a fact of a row.
func readRow(body []byte) crm.Taken {
	var row incoming
	if err := json.Unmarshal(body, &row); err != nil {
		return crm.Taken{Refused: "undecodable"}
	}
	if row.Refused != "" {
		return crm.Taken{Refused: row.Refused}
	}
	f := fact(row.ID, 1, row.Customer)
	if row.Altered {
		f = altered(f)
	}
	return crm.Taken{Fact: f}
}

// readRows makes facts of rows.
func readRows(rows []crm.Incoming) []crm.Taken {
	var all []crm.Taken
	for _, row := range rows {
		all = append(all, readRow(row.Body))
	}
	return all
}

// take takes up to limit rows and returns which it was handed, by fact, and how
// many it took or refused.
func (p *probe) take(limit int) (handed []string, n int) {
	p.Helper()
	last := int64(-1 << 62)
	n, err := p.intake().Take(p.Context(), p.shop, limit, func(rows []crm.Incoming) []crm.Taken {
		handed = nil
		for _, row := range rows {
			if row.Seq <= last {
				p.Errorf("row %d is handed out after row %d", row.Seq, last)
			}
			last = row.Seq
			var in incoming
			if err := json.Unmarshal(row.Body, &in); err != nil {
				p.Errorf("row %d: %v", row.Seq, err)
			}
			handed = append(handed, in.ID)
		}
		return readRows(rows)
	})
	if err != nil {
		p.Fatalf("Take: %v", err)
	}
	return handed, n
}

// takes fails the check unless a Take of 100 is handed these rows.
func (p *probe) takes(what string, want ...string) {
	p.Helper()
	handed, n := p.take(100)
	p.want(what, handed, want)
	p.want(what+", as counted", n, len(want))
}

var intakeChecks = []check{
	{"TakesTheOldestFirst", "Take hands out a shop's rows as they were inserted, the oldest first, up to limit, appends the facts to the log and the inboxes, and deletes the rows.",
		func(p *probe) {
			p.takes("rows of a new shop")
			p.insert(incoming{ID: "f1", Customer: "hanako"}, incoming{ID: "f2", Customer: "hanako"}, incoming{ID: "f3", Customer: "jiro"})
			handed, n := p.take(2)
			p.want("the first two", handed, []string{"f1", "f2"})
			p.want("how many were taken", n, 2)
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2"})
			p.takes("the rest", "f3")
			p.takes("what is left")
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{fact("f1", 1, "hanako"), fact("f2", 1, "hanako"), fact("f3", 1, "jiro")})
		}},
	{"NoLimitNothingTaken", "A limit of zero takes nothing.",
		func(p *probe) {
			p.insert(incoming{ID: "f1", Customer: "hanako"})
			handed, n := p.take(0)
			p.want("what is handed out", handed, []string(nil))
			p.want("how many were taken", n, 0)
		}},
	{"Backlog", "A shop with rows that nobody has taken or refused has something to do, whatever the time.",
		func(p *probe) {
			p.insert(incoming{ID: "f1", Customer: "hanako"}, incoming{Refused: "no fact"})
			p.has("the backlog", -1000, &crm.Backlog{Incoming: true})
			p.take(1)
			p.has("the backlog with one left", -1000, &crm.Backlog{Incoming: true, Pending: true})
			p.take(1)
			p.has("the backlog with one refused", -1000, &crm.Backlog{Pending: true})
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f1"}}}, "hanako")
			p.has("the backlog once all is folded", 1000, nil)
		}},
	{"RefusedRowsStopNobody", "A row that is no fact stays, with the reason, and is not handed out again; those before and after it are taken, and no mail waits for it.",
		func(p *probe) {
			p.queue(message("m1", "hanako", 1))
			p.insert(incoming{ID: "f1", Customer: "jiro"}, incoming{ID: "bad", Refused: "no fact"}, incoming{ID: "f2", Customer: "jiro"})
			p.takes("rows", "f1", "bad", "f2")
			p.takes("what is left")
			p.want("jiro's inbox", names(p.customer("jiro").Pending, factID), []string{"f1", "f2"})
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
			p.insert(incoming{ID: "f3", Customer: "jiro"})
			p.takes("a row that came later", "f3")
		}},
	{"ConflictIsRefused", "A row whose fact is there, or was taken before it, with another hash is refused and stops nobody. One with the same hash is taken and adds nothing.",
		func(p *probe) {
			p.meet("hanako")
			p.insert(
				incoming{ID: "met-hanako", Customer: "hanako", Altered: true}, incoming{ID: "f1", Customer: "hanako"},
				incoming{ID: "f1", Customer: "hanako"}, incoming{ID: "f1", Customer: "hanako", Altered: true}, incoming{ID: "f2", Customer: "hanako"},
			)
			p.takes("rows", "met-hanako", "f1", "f1", "f1", "f2")
			p.takes("what is left")
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{fact("met-hanako", 0, "hanako"), fact("f1", 1, "hanako"), fact("f2", 1, "hanako")})
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2"})
			if counter, ok := p.store.(crm.Counter); ok {
				counts, err := counter.Count(p.Context(), p.shop, at(0), 100)
				p.want("the error", err, error(nil))
				p.want("how many were refused", counts.Refused, 2)
			}
		}},
	{"Fence", "While a row waits, nothing of its shop is claimed, whomever it may be about: nobody has read it yet. Other shops' mail goes out, and what a dead worker had started is reported all the same.",
		func(p *probe) {
			q := p.elsewhere()
			for _, s := range []*probe{p, q} {
				s.queue(message("m1", "hanako", 1), bulk("m2", "hanako", 2), message("m3", "jiro", 200))
				s.mark(start(s.lease(10).Claimed[0], 11)) // until 311
			}
			p.insert(incoming{ID: "f1", Customer: "saburo"})
			for _, lane := range []crm.Lane{crm.Prompt, crm.Bulk} {
				p.want("what is claimed while a row waits", p.leaseAs(lane, crm.Share{}, 400), crm.Leases{Expired: []crm.Message{p.message("m1")}})
			}
			p.want("what is claimed in another shop", names(q.leaseAs(crm.Bulk, crm.Share{}, 400).Claimed, messageID), []string{"m2"})
			p.takes("rows", "f1")
			p.want("what is claimed", names(p.lease(400).Claimed, messageID), []string{"m3"})
			p.insert(incoming{ID: "f2", Customer: "jiro"})
			p.want("what is claimed again while a row waits", p.lease(500).Claimed, []crm.Message(nil))
			p.takes("rows", "f2")
			p.want("what is claimed while a fact waits", p.lease(500).Claimed, []crm.Message(nil))
		}},
	{"NoGapInTheFence", "From the moment a cart's row is there to the moment its fact is folded there is no instant in which its customer's mail can be claimed, also while the row is being taken.",
		func(p *probe) {
			p.intake()
			stores := p.handles(2)
			for round := range 20 {
				q := p.elsewhere()
				q.queue(message("m1", "hanako", 1))
				q.insert(incoming{ID: fmt.Sprintf("f%d", round), Customer: "hanako"})
				q.together(2, func(i int) error {
					if i == 0 {
						_, err := stores[0].(crm.Intake).Take(q.Context(), q.shop, 10, readRows)
						return err
					}
					for range 5 {
						leases, err := stores[1].Lease(q.Context(), q.shop, crm.LeaseRequest{Now: at(10), Until: at(70), Limit: 10})
						if err != nil {
							return err
						}
						if len(leases.Claimed) > 0 {
							return fmt.Errorf("a message was claimed while its customer's fact was on its way")
						}
					}
					return nil
				})
			}
		}},
	{"AllOrNothing", "If read panics, that is the caller's, and leaves the rows as they were and the store working.",
		func(p *probe) {
			p.insert(incoming{ID: "f1", Customer: "hanako"})
			func() {
				defer func() {
					if recover() == nil {
						p.Error("Take swallows the panic of read")
					}
				}()
				_, _ = p.intake().Take(p.Context(), p.shop, 10, func([]crm.Incoming) []crm.Taken { panic("mine") })
			}()
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow(nil))
			p.takes("rows", "f1")
		}},
	{"CancelledContext", "A call whose context is over fails and takes nothing.",
		func(p *probe) {
			p.insert(incoming{ID: "f1", Customer: "hanako"})
			if _, err := p.intake().Take(cancelled(p), p.shop, 10, readRows); err == nil {
				p.Error("Take with a cancelled context returns no error")
			}
			p.takes("rows", "f1")
		}},
	{"ShopsShareNothing", "Take touches rows of the shop it names alone, though many shops' rows are in the table by turns.",
		func(p *probe) {
			q := p.elsewhere()
			for i := range 6 {
				(map[bool]*probe{true: p, false: q})[i%2 == 0].insert(incoming{ID: fmt.Sprintf("f%d", i), Customer: "hanako"})
			}
			p.takes("one shop's rows", "f0", "f2", "f4")
			q.takes("the other's", "f1", "f3", "f5")
		}},
	{"TakersShareTheRows", "Many who take at once never take one row twice, wait for no one for ever, and leave none behind.",
		func(p *probe) {
			p.intake()
			const workers, count = 6, 120
			var want []string
			for i := range count {
				id := fmt.Sprintf("f%03d", i)
				p.insert(incoming{ID: id, Customer: fmt.Sprintf("c%d", i%7)})
				want = append(want, id)
			}
			stores := p.handles(workers)
			var mu sync.Mutex
			var taken []string
			total := 0
			p.together(workers, func(i int) error {
				for {
					var mine []string
					n, err := stores[i].(crm.Intake).Take(p.Context(), p.shop, 5, func(rows []crm.Incoming) []crm.Taken {
						all := readRows(rows)
						mine = nil
						for _, t := range all {
							mine = append(mine, t.Fact.ID)
						}
						return all
					})
					if err != nil {
						return fmt.Errorf("take: %w", err)
					}
					mu.Lock()
					if n > 0 {
						taken = append(taken, mine...)
					}
					total += n
					done := total >= count
					mu.Unlock()
					if done {
						return nil
					}
				}
			})
			slices.Sort(taken)
			p.want("the rows taken", taken, want)
			p.want("how many were taken", total, count)
			p.want("how many facts there are", len(p.facts(crm.FactQuery{})), count)
			p.takes("what is left")
		}},
}
