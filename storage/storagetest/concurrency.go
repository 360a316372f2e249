package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goen-crm/crm"
)

var concurrencyChecks = []check{
	{"AppendsInAnyOrder", "Appends of the same facts in different orders, at once, neither fail nor wait for each other for ever, and each fact is added once. Two carts that put f1, f2 and f2, f1 deadlock where rows are locked in the order given.",
		func(p *probe) {
			const workers, rounds, size = 8, 15, 12
			stores := p.handles(workers)
			p.together(workers, func(i int) error {
				for round := range rounds {
					var facts []crm.FactRow
					for n := range size {
						keys := []string{fmt.Sprintf("a%d", n%3), fmt.Sprintf("b%d", n%5)}
						facts = append(facts, fact(fmt.Sprintf("f%d-%d", round, n), n, keys...))
					}
					if i%2 == 1 {
						slices.Reverse(facts)
						for n := range facts {
							facts[n].Keys = []string{facts[n].Keys[0], facts[n].Keys[1]}
						}
					}
					if err := stores[i].Append(p.Context(), p.shop, facts); err != nil {
						return fmt.Errorf("append: %w", err)
					}
				}
				return nil
			})
			p.want("how many facts there are", len(p.facts(crm.FactQuery{})), rounds*size)
			entries := 0
			for _, c := range p.customers(crm.CustomerQuery{}) {
				entries += len(c.Pending)
			}
			p.want("how many inbox entries there are", entries, rounds*size*2)
		}},
	{"OneConflictWins", "Of appends of one id with different contents, at once, one is added and all others are refused.",
		func(p *probe) {
			const workers = 8
			stores := p.handles(workers)
			for round := range 10 {
				var added atomic.Int32
				p.together(workers, func(i int) error {
					f := fact(fmt.Sprintf("f%d", round), 1, "hanako")
					f.Hash = fmt.Appendf(nil, "hash of %d", i)
					err := stores[i].Append(p.Context(), p.shop, []crm.FactRow{f, fact(fmt.Sprintf("with-%d-%d", round, i), 1, "hanako")})
					if err == nil {
						added.Add(1)
						return nil
					}
					p.conflict(err, f.ID, 0)
					return nil
				})
				p.want("how many were added", added.Load(), int32(1))
			}
			p.want("how many facts there are", len(p.facts(crm.FactQuery{})), 20)
		}},
	{"UpdatesExcludeEachOther", "Two updates never change one customer at once: the one who finds her locked leaves her out. Otherwise one's changes are lost.",
		func(p *probe) {
			const workers, each = 6, 15
			p.meet("a", "b")
			stores := p.handles(workers)
			p.together(workers, func(i int) error {
				for done := 0; done < each; {
					locked := false
					_, err := stores[i].Update(p.Context(), p.shop, crm.Selection{IDs: []string{"a", "b"}}, func(w *crm.Work) (*crm.Changes, error) {
						changes := &crm.Changes{}
						locked = false
						for _, c := range w.Customers {
							if c.ID != "a" {
								continue
							}
							locked = true
							n := 0
							if c.State != nil {
								if _, err := fmt.Sscanf(string(canonical(c.State)), `{"n":%d}`, &n); err != nil {
									return nil, err
								}
							}
							changes.Customers = append(changes.Customers, crm.CustomerRow{ID: "a", State: fmt.Appendf(nil, `{"n":%d}`, n+1)})
						}
						return changes, nil
					})
					if err != nil {
						return fmt.Errorf("update: %w", err)
					}
					if locked {
						done++
					}
				}
				return nil
			})
			p.want("the counter", p.customer("a").State, fmt.Appendf(nil, `{"n":%d}`, workers*each))
		}},
	{"FactsArriveWhileFolding", "A fact that arrives between what an update has read and its commit stays in the inbox: it was not folded. A fold that deletes a customer's inbox as a whole loses it.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			arrived := make(chan error, 1)
			p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes {
				go func() { arrived <- p.store.Append(p.Context(), p.shop, []crm.FactRow{fact("f2", 2, "hanako")}) }()
				// Some stores let the fact in at once, others when this update is done.
				select {
				case err := <-arrived:
					arrived <- err
				case <-time.After(50 * time.Millisecond):
				}
				return &crm.Changes{Consumed: entries(w.Customers)}
			})
			if err := <-arrived; err != nil {
				p.Fatalf("Append: %v", err)
			}
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f2"})
			p.append(fact("f3", 3, "hanako"), fact("f4", 4, "hanako"))
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "f3"}}}, "hanako")
			p.want("the inbox after one of three was folded", names(p.customer("hanako").Pending, factID), []string{"f2", "f4"})
		}},
	{"EveryFactIsFoldedOnce", "With many recording and many folding at once, each fact is folded exactly once, in whatever order transactions commit. Facts behind a watermark would be lost, facts read without a lock folded twice.",
		func(p *probe) { foldEverything(p) }},
	{"EveryMessageIsClaimedOnce", "Many who claim at once never get the same message: each would send it.",
		func(p *probe) {
			const workers, count = 8, 300
			var messages []crm.Message
			var customers []string
			for i := range count {
				id := fmt.Sprintf("%04d", i)
				messages = append(messages, message("m"+id, "c"+id, i))
				customers = append(customers, "c"+id)
			}
			p.meet(customers...)
			p.change(crm.Changes{Queue: messages})
			stores := p.handles(workers)
			var mu sync.Mutex
			claims := make(map[string]int)
			p.together(workers, func(i int) error {
				for {
					mu.Lock()
					open := len(claims) < count
					mu.Unlock()
					if !open {
						return nil
					}
					leases, err := stores[i].Lease(p.Context(), p.shop, crm.LeaseRequest{Now: at(1000), Until: at(1060), Limit: 7})
					if err != nil {
						return fmt.Errorf("lease: %w", err)
					}
					mu.Lock()
					for _, m := range leases.Claimed {
						claims[m.ID]++
						if claims[m.ID] > 1 || m.Attempt != 1 {
							p.Errorf("message %s was claimed %d times, attempt %d", m.ID, claims[m.ID], m.Attempt)
						}
					}
					mu.Unlock()
				}
			})
		}},
	{"RecordBeatsClaim", "A message is never claimed once an Append has returned that put a fact into one of its inboxes: she has bought, the shop knows it, and the mail would ask her whether she forgot her cart.",
		func(p *probe) { recordAndClaim(p) }},
	{"OneMarkWins", "Of marks of one attempt, at once, one is applied.",
		func(p *probe) {
			const workers = 8
			stores := p.handles(workers)
			for round := range 10 {
				id := fmt.Sprintf("m%d", round)
				p.queue(message(id, "c-"+id, 1))
				m := p.lease(10).Claimed[0]
				var won atomic.Int32
				p.together(workers, func(i int) error {
					mark := start(m, 11)
					mark.Decision = &crm.Decision{Customer: m.Customer, At: at(11), Detail: id}
					applied, err := stores[i].Mark(p.Context(), p.shop, []crm.Mark{mark})
					if err == nil && applied[0] {
						won.Add(1)
					}
					return err
				})
				p.want("how many starts were applied", won.Load(), int32(1))
			}
			p.want("how many were logged", len(p.decisions(crm.DecisionQuery{})), 10)
		}},
}

