package storagetest

import (
	"time"

	"github.com/goen-crm/crm"
)

// settle is the mark that a worker makes after it has sent.
func settle(m crm.Message, to crm.MessageState, n int) crm.Mark {
	return crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageStarted, crm.MessageUnknown}, To: to, At: at(n)}
}

// unset is what a time is that a mark clears.
var unset time.Time

var markChecks = []check{
	{"Life", "Each mark sets what belongs to its state: a start the lease, the time and the content; a settling the time; a return to the queue the new due time. Counts and reason are replaced.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			m := p.lease(10).Claimed[0]
			begin := start(m, 11)
			p.want("the start", p.mark(begin), []bool{true})
			m.State, m.StartedAt, m.LeaseUntil, m.Content = crm.MessageStarted, at(11), at(311), begin.Content
			p.want("started", p.message("m1"), m)

			lost := settle(m, crm.MessageUnknown, 12)
			lost.Unknowns, lost.Reason = 1, crm.ReasonLost
			p.want("the loss", p.mark(lost), []bool{true})
			m.State, m.SettledAt, m.LeaseUntil, m.Unknowns, m.Reason = crm.MessageUnknown, at(12), unset, 1, crm.ReasonLost
			p.want("unknown", p.message("m1"), m)

			back := settle(m, crm.MessageQueued, 13)
			back.SendAt, back.Unknowns, back.Failures, back.Reason = at(40), 1, 2, crm.ReasonTemporary
			p.want("the return", p.mark(back), []bool{true})
			m.State, m.SettledAt, m.SendAt, m.Failures, m.Reason = crm.MessageQueued, unset, at(40), 2, crm.ReasonTemporary
			p.want("queued again", p.message("m1"), m)

			m = p.lease(41).Claimed[0]
			again := start(m, 42)
			again.Content = []byte("other content")
			p.want("the second start", p.mark(again), []bool{true})
			m.State, m.StartedAt, m.LeaseUntil = crm.MessageStarted, at(42), at(342)
			m.Failures, m.Unknowns, m.Reason = 0, 0, ""
			p.want("started again, with its first content", p.message("m1"), m)

			p.want("the end", p.mark(settle(m, crm.MessageSent, 43)), []bool{true})
			m.State, m.SettledAt, m.LeaseUntil = crm.MessageSent, at(43), unset
			p.want("sent", p.message("m1"), m)
		}},
	{"ComparesAttempt", "A mark with another attempt number than the message's changes nothing: a worker that slept through its lease and wakes up late must not undo what the next one did.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			sleeper := p.lease(10).Claimed[0] // sleeps past its lease
			now := p.lease(100).Claimed[0]
			stored := p.message("m1")
			late := start(sleeper, 50)
			late.Decision = &crm.Decision{Customer: "a", Detail: "late"}
			p.want("the late start", p.mark(late), []bool{false})
			for _, to := range []crm.MessageState{crm.MessageSent, crm.MessageQueued, crm.MessageUnknown, crm.MessageFailed} {
				m := settle(sleeper, to, 101)
				m.From = []crm.MessageState{crm.MessageClaimed, crm.MessageStarted}
				p.want("the late "+string(to), p.mark(m), []bool{false})
			}
			early := start(now, 101)
			early.Attempt++
			p.want("a start from the future", p.mark(early), []bool{false})
			p.want("the message", p.message("m1"), stored)
			p.want("the log", p.decisions(crm.DecisionQuery{}), []crm.Decision(nil))
			p.want("the start of the worker in charge", p.mark(start(now, 101)), []bool{true})
		}},
	{"ComparesState", "A mark whose From does not name the message's state changes nothing.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			m := p.lease(10).Claimed[0]
			p.want("a result before the start", p.mark(settle(m, crm.MessageSent, 11)), []bool{false})
			p.want("the start", p.mark(start(m, 11)), []bool{true})
			p.want("a second start", p.mark(start(m, 12)), []bool{false})
			p.want("the result", p.mark(settle(m, crm.MessageSent, 13)), []bool{true})
			p.want("a second result", p.mark(settle(m, crm.MessageFailed, 14)), []bool{false})
			none := settle(m, crm.MessageFailed, 14)
			none.From = nil
			p.want("a mark from no state", p.mark(none), []bool{false})
			p.want("a mark of a message there is not", p.mark(settle(message("m2", "a", 1), crm.MessageSent, 15)), []bool{false})
			p.want("the state", p.message("m1").State, crm.MessageSent)
		}},
	{"StartNeedsLease", "A mark to started is refused once the lease has run out at the mark's time, even if nobody has claimed the message since: somebody may at any moment. Other marks do not look at the lease.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 1))
			claimed := p.lease(10).Claimed // until 70
			p.want("a start when the lease has run out", p.mark(start(claimed[0], 70)), []bool{false})
			m := start(claimed[0], 70)
			m.At = m.At.Add(-time.Microsecond)
			p.want("a start just before", p.mark(m), []bool{true})
			back := crm.Mark{Message: "m2", Attempt: 1, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageQueued, At: at(900), SendAt: at(901)}
			p.want("a return to the queue long after", p.mark(back), []bool{true})
		}},
	{"ReportsEach", "Marks are independent: each is applied or not, and reported at its place. Marks of one message in one call are applied in turn.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 2))
			claimed := p.lease(10).Claimed
			stale := start(claimed[1], 11)
			stale.Attempt = 7
			p.want("the report", p.mark(
				stale, start(claimed[0], 11), settle(claimed[0], crm.MessageSent, 12), start(claimed[0], 13), start(claimed[1], 14),
			), []bool{false, true, true, false, true})
			p.want("the first", p.message("m1").State, crm.MessageSent)
			p.want("the second", p.message("m2").State, crm.MessageStarted)
			p.want("no marks", p.mark(), []bool{})
		}},
	{"LogsWithTheMark", "A mark's decision is appended to the log if and only if the mark is applied.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 2))
			claimed := p.lease(10).Claimed
			var marks []crm.Mark
			for i, m := range claimed {
				for _, text := range []string{"applied", "refused"} {
					mark := start(m, 11)
					d := decision(m.Customer, text+m.ID, i)
					d.Message, d.Kind, d.Reason = m.ID, crm.DecidedSend, crm.ReasonTries
					mark.Decision = &d
					marks = append(marks, mark)
				}
			}
			p.change(crm.Changes{Decisions: []crm.Decision{decision("a", "before", 0)}}, "a")
			p.want("the report", p.mark(marks...), []bool{true, false, true, false})
			p.change(crm.Changes{Decisions: []crm.Decision{decision("a", "after", 0)}}, "a")
			p.want("the log", names(p.decisions(crm.DecisionQuery{}), detail), []string{"before", "appliedm1", "appliedm2", "after"})
			p.want("its columns", p.decisions(crm.DecisionQuery{Customer: "b"})[0], *marks[2].Decision)
		}},
	{"LogsInOrder", "Decisions of marks stand in the log in the order of the marks, also where one message has several among them.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 2))
			claimed := p.lease(10).Claimed
			marks := []crm.Mark{start(claimed[0], 11), settle(claimed[0], crm.MessageSent, 12), start(claimed[1], 11), settle(claimed[1], crm.MessageSent, 12)}
			for i, text := range []string{"m1 started", "m1 sent", "m2 started", "m2 sent"} {
				d := decision(claimed[i/2].Customer, text, 11)
				marks[i].Decision = &d
			}
			p.want("the report", p.mark(marks...), []bool{true, true, true, true})
			p.want("the log", names(p.decisions(crm.DecisionQuery{}), detail), []string{"m1 started", "m1 sent", "m2 started", "m2 sent"})
		}},
	{"LogsForWhoeverSheIsNow", "A mark's decision is logged for the customer whose message it is by then: of a guest who became an account while her mail was sent, nothing is left behind.",
		func(p *probe) {
			p.queue(message("m1", "guest", 1))
			p.meet("account")
			m := p.lease(10).Claimed[0]
			p.change(crm.Changes{Move: []crm.Move{{From: "guest", To: "account"}}}, "guest", "account")
			mark := start(m, 11)
			d := decision("guest", "start", 11)
			mark.Decision = &d
			p.want("the report", p.mark(mark), []bool{true})
			p.want("the guest's log", p.decisions(crm.DecisionQuery{Customer: "guest"}), []crm.Decision(nil))
			logged := d
			logged.Customer = "account"
			p.want("the account's log", p.decisions(crm.DecisionQuery{Customer: "account"}), []crm.Decision{logged})
			p.want("the caller's decision", d.Customer, "guest")
		}},
	{"BigContent", "Content may be a megabyte, of any bytes.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			mark := start(p.lease(10).Claimed[0], 11)
			mark.Content = make([]byte, 1<<20)
			for i := range mark.Content {
				mark.Content[i] = byte(i * 7)
			}
			p.mark(mark)
			p.want("the content", p.message("m1").Content, mark.Content)
		}},
}
