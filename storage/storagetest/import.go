package storagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/goen-crm/crm"
)

// importer is the store, or the check is skipped.
func (p *probe) importer() crm.Importer {
	p.Helper()
	s, ok := p.store.(crm.Importer)
	if !ok {
		p.Skip("the store does not import")
	}
	return s
}

// imports a batch, which must go through.
func (p *probe) imports(id string, from, to int64, facts ...crm.FactRow) {
	p.Helper()
	if err := p.importer().Import(p.Context(), p.shop, crm.ImportBatch{ID: id, From: from, To: to, Facts: facts}); err != nil {
		p.Fatalf("Import of %d to %d: %v", from, to, err)
	}
}

// imported fails the check unless an import has come this far.
func (p *probe) imported(id string, want int64) {
	p.Helper()
	got, err := p.importer().Imported(p.Context(), p.shop, id)
	if err != nil {
		p.Fatalf("Imported: %v", err)
	}
	p.want("how far import "+id+" has come", got, want)
}

var importChecks = []check{
	{"AppendsAndMoves", "Import appends facts as Append does, to the log and to inboxes, and moves the import's position. One that never began is at 0.",
		func(p *probe) {
			p.imported("orders", 0)
			f1, f2 := fact("f1", 1, "hanako", "guest"), fact("f2", 2, "hanako")
			p.imports("orders", 0, 10, f1)
			p.imported("orders", 10)
			p.imports("orders", 10, 1<<40, f2)
			p.imported("orders", 1<<40)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow{f1, f2})
			p.want("the customer", p.customer("hanako"), crm.CustomerRow{ID: "hanako", Pending: []crm.FactRow{f1, f2}})
			p.want("the guest", p.customer("guest"), crm.CustomerRow{ID: "guest", Pending: []crm.FactRow{f1}})
			p.has("the backlog", 0, &crm.Backlog{Pending: true})
		}},
	{"ResumesExactly", "A batch that does not begin where the import stands is refused with ErrConflict, and nothing is written: it went through before, or another process is at it. The error is no *BatchError, which would blame a fact.",
		func(p *probe) {
			p.imports("orders", 0, 10, fact("f1", 1, "hanako"))
			for _, from := range []int64{0, 9, 11} {
				err := p.importer().Import(p.Context(), p.shop, crm.ImportBatch{ID: "orders", From: from, To: 20, Facts: []crm.FactRow{fact("f2", 2, "jiro")}})
				if batch := new(crm.BatchError); !errors.Is(err, crm.ErrConflict) || errors.As(err, &batch) {
					p.Errorf("Import from %d returns %v, want ErrConflict", from, err)
				}
				p.imported("orders", 10)
			}
			if err := p.importer().Import(p.Context(), p.shop, crm.ImportBatch{ID: "new", From: 1, To: 2}); !errors.Is(err, crm.ErrConflict) {
				p.Errorf("Import of a new import from 1 returns %v, want ErrConflict", err)
			}
			p.imported("new", 0)
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1"})
			p.want("the customers", names(p.customers(crm.CustomerQuery{}), customerID), []string{"hanako"})
			p.imports("orders", 10, 20, fact("f2", 2, "jiro"))
		}},
	{"PassesOverKnownFacts", "Facts that are there with the same hash are passed over, also twice in a batch, and those that were folded do not return to the inbox: history overlaps with what was recorded since.",
		func(p *probe) {
			p.meet("hanako")
			p.append(fact("f1", 1, "hanako"))
			p.imports("orders", 0, 4, fact("met-hanako", 0, "hanako"), fact("f2", 2, "hanako"), fact("f1", 1, "hanako"), fact("f2", 2, "hanako"))
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"met-hanako", "f1", "f2"})
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2"})
		}},
	{"MeetsKnownFactsFirst", "Also the first that a process does may be an import of what is there.",
		func(p *probe) {
			p.importer()
			if p.h.Another == nil {
				p.Skip("the store is for one process alone")
			}
			p.append(fact("f1", 1, "hanako"))
			p.on(p.h.Another(p.T, p.store)).imports("orders", 0, 2, fact("f1", 1, "hanako"), fact("f2", 2, "hanako"))
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2"})
			p.imported("orders", 2)
		}},
	{"RefusesConflict", "A fact whose id is there, or in the batch, with another hash refuses the batch as Append would; nothing of it is written, and the import stays where it is.",
		func(p *probe) {
			p.append(fact("f2", 2, "hanako"))
			batch := crm.ImportBatch{ID: "orders", To: 3, Facts: []crm.FactRow{fact("f1", 1, "jiro"), altered(fact("f2", 2, "hanako")), fact("f3", 3, "jiro")}}
			p.conflict(p.importer().Import(p.Context(), p.shop, batch), "f2", 1)
			batch.Facts = []crm.FactRow{fact("f1", 1, "jiro"), fact("f3", 3, "jiro"), altered(fact("f1", 1, "jiro"))}
			p.conflict(p.importer().Import(p.Context(), p.shop, batch), "f1", 0, 2)
			p.imported("orders", 0)
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f2"})
			p.want("the customers", names(p.customers(crm.CustomerQuery{}), customerID), []string{"hanako"})
		}},
	{"KeepsEverything", "Whatever way a store takes to be fast, facts come out of it as they went in: ids with tabs, quotes and backslashes, times before 1970 and without one, facts set aside and purged.",
		func(p *probe) {
			var facts []crm.FactRow
			for i, id := range append(ids, "a\tb", "a\nb", "a\rb", `\N`, "a,b", `"a","b"`) {
				f := fact(id, i-1<<32, id)
				body, err := json.Marshal(id)
				if err != nil {
					p.Fatal(err)
				}
				f.Body = fmt.Appendf(nil, `{"text":%s}`, body)
				switch i % 3 {
				case 1:
					f.RecordedAt, f.SetAside = time.Time{}, id
				case 2:
					f.Hash, f.Body = []byte{0, '\n', '\t', '\\', 0xff}, nil
				}
				facts = append(facts, f)
			}
			p.imports("orders", 0, 1, facts...)
			p.want("the log", p.facts(crm.FactQuery{}), facts)
			for _, f := range facts {
				p.want("the inbox", p.customer(f.Customer).Pending, []crm.FactRow{f})
			}
		}},
	{"ImportsAreSeparate", "Each import has a position of its own, in each shop. A batch may hold no facts.",
		func(p *probe) {
			q := p.elsewhere()
			p.imports("orders", 0, 5)
			p.imports("Orders", 0, 7)
			p.imported("orders", 5)
			p.imported("Orders", 7)
			q.imported("orders", 0)
			q.imports("orders", 0, 9, fact("f1", 1, "hanako"))
			p.imported("orders", 5)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow(nil))
		}},
	{"BigBatch", "A batch may hold ten thousand facts.",
		func(p *probe) {
			facts := make([]crm.FactRow, 10_000)
			for i := range facts {
				facts[i] = fact(fmt.Sprintf("f%05d", i), i, fmt.Sprintf("customer-%d", i%3000), "everybody")
			}
			p.imports("orders", 0, int64(len(facts)), facts...)
			p.want("how many facts there are", len(p.facts(crm.FactQuery{})), len(facts))
			p.want("how many wait in an inbox", len(p.customer("everybody").Pending), len(facts))
		}},
	{"CancelledContext", "A call whose context is over fails and moves nothing.",
		func(p *probe) {
			batch := crm.ImportBatch{ID: "orders", To: 3, Facts: []crm.FactRow{fact("f1", 1, "jiro")}}
			if err := p.importer().Import(cancelled(p), p.shop, batch); err == nil {
				p.Error("Import with a cancelled context returns no error")
			}
			p.imported("orders", 0)
			p.want("the log", p.facts(crm.FactQuery{}), []crm.FactRow(nil))
		}},
	{"OneOfManyWins", "Of many who import one batch at once, one gets it through and all others are refused.",
		func(p *probe) {
			p.importer()
			const workers, rounds = 6, 10
			stores := p.handles(workers)
			var mu sync.Mutex
			won := make(map[int]int)
			p.together(workers, func(i int) error {
				for round := range rounds {
					err := stores[i].(crm.Importer).Import(p.Context(), p.shop, crm.ImportBatch{
						ID: "orders", From: int64(round), To: int64(round + 1), Facts: []crm.FactRow{fact(fmt.Sprintf("f%d-%d", round, i), round, "hanako")},
					})
					if err != nil && !errors.Is(err, crm.ErrConflict) {
						return fmt.Errorf("import: %w", err)
					}
					if err == nil {
						mu.Lock()
						won[round]++
						mu.Unlock()
					}
				}
				return nil
			})
			position, err := p.importer().Imported(p.Context(), p.shop, "orders")
			p.want("the error", err, error(nil))
			p.want("batches that went through", int64(len(won)), position)
			for round, n := range won {
				p.want(fmt.Sprintf("how many got batch %d through", round), n, 1)
			}
			p.want("how many facts there are", len(p.facts(crm.FactQuery{})), len(won))
		}},
	{"BesideTheFold", "While an import runs, checkouts record and workers fold: none fails, and every fact is folded exactly once.",
		func(p *probe) {
			p.importer()
			const batches, size, customers = 20, 30, 9
			stores := p.handles(4)
			var mu sync.Mutex
			folded := make(map[crm.InboxEntry]int)
			written, done := 0, make(chan struct{})
			end := func() {
				mu.Lock()
				defer mu.Unlock()
				if written++; written == 2 {
					close(done)
				}
			}
			write := func(i int, facts func(n int) []crm.FactRow) error {
				defer end()
				for n := range batches {
					batch := crm.ImportBatch{ID: "orders", From: int64(n), To: int64(n + 1), Facts: facts(n)}
					var err error
					if i == 0 {
						err = stores[i].(crm.Importer).Import(p.Context(), p.shop, batch)
					} else {
						err = stores[i].Append(p.Context(), p.shop, batch.Facts)
					}
					if err != nil {
						return fmt.Errorf("writing: %w", err)
					}
				}
				return nil
			}
			// The checkouts' facts are among those imported, in another order.
			history := func(n int) []crm.FactRow {
				var facts []crm.FactRow
				for i := range size {
					facts = append(facts, fact(fmt.Sprintf("f%d-%d", n, i), i, fmt.Sprintf("c%d", i%customers), "all"))
				}
				return facts
			}
			checkouts := func(n int) []crm.FactRow {
				facts := history(batches - 1 - n)
				return []crm.FactRow{facts[7], facts[3], fact(fmt.Sprintf("new-%d", n), n, "c1", "all")}
			}
			fold := func(i int) (int, error) {
				var consumed []crm.InboxEntry
				n, err := stores[i].Update(p.Context(), p.shop, crm.Selection{DueBy: at(0), Limit: 4}, func(w *crm.Work) (*crm.Changes, error) {
					consumed = entries(w.Customers)
					return &crm.Changes{Consumed: consumed}, nil
				})
				if err != nil {
					return 0, fmt.Errorf("update: %w", err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, entry := range consumed {
					folded[entry]++
				}
				return n, nil
			}
			p.together(4, func(i int) error {
				switch i {
				case 0:
					return write(i, history)
				case 1:
					return write(i, checkouts)
				}
				for {
					select {
					case <-done:
						return nil
					default:
					}
					if _, err := fold(i); err != nil {
						return err
					}
				}
			})
			for n := 1; n > 0; {
				var err error
				if n, err = fold(2); err != nil {
					p.Fatal(err)
				}
			}
			p.want("how many entries were folded", len(folded), (batches*size+batches)*2)
			for entry, n := range folded {
				if n != 1 {
					p.Errorf("%v was folded %d times", entry, n)
				}
			}
		}},
	{"OutlivesTheProcess", "An import goes on where it was after the store is opened again.",
		func(p *probe) {
			p.importer()
			if p.h.Reopen == nil {
				p.Skip("the store does not outlive its process")
			}
			p.store = p.h.Open(p.T)
			p.imports("orders", 0, 42, fact("f1", 1, "hanako"))
			p.store = p.h.Reopen(p.T, p.store)
			p.imported("orders", 42)
			p.imports("orders", 42, 43, fact("f2", 2, "hanako"))
		}},
}
