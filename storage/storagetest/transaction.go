package storagetest

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// begin begins a transaction of the cart, or skips the check.
func (p *probe) begin() Tx {
	p.Helper()
	if p.h.Begin == nil {
		p.Skip("the store can't append inside a transaction of the cart")
	}
	return p.h.Begin(p.T, p.store)
}

func (p *probe) appendIn(tx Tx, facts ...crm.FactRow) {
	p.Helper()
	if err := tx.Append(p.Context(), p.shop, facts); err != nil {
		p.Fatalf("Append in the cart's transaction: %v", err)
	}
}

func (p *probe) end(how string, end func() error) {
	p.Helper()
	if err := end(); err != nil {
		p.Fatalf("%s of the cart's transaction: %v", how, err)
	}
}

var transactionChecks = []check{
	{"CommitsWithTheCart", "Facts recorded in a transaction of the cart are there once it commits, together with its own rows.",
		func(p *probe) {
			tx := p.begin()
			p.appendIn(tx, fact("f1", 1, "hanako", "guest"))
			p.appendIn(tx, fact("f1", 1, "hanako", "guest"), fact("f2", 2, "hanako"))
			p.end("Commit", tx.Commit)
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2"})
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2"})
			p.want("the guest's inbox", names(p.customer("guest").Pending, factID), []string{"f1"})
		}},
	{"RollsBackWithTheCart", "If the cart rolls back, nothing happened.",
		func(p *probe) {
			tx := p.begin()
			p.appendIn(tx, fact("f1", 1, "hanako"))
			p.end("Rollback", tx.Rollback)
			p.want("everything", p.everything(), p.elsewhere().everything())
		}},
	{"ConflictSpoilsNothing", "A conflict leaves nothing of its batch behind, and the cart's transaction goes on and commits: the order is worth more than our record of it.",
		func(p *probe) {
			p.append(fact("f2", 2, "hanako"))
			tx := p.begin()
			p.appendIn(tx, fact("f1", 1, "hanako"))
			err := tx.Append(p.Context(), p.shop, []crm.FactRow{fact("f3", 3, "jiro"), altered(fact("f2", 2, "hanako")), fact("f4", 4, "jiro")})
			p.conflict(err, "f2", 1)
			err = tx.Append(p.Context(), p.shop, []crm.FactRow{fact("f5", 3, "jiro"), altered(fact("f1", 1, "hanako"))})
			p.conflict(err, "f1", 1)
			p.appendIn(tx, fact("f6", 6, "hanako"))
			p.end("Commit", tx.Commit)
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2", "f6"})
			p.want("the customers", names(p.customers(crm.CustomerQuery{}), customerID), []string{"hanako"})
		}},
	{"CancelledContextSpoilsNothing", "A call whose context is over adds nothing and leaves the cart's transaction as it was.",
		func(p *probe) {
			tx := p.begin()
			p.appendIn(tx, fact("f1", 1, "hanako"))
			if err := tx.Append(cancelled(p), p.shop, []crm.FactRow{fact("f2", 2, "hanako")}); err == nil {
				p.Error("Append with a cancelled context returns no error")
			}
			p.end("Commit", tx.Commit)
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1"})
		}},
	{"OpenTransactionPostponesClaim", "While a transaction that has recorded a fact is open, none of the messages of that fact's customers is claimed: the claim passes them over, or waits for the end.",
		func(p *probe) {
			for i, key := range []string{"account", "guest", "cart", "account", "guest", "cart"} {
				q := p.elsewhere()
				q.meet("account", "guest", "cart")
				q.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
				facts := []crm.FactRow{fact(fmt.Sprintf("f%d", i), 1, key)}
				if i >= 3 {
					facts = append(facts, fact("met-account", 0, "account")) // which is known, and passed over
				}
				tx := q.begin()
				q.appendIn(tx, facts...)
				ctx, cancel := context.WithTimeout(q.Context(), 100*time.Millisecond)
				// A store that waits runs into the timeout; that it fails is all right.
				leases, _ := q.store.Lease(ctx, q.shop, crm.LeaseRequest{Now: at(10), Until: at(70), Limit: 10})
				cancel()
				q.want("what is claimed while a fact of "+key+" is uncommitted", leases.Claimed, []crm.Message(nil))
				q.end("Commit", tx.Commit)
				q.want("what is claimed once it is committed", q.lease(10).Claimed, []crm.Message(nil))
			}
		}},
	{"RollbackReleasesClaim", "If that transaction rolls back, the messages can be claimed.",
		func(p *probe) {
			p.queue(message("m1", "hanako", 1))
			tx := p.begin()
			p.appendIn(tx, fact("f1", 1, "hanako"))
			p.end("Rollback", tx.Rollback)
			p.want("what is claimed", names(p.lease(10).Claimed, messageID), []string{"m1"})
		}},
	{"FenceIsReadUnderTheLock", "A claim that begins while a transaction with a fact is open, and goes on after it has committed, sees the fact. A claim that looks at the inboxes before it holds its locks, or in the statement that waits for them, does not, and the mail goes out after the order.",
		func(p *probe) {
			keys := []string{"account", "guest", "cart"}
			for round := range 30 {
				q := p.elsewhere()
				q.meet(keys...)
				q.change(crm.Changes{Queue: []crm.Message{addressed("m1", 1)}}, "account")
				tx := q.begin()
				q.appendIn(tx, fact("bought", 1, keys[round%3]))

				calling, claimed := make(chan struct{}), make(chan []crm.Message, 1)
				go func() {
					close(calling)
					leases, err := q.store.Lease(q.Context(), q.shop, crm.LeaseRequest{Now: at(10), Until: at(70), Limit: 10})
					if err != nil {
						q.Errorf("Lease: %v", err)
					}
					claimed <- leases.Claimed
				}()
				<-calling
				// The transaction works on for a longer or shorter while, so that
				// it commits at different moments of the claim.
				for n := range round * 3 {
					q.appendIn(tx, fact(fmt.Sprintf("more-%d", n), 1, "other"))
				}
				q.end("Commit", tx.Commit)
				q.want("what is claimed", <-claimed, []crm.Message(nil))
			}
		}},
	{"UpdateBesideOpenTransaction", "An update works beside an open transaction with a fact of its customer, leaves her out, or waits; the fact is in her inbox afterwards.",
		func(p *probe) {
			p.append(fact("f1", 1, "hanako"))
			tx := p.begin()
			p.appendIn(tx, fact("f2", 2, "hanako"))
			folded := make(chan []crm.InboxEntry, 1)
			calling := make(chan struct{})
			go func() {
				var consumed []crm.InboxEntry
				close(calling)
				_, err := p.store.Update(p.Context(), p.shop, crm.Selection{IDs: []string{"hanako"}}, func(w *crm.Work) (*crm.Changes, error) {
					consumed = entries(w.Customers)
					return &crm.Changes{Consumed: consumed}, nil
				})
				if err != nil {
					p.Errorf("Update: %v", err)
				}
				folded <- consumed
			}()
			<-calling
			p.end("Commit", tx.Commit)
			left := len(p.eachOnce(<-folded).Pending)
			p.update([]string{"hanako"}, func(w *crm.Work) *crm.Changes {
				p.want("what is left to fold", len(entries(w.Customers)), left)
				return &crm.Changes{Consumed: entries(w.Customers)}
			})
			p.want("the log", names(p.facts(crm.FactQuery{}), factID), []string{"f1", "f2"})
		}},
	{"CartsDoNotWait", "Two open transactions record facts of one customer: neither waits for the other. A lock on the customer would make a shop's best customers its slowest.",
		func(p *probe) {
			if !p.h.Parallel {
				p.Skip("the database runs one transaction that writes at a time")
			}
			p.meet("hanako")
			first, second := p.begin(), p.begin()
			p.appendIn(first, fact("f1", 1, "hanako"))
			p.appendIn(second, fact("f2", 2, "hanako"))
			p.appendIn(first, fact("f3", 3, "hanako"))
			p.end("Commit", second.Commit)
			p.end("Commit", first.Commit)
			p.want("the inbox", names(p.customer("hanako").Pending, factID), []string{"f1", "f2", "f3"})
		}},
}

// eachOnce returns hanako after some of her two facts were folded, and fails
// the check unless each of them is either folded or pending.
func (p *probe) eachOnce(folded []crm.InboxEntry) crm.CustomerRow {
	p.Helper()
	c := p.customer("hanako")
	p.want("facts folded and pending", len(folded)+len(c.Pending), 2)
	return c
}
