package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// The mails of a quiet day: an order's two, one to who joined, and one to who
// left a cart and came back an hour later.
var (
	receiptMail  = Mail{hanako.email, Receipt + " " + hanako.order(0)}
	parcelMail   = Mail{hanako.email, Parcel + " " + hanako.order(0)}
	welcomeMail  = Mail{"keiko" + customerDomain, Welcome}
	reminderMail = Mail{"taro" + customerDomain, Reminder}
)

// A day is evidence that the tests forge.
type day struct{ Evidence }

// quiet returns a day on which every promise was kept.
func quiet() *day {
	keiko := &person{name: "keiko", email: welcomeMail.To}
	taro := &person{name: "taro", email: reminderMail.To}
	p := new(pen)
	p.tell(Committed, noon, hanako, hanako.does("orders", noon, hanako.orders(0)))
	p.tell(Committed, noon, keiko, keiko.does("agrees", noon, consents(true)), keiko.does("joins", noon, crm.Custom{Name: joined}))
	p.tell(Committed, noon, taro, taro.doesAsGuest("leaves", noon, crm.Custom{Name: leftOff}))
	p.tell(Committed, noon.Add(time.Hour), taro, taro.does("is erased", noon.Add(time.Hour), crm.CustomerErased{}))
	d := &day{Evidence{
		Ledger: p.entries, Senders: 3, Connections: 3,
		Said: &Statement{Listed: make(map[string]int), Unknown: make(map[string]bool), Mails: make(map[Mail][]string)},
	}}
	for _, m := range []Mail{receiptMail, parcelMail, welcomeMail, reminderMail} {
		d.Said.Mails[m] = []string{idOf(m)}
		d.send(m, noon.Add(2*time.Second))
	}
	return d
}

func idOf(m Mail) string { return "id-of-" + strings.ReplaceAll(m.Subject, " ", "-") }

// say adds events about a mail, a millisecond apart.
func (d *day) say(m Mail, at time.Time, phases ...smtptest.Phase) {
	for _, p := range phases {
		e := Event{At: at, Clock: at, Phase: p, Worker: "w1", Message: idOf(m), Mail: m}
		if p == Accepted {
			e.ID, e.Sum = e.Message+"@tea.example.jp", "sum of "+e.Message
		}
		d.Log = append(d.Log, e)
		at = at.Add(time.Millisecond)
	}
}

// send adds a conversation in which a mail is taken.
func (d *day) send(m Mail, at time.Time) {
	d.say(m, at, smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply, Accepted)
}

// unsay removes all events of a mail in a phase.
func (d *day) unsay(m Mail, p smtptest.Phase) {
	d.Log = slices.DeleteFunc(d.Log, func(e Event) bool { return e.Mail == m && e.Phase == p })
}

// find returns the first event of a mail in a phase.
func (d *day) find(m Mail, p smtptest.Phase) *Event {
	return &d.Log[slices.IndexFunc(d.Log, func(e Event) bool { return e.Mail == m && e.Phase == p })]
}

// list has goen list an attempt at a mail as unknown, after a kill that
// explains it.
func (d *day) list(m Mail) {
	d.Said.Listed[idOf(m)]++
	d.Incidents = append(d.Incidents, Incident{Kind: Killed, Worker: "w0", Phase: Data})
}