// foldEverything records with some goroutines, folds with others, and counts.
func foldEverything(p *probe) {
	const writers, folders, each, customers = 4, 3, 60, 9
	stores := p.handles(writers + folders)
	var mu sync.Mutex
	folded := make(map[crm.InboxEntry]int)
	total := 0
	fold := func(s crm.Store) error {
		var consumed []crm.InboxEntry
		_, err := s.Update(p.Context(), p.shop, crm.Selection{DueBy: at(0), Limit: 5}, func(w *crm.Work) (*crm.Changes, error) {
			consumed = entries(w.Customers)
			return &crm.Changes{Consumed: consumed}, nil
		})
		if err != nil {
			return fmt.Errorf("update: %w", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, entry := range consumed {
			folded[entry]++
			total++
		}
		return nil
	}
	const want = writers * each * 2
	var deadline atomic.Bool
	timer := time.AfterFunc(time.Minute, func() { deadline.Store(true) })
	defer timer.Stop()
	p.together(writers+folders, func(i int) error {
		if i < writers {
			for n := range each {
				f := fact(fmt.Sprintf("f%d-%d", i, n), n, fmt.Sprintf("c%d", n%customers), fmt.Sprintf("g%d", (n+i)%customers))
				if err := stores[i].Append(p.Context(), p.shop, []crm.FactRow{f}); err != nil {
					return fmt.Errorf("append: %w", err)
				}
			}
			return nil
		}
		for {
			mu.Lock()
			done := total >= want
			mu.Unlock()
			if done || deadline.Load() {
				return nil
			}
			if err := fold(stores[i]); err != nil {
				return err
			}
		}
	})
	for entry, times := range folded {
		if times != 1 {
			p.Errorf("%v was folded %d times", entry, times)
		}
	}
	p.want("how many entries were folded", len(folded), want)
	for _, c := range p.customers(crm.CustomerQuery{}) {
		p.want("what is left in the inbox of "+c.ID, c.Pending, []crm.FactRow(nil))
	}
}

// recordAndClaim lets goroutines record facts that end journeys, each in one of
// the three inboxes of a message, while others claim.
func recordAndClaim(p *probe) {
	const recorders, claimers, each = 3, 3, 25
	var messages []crm.Message
	var customers []string
	for i := range recorders * each {
		id := fmt.Sprintf("%04d", i)
		m := message("m"+id, "account"+id, i)
		m.AddressKey, m.CartKey = "guest"+id, "cart"+id
		messages = append(messages, m)
		customers = append(customers, m.Customer, m.AddressKey, m.CartKey)
	}
	p.meet(customers...)
	p.change(crm.Changes{Queue: messages})

	stores := p.handles(recorders + claimers)
	var mu sync.Mutex
	recorded := make(map[string]bool) // messages with a fact of which Append has returned
	claimed := make(map[string]bool)
	var running atomic.Int32
	running.Store(recorders)
	p.together(recorders+claimers, func(i int) error {
		if i < recorders {
			defer running.Add(-1)
			for n := range each {
				m := messages[n*recorders+i]
				key := []string{m.Customer, m.AddressKey, m.CartKey}[n%3]
				if err := stores[i].Append(p.Context(), p.shop, []crm.FactRow{fact("bought"+m.ID, 1, key)}); err != nil {
					return fmt.Errorf("append: %w", err)
				}
				mu.Lock()
				recorded[m.ID] = true
				mu.Unlock()
			}
			return nil
		}
		for running.Load() > 0 {
			mu.Lock()
			known := make(map[string]bool, len(recorded))
			for id := range recorded {
				known[id] = true
			}
			mu.Unlock()
			// Claims few, and gives them back, so that the others stay interesting.
			leases, err := stores[i].Lease(context.WithoutCancel(p.Context()), p.shop, crm.LeaseRequest{Now: at(1000), Until: at(1060), Limit: 3})
			if err != nil {
				return fmt.Errorf("lease: %w", err)
			}
			var marks []crm.Mark
			for _, m := range leases.Claimed {
				if known[m.ID] {
					p.Errorf("message %s was claimed although a fact was in one of its inboxes before", m.ID)
				}
				marks = append(marks, crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed},
					To: crm.MessageQueued, At: at(1000), SendAt: m.SendAt})
			}
			mu.Lock()
			for _, m := range leases.Claimed {
				claimed[m.ID] = true
			}
			mu.Unlock()
			if _, err := stores[i].Mark(p.Context(), p.shop, marks); err != nil {
				return fmt.Errorf("mark: %w", err)
			}
		}
		return nil
	})
	p.want("what can be claimed in the end", p.lease(5000).Claimed, []crm.Message(nil))
}
