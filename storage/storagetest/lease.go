package storagetest

import (
	"fmt"

	"github.com/goen-crm/crm"
)

var leaseChecks = []check{
	{"ClaimsWhatIsDue", "Messages due at Now or before are claimed, the earliest first and then by id, up to Limit, and come back as they are after the claim.",
		func(p *probe) {
			p.queue(message("m3", "a", 10), message("m1", "b", 20), message("m2", "c", 10), message("m4", "d", 20), message("m5", "e", 21))
			var want []crm.Message
			for _, m := range []crm.Message{message("m2", "c", 10), message("m3", "a", 10), message("m1", "b", 20)} {
				m.State, m.Attempt, m.LeaseUntil = crm.MessageClaimed, 1, at(80)
				want = append(want, m)
			}
			leases := p.leaseUpTo(3, 20)
			p.want("the claimed", leases, crm.Leases{Claimed: want})
			p.want("the claimed, as stored", p.messages(crm.MessageQuery{States: []crm.MessageState{crm.MessageClaimed}}), want)
			p.want("the next claim", names(p.lease(20).Claimed, messageID), []string{"m4"})
			p.want("the claim after that", p.lease(20), crm.Leases{})
		}},
	{"NoLimitNoClaim", "A limit of zero claims nothing.",
		func(p *probe) {
			p.queue(message("m1", "a", 10))
			p.want("the claimed", p.leaseUpTo(0, 20), crm.Leases{})
			p.want("the message", p.message("m1"), message("m1", "a", 10))
		}},
	{"LeaseRunsOut", "A claim holds until its lease has run out; then the message counts as queued, in its old place, and the next claim has a higher attempt number: the token by which a late worker is told from the one in charge.",
		func(p *probe) {
			p.queue(message("m1", "a", 10), message("m2", "b", 5), message("m3", "c", 15))
			p.leaseUpTo(2, 20) // m2 and m1, until 80
			p.want("before it has run out", names(p.lease(79).Claimed, messageID), []string{"m3"})
			again := p.lease(80).Claimed
			p.want("the moment it has run out", names(again, messageID), []string{"m2", "m1"})
			p.want("the attempt", again[0].Attempt, 2)
			p.want("the lease", again[0].LeaseUntil, at(140))
			p.want("right after", p.lease(138).Claimed, []crm.Message(nil))
		}},
	{"OldClaimsKeepTheirPlace", "Claims that ran out are sorted among the queued messages, and count towards the limit.",
		func(p *probe) {
			p.queue(message("m1", "a", 10), message("m3", "c", 30))
			p.lease(30)
			p.queue(message("m2", "b", 20))
			p.queue(message("m4", "d", 40))
			p.want("the first two", names(p.leaseUpTo(2, 100).Claimed, messageID), []string{"m1", "m2"})
			p.want("the last two", names(p.leaseUpTo(2, 100).Claimed, messageID), []string{"m3", "m4"})
		}},
	{"ReportsExpired", "Messages that were started and whose lease has run out come back in Expired, unchanged, at every call until they are marked: nobody else can find out what became of them. They are never claimed.",
		func(p *probe) {
			p.queue(message("m1", "a", 1), message("m2", "b", 2))
			for _, m := range p.lease(10).Claimed {
				p.mark(start(m, 11)) // lease until 311
			}
			p.want("before the lease has run out", p.lease(310), crm.Leases{})
			want := []crm.Message{p.message("m1"), p.message("m2")}
			p.want("after it has run out", p.lease(311), crm.Leases{Expired: want})
			p.want("with a limit of zero", p.leaseUpTo(0, 311), crm.Leases{Expired: want})
			p.want("as stored", p.message("m1"), want[0])
			p.mark(crm.Mark{Message: "m1", Attempt: 1, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageUnknown, At: at(320), Unknowns: 1, Reason: crm.ReasonCrash})
			p.want("after one was marked", p.lease(320), crm.Leases{Expired: want[1:]})
		}},
	{"GivesContentBack", "A message that has content comes back with it when it is claimed again: a retry sends the same bytes.",
		func(p *probe) {
			p.queue(message("m1", "a", 1))
			m := p.lease(10).Claimed[0]
			p.want("the content before the first start", m.Content, []byte(nil))
			p.mark(start(m, 11))
			p.mark(crm.Mark{Message: "m1", Attempt: 1, From: []crm.MessageState{crm.MessageStarted}, To: crm.MessageQueued, At: at(12), SendAt: at(500), Failures: 1, Reason: crm.ReasonTemporary})
			p.want("the claim before it is due again", p.lease(499).Claimed, []crm.Message(nil))
			again := p.lease(500).Claimed
			p.want("the claim", len(again), 1)
			p.want("the content", again[0].Content, start(m, 11).Content)
			p.want("the attempt", again[0].Attempt, 2)
			p.want("the failures", again[0].Failures, 1)
		}},
	{"OnlyOpenMessages", "Messages that were sent, skipped, failed or are unknown are never claimed again by themselves.",
		func(p *probe) {
			for i, to := range []crm.MessageState{crm.MessageSent, crm.MessageFailed, crm.MessageUnknown, crm.MessageSkipped} {
				id := fmt.Sprintf("m%d", i)
				p.queue(message(id, "c-"+id, 1))
				m := p.lease(10).Claimed[0]
				p.mark(crm.Mark{Message: id, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: to, At: at(11)})
			}
			p.want("the claimed", p.lease(100_000), crm.Leases{})
		}},
}