// TestAudit forges the evidence of a quiet day, each time in one way: an audit
// that finds nothing there would find nothing after a kill either.
func TestAudit(t *testing.T) {
	erased := noon.Add(time.Hour + time.Second) // when the driver knew of the commit
	type figures struct{ lost, duplicates, unknown, late, stuck, twice, missing, refused int }
	for _, test := range []struct {
		name  string
		forge func(*day)
		want  figures
		says  string // what a violation says, "" if there is none
	}{
		{"nothing", func(*day) {}, figures{}, ""},

		{"a mail that is lost", func(d *day) { d.unsay(welcomeMail, Accepted) }, figures{lost: 1}, "is lost"},
		{"one that may be withheld is not", func(d *day) { d.unsay(reminderMail, Accepted) }, figures{}, ""},
		{"one that is missing, and listed", func(d *day) {
			d.unsay(welcomeMail, Accepted)
			d.list(welcomeMail)
			d.Said.Unknown[idOf(welcomeMail)] = true
		}, figures{unknown: 1, missing: 1}, ""},
		{"one that is missing, and was listed once", func(d *day) {
			d.unsay(welcomeMail, Accepted)
			d.list(welcomeMail)
		}, figures{unknown: 1, lost: 1}, "is lost"},
		{"one that the server refused for good", func(d *day) {
			d.unsay(welcomeMail, Accepted)
			d.find(welcomeMail, smtptest.PhaseRcpt).Fault = "550"
		}, figures{refused: 1}, ""},
		{"one that the server put off for ever", func(d *day) {
			d.unsay(welcomeMail, Accepted)
			d.find(welcomeMail, smtptest.PhaseRcpt).Fault = "450"
		}, figures{lost: 1}, "is lost"},
		{"a mail without a message", func(d *day) { delete(d.Said.Mails, parcelMail) }, figures{}, "has 0 messages"},
		{"a mail with two", func(d *day) {
			d.Said.Mails[parcelMail] = append(d.Said.Mails[parcelMail], "another")
		}, figures{}, "has 2 messages"},

		{"marketing twice", func(d *day) { d.send(welcomeMail, noon.Add(time.Minute)) }, figures{duplicates: 1}, "arrived 2 times"},
		{"marketing twice, and listed", func(d *day) {
			d.send(welcomeMail, noon.Add(time.Minute))
			d.list(welcomeMail)
		}, figures{duplicates: 1, unknown: 1}, "arrived 2 times"},
		{"transactional twice, for no reason", func(d *day) { d.send(receiptMail, noon.Add(time.Minute)) }, figures{duplicates: 1}, "arrived 2 times"},
		{"transactional twice, and listed", func(d *day) {
			d.send(receiptMail, noon.Add(time.Minute))
			d.list(receiptMail)
		}, figures{unknown: 1, twice: 1}, ""},
		{"transactional three times", func(d *day) {
			d.send(receiptMail, noon.Add(time.Minute))
			d.send(receiptMail, noon.Add(2*time.Minute))
			d.list(receiptMail)
			d.list(receiptMail)
		}, figures{duplicates: 1, unknown: 2}, "arrived 3 times"},
		{"twice, and erased since", func(d *day) {
			m := reminderMail
			delete(d.Said.Mails, m)
			d.send(m, noon.Add(time.Minute))
			d.list(m)
		}, figures{duplicates: 1, unknown: 1}, "arrived 2 times"},
		{"other bytes", func(d *day) {
			d.send(receiptMail, noon.Add(time.Minute))
			d.list(receiptMail)
			d.Log[len(d.Log)-1].Sum = "another"
		}, figures{unknown: 1, twice: 1}, "byte for byte"},
		{"another id", func(d *day) { d.find(receiptMail, Accepted).ID = "x@tea.example.jp" }, figures{}, "arrived as"},
		{"a mail that nobody asked for", func(d *day) {
			d.send(Mail{"stranger" + customerDomain, Welcome}, noon)
		}, figures{duplicates: 1}, "nothing on record asks for it"},
		{"a mail about nothing to who was just erased", func(d *day) {
			d.send(Mail{reminderMail.To, Receipt}, erased)
		}, figures{duplicates: 1}, "nothing on record asks for it"},
		{"a mail for what may be on record", func(d *day) { d.Ledger[1].Outcome = Unknown }, figures{}, ""},
		{"no mail for what may be on record", func(d *day) {
			d.Ledger[1].Outcome = Unknown
			d.unsay(receiptMail, Accepted)
		}, figures{}, ""},
		{"another's mail, while a commit is unknown", func(d *day) {
			d.Ledger[1].Outcome = Unknown
			d.send(Mail{hanako.email, Receipt + " " + hanako.order(1)}, noon)
		}, figures{duplicates: 1}, "nothing on record asks for it"},
		{"a mail for what was rolled back", func(d *day) { d.Ledger[1].Outcome = RolledBack }, figures{duplicates: 2}, "nothing on record asks for it"},

		{"begun just in time", func(d *day) {
			d.unsay(reminderMail, Accepted)
			d.say(reminderMail, erased.Add(grace), smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData)
		}, figures{}, ""},
		{"begun too late", func(d *day) {
			d.unsay(reminderMail, Accepted)
			d.say(reminderMail, erased.Add(grace+time.Millisecond), smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData)
		}, figures{late: 1}, "after something took it back"},
		{"begun too late by the clock alone", func(d *day) {
			d.unsay(reminderMail, Accepted)
			d.say(reminderMail, erased.Add(time.Second), smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData)
			d.Log[len(d.Log)-3].Clock = erased.Add(time.Minute)
		}, figures{late: 1}, "after something took it back"},
		{"begun too late, and broken off", func(d *day) {
			d.say(reminderMail, erased.Add(grace+dialling+time.Second), smtptest.PhaseMail, smtptest.PhaseRcpt)
		}, figures{late: 1}, "after something took it back"},
		{"broken off by who had stood still", func(d *day) {
			d.Incidents = append(d.Incidents,
				Incident{Kind: Paused, At: erased.Add(-time.Minute), Worker: "w1"},
				Incident{Kind: Resumed, At: erased.Add(time.Minute), Worker: "w1"})
			d.say(reminderMail, erased.Add(time.Minute), smtptest.PhaseMail, smtptest.PhaseRcpt)
		}, figures{}, ""},
		{"broken off while another stood still", func(d *day) {
			d.Incidents = append(d.Incidents,
				Incident{Kind: Paused, At: erased.Add(-time.Minute), Worker: "w2"},
				Incident{Kind: Resumed, At: erased.Add(time.Minute), Worker: "w2"})
			d.say(reminderMail, erased.Add(time.Minute), smtptest.PhaseMail, smtptest.PhaseRcpt)
		}, figures{late: 1}, "after something took it back"},
		{"completed by who had stood still", func(d *day) {
			d.unsay(reminderMail, Accepted)
			d.Incidents = append(d.Incidents,
				Incident{Kind: Paused, At: erased.Add(-time.Minute), Worker: "w1"},
				Incident{Kind: Resumed, At: erased.Add(time.Minute), Worker: "w1"})
			d.say(reminderMail, erased.Add(time.Minute), smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData)
		}, figures{late: 1}, "after something took it back"},

		{"an answer was lost, and nobody says so", func(d *day) {
			d.find(receiptMail, smtptest.PhaseReply).Fault = "drop"
		}, figures{}, "left without an answer"},
		{"an answer was lost, and it is listed", func(d *day) {
			d.find(receiptMail, smtptest.PhaseReply).Fault = "drop"
			d.Said.Listed[idOf(receiptMail)]++
		}, figures{unknown: 1}, ""},
		{"a refusal is no lost answer", func(d *day) {
			d.find(receiptMail, smtptest.PhaseReply).Fault = "450"
		}, figures{}, ""},
		{"an attempt listed as unknown that nothing explains", func(d *day) {
			d.Said.Listed[idOf(receiptMail)]++
		}, figures{unknown: 1}, "explains no more than 0"},

		{"something waits", func(d *day) {
			d.Said.Waiting = []string{"a message is queued", "hanako is in a journey"}
		}, figures{stuck: 2}, "a message is queued"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := quiet()
			test.forge(d)
			r := Audit(d.Evidence)
			got := figures{r.Lost, r.Duplicates, r.Unknown, r.LateSends, r.Stuck, r.Twice, r.Missing, r.Refused}
			if got != test.want {
				t.Errorf("the figures are %+v, want %+v", got, test.want)
			}
			said := slices.ContainsFunc(r.Violations, func(v string) bool { return strings.Contains(v, test.says) })
			if test.says == "" && len(r.Violations) > 0 || test.says != "" && !said {
				t.Errorf("violations are %q, want %q", r.Violations, test.says)
			}
			if r.Broken() != (test.says != "") {
				t.Errorf("Broken is %v", r.Broken())
			}
		})
	}
}

