package storagetest

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// purge purges once, or skips the check.
func (p *probe) purge(req crm.PurgeRequest) crm.Purged {
	p.Helper()
	s, ok := p.store.(crm.Purger)
	if !ok {
		p.Skip("the store does not purge")
	}
	purged, err := s.Purge(p.Context(), p.shop, req)
	if err != nil {
		p.Fatalf("Purge: %v", err)
	}
	return purged
}

// purgeAll purges until there is nothing left, and returns how much it was.
func (p *probe) purgeAll(req crm.PurgeRequest) crm.Purged {
	p.Helper()
	var all crm.Purged
	for range 1000 {
		purged := p.purge(req)
		if purged == (crm.Purged{}) {
			return all
		}
		all.Facts, all.Contents, all.Decisions = all.Facts+purged.Facts, all.Contents+purged.Contents, all.Decisions+purged.Decisions
	}
	p.Fatal("Purge finds something to purge again and again")
	return all
}

// history gives a shop facts, folded but for one, of which the third and sixth
// are consents.
func (p *probe) history() {
	p.Helper()
	for i := range 6 {
		f := fact(fmt.Sprintf("f%d", i+1), 10*(i+1), "hanako")
		if i%3 == 2 {
			f.Type = "consent.changed"
		}
		p.append(f)
	}
	p.change(crm.Changes{Consumed: entries([]crm.CustomerRow{p.customer("hanako")})}, "hanako")
	waiting, consent := fact("waiting", 5, "hanako", "guest"), fact("waiting consent", 6, "jiro")
	consent.Type = "consent.changed"
	p.append(waiting, consent)
	p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "waiting"}}}, "hanako") // the guest has not seen it
}