// TestAuditCounts sums up a quiet day.
func TestAuditCounts(t *testing.T) {
	d := quiet()
	for _, k := range []Kind{Killed, Killed, Paused, Resumed, Suspended, Restarted, Restarted, Restarted, Cut} {
		d.Incidents = append(d.Incidents, Incident{Kind: k, Worker: "w1", Phase: Fold})
	}
	r := Audit(d.Evidence)
	got := fmt.Sprintf("%d must, %d may, %d received, %d kills (%d in fold), %d pauses, %d suspensions, %d restarts, %d cuts",
		r.Messages, r.Takeable, r.Received, r.Kills, r.KillsBy[Fold], r.Pauses, r.Suspensions, r.Restarts, r.Cuts)
	if want := "3 must, 1 may, 4 received, 2 kills (2 in fold), 1 pauses, 1 suspensions, 3 restarts, 1 cuts"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestSender: the sink reads from an envelope sender what a worker put there.
func TestSender(t *testing.T) {
	want := sender{
		Worker: "w1234", Message: "8f1c1f0e-6a4d-5b0e-9d0f-676f656e2d31", Subject: "receipt paa1234a", To: "gpaa1234" + customerDomain,
	}
	address := want.address()
	if got, ok := parseSender(address); !ok || got != want {
		t.Errorf("%s is read as %+v, want %+v", address, got, want)
	}
	if at := strings.IndexByte(address, '@'); at > 64 {
		t.Errorf("%s has %d bytes before the @, and 64 are allowed", address, at)
	}
	if got, ok := parseSender("shop@tea.example.jp"); ok {
		t.Errorf("another's address is read as %+v", got)
	}
}