var purgeChecks = []check{
	{"Facts", "The bodies of facts that happened before are deleted, but for those that wait in an inbox, which nobody has folded yet, and those of a type in Evidence.",
		func(p *probe) {
			p.history()
			req := crm.PurgeRequest{Facts: at(40), Evidence: []string{"consent.changed"}, Limit: 100}
			p.want("what is purged", p.purgeAll(req), crm.Purged{Facts: 2})
			p.want("the bodies left", p.withBody(), []string{"waiting", "waiting consent", "f3", "f4", "f5", "f6"})
			p.want("the inbox", p.customer("guest").Pending, []crm.FactRow{fact("waiting", 5, "hanako", "guest")})
			p.change(crm.Changes{Consumed: []crm.InboxEntry{{Customer: "guest", Fact: "waiting"}}}, "guest")
			p.want("what is purged once it was folded", p.purgeAll(req), crm.Purged{Facts: 1})
			p.want("how many facts are known", len(p.facts(crm.FactQuery{})), 8)
		}},
	{"Evidence", "Facts of a type in Evidence have a term of their own, after which their bodies are deleted too, but for those in an inbox.",
		func(p *probe) {
			p.history()
			evidence := []string{"consent.changed", "complaint"}
			p.want("what is purged", p.purgeAll(crm.PurgeRequest{Consents: at(60), Evidence: evidence, Limit: 100}), crm.Purged{Facts: 1})
			p.want("the bodies left", p.withBody(), []string{"waiting", "waiting consent", "f1", "f2", "f4", "f5", "f6"})
			p.want("what is purged of both", p.purgeAll(crm.PurgeRequest{Facts: at(30), Consents: at(61), Evidence: evidence, Limit: 100}), crm.Purged{Facts: 3})
			p.want("the bodies left of both", p.withBody(), []string{"waiting", "waiting consent", "f4", "f5"})
			p.want("what is purged without evidence", p.purgeAll(crm.PurgeRequest{Facts: at(1000), Consents: at(1000), Limit: 100}), crm.Purged{Facts: 2})
		}},
	{"IdentityStays", "Ids and hashes outlive the bodies: a fact told again is passed over and its body does not come back; one with other content is still a conflict.",
		func(p *probe) {
			p.history()
			p.purgeAll(crm.PurgeRequest{Facts: at(1000), Limit: 100})
			f := fact("f1", 10, "hanako")
			p.append(f)
			p.want("the inbox", p.customer("hanako").Pending, []crm.FactRow(nil))
			p.conflict(p.store.Append(p.Context(), p.shop, []crm.FactRow{altered(f)}), "f1", 0)
			f.Body = nil
			p.want("the fact", p.facts(crm.FactQuery{ID: "f1"}), []crm.FactRow{f})
		}},
	{"Contents", "Contents and recipients of messages that were settled before are deleted; the messages stay. Those that are unknown keep theirs: they may be sent again. So do those that are not settled.",
		func(p *probe) {
			ends := []crm.MessageState{crm.MessageSent, crm.MessageFailed, crm.MessageUnknown, crm.MessageSent}
			for i, to := range ends {
				id := fmt.Sprintf("m%d", i)
				p.queue(message(id, "c-"+id, i))
				m := p.lease(10).Claimed[0]
				p.mark(start(m, 11))
				p.mark(settle(m, to, 20+i))
			}
			p.queue(message("queued", "a", 500), message("skipped", "b", 500), message("started", "c", 5))
			p.mark(start(p.lease(10).Claimed[0], 11))
			p.change(crm.Changes{Skip: []crm.Skip{{Message: "skipped", Reason: crm.ReasonBought, At: at(19)}}}, "b")
			before := p.messages(crm.MessageQuery{Content: true})

			p.want("what is purged", p.purgeAll(crm.PurgeRequest{Contents: at(23), Limit: 100}), crm.Purged{Contents: 3})
			for i, m := range before {
				if m.ID == "m0" || m.ID == "m1" || m.ID == "skipped" {
					before[i].Content, before[i].To = nil, ""
				}
			}
			p.want("the messages", p.messages(crm.MessageQuery{Content: true}), before)
		}},
	{"Decisions", "Lines of the decision log from before are deleted, the others stay in their order, and the log goes on.",
		func(p *probe) {
			p.meet("a", "b")
			p.change(crm.Changes{Decisions: []crm.Decision{
				decision("a", "1", 30), decision("b", "2", 10), decision("a", "3", 20), decision("b", "4", 40), decision("a", "5", 19),
			}}, "a", "b")
			p.want("what is purged", p.purgeAll(crm.PurgeRequest{Decisions: at(20), Limit: 100}), crm.Purged{Decisions: 2})
			p.want("the log", names(p.decisions(crm.DecisionQuery{}), detail), []string{"1", "3", "4"})
			p.change(crm.Changes{Decisions: []crm.Decision{decision("b", "6", 5)}}, "b")
			p.want("the log after another line", names(p.decisions(crm.DecisionQuery{}), detail), []string{"1", "3", "4", "6"})
			p.want("one customer's log", names(p.decisions(crm.DecisionQuery{Customer: "b"}), detail), []string{"4", "6"})
			p.want("what is purged of all", p.purgeAll(crm.PurgeRequest{Decisions: at(100), Limit: 100}), crm.Purged{Decisions: 4})
			p.change(crm.Changes{Decisions: []crm.Decision{decision("a", "7", 5)}}, "a")
			p.want("the log begun anew", names(p.decisions(crm.DecisionQuery{}), detail), []string{"7"})
		}},
	{"Limit", "A call drops at most Limit of each kind, so that it never holds a shop up for long, and repeating it drops all.",
		func(p *probe) {
			var facts []crm.FactRow
			var changes crm.Changes
			for i := range 25 {
				id := fmt.Sprintf("%02d", i)
				facts = append(facts, fact("f"+id, i, "hanako"))
				changes.Queue = append(changes.Queue, message("m"+id, "hanako", i))
				changes.Skip = append(changes.Skip, crm.Skip{Message: "m" + id, Reason: crm.ReasonLate, At: at(i)})
				changes.Decisions = append(changes.Decisions, decision("hanako", id, i))
			}
			p.append(facts...)
			changes.Consumed = entries([]crm.CustomerRow{p.customer("hanako")})
			p.change(changes, "hanako")
			req := crm.PurgeRequest{Facts: at(20), Contents: at(20), Decisions: at(20), Limit: 7}
			p.want("the first call", p.purge(req), crm.Purged{Facts: 7, Contents: 7, Decisions: 7})
			p.want("the others", p.purgeAll(req), crm.Purged{Facts: 13, Contents: 13, Decisions: 13})
			req.Limit = 0
			req.Facts = at(100)
			p.want("a call with a limit of zero", p.purge(req), crm.Purged{})
		}},
	{"NothingAskedFor", "A zero time keeps all, and so do shops that are not named.",
		func(p *probe) {
			long := time.Date(1955, 1, 1, 0, 0, 0, 0, time.UTC)
			q := p.elsewhere()
			for _, s := range []*probe{p, q} {
				old := fact("old", 1, "hanako")
				old.Time = long
				s.append(old)
				s.queue(message("m1", "jiro", 1))
				line := decision("hanako", "old", 1)
				line.At = long
				s.change(crm.Changes{
					Consumed:  []crm.InboxEntry{{Customer: "hanako", Fact: "old"}},
					Skip:      []crm.Skip{{Message: "m1", Reason: crm.ReasonLate, At: long}},
					Decisions: []crm.Decision{line},
				}, "hanako")
			}
			before := q.everything()
			p.want("what is purged", p.purge(crm.PurgeRequest{Evidence: []string{"other"}, Limit: 100}), crm.Purged{})
			p.want("the shop", p.everything(), before)
			p.want("what is purged of all", p.purgeAll(crm.PurgeRequest{Facts: at(9), Contents: at(9), Decisions: at(9), Limit: 100}), crm.Purged{Facts: 2, Contents: 1, Decisions: 1})
			p.want("the other shop", q.everything(), before)
		}},
}
