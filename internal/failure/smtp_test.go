package failure_test

import (
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// phases are those that a mail can fail in, in their order.
var phases = []smtptest.Phase{
	smtptest.PhaseGreeting, smtptest.PhaseEHLO, smtptest.PhaseSTARTTLS, smtptest.PhaseAuth,
	smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply,
}

// An answer is what became of two mails that were sent at once.
type answer struct {
	receipt, first ending
	received       int // of each
}

type ending struct {
	state  crm.MessageState
	reason crm.Reason
}

// The three fates of a mail that was tried once: refused for now, refused for
// good, and nobody knows.
var (
	putOff  = answer{ending{crm.MessageQueued, crm.ReasonTemporary}, ending{crm.MessageQueued, crm.ReasonTemporary}, 0}
	refused = answer{ending{crm.MessageFailed, crm.ReasonPermanent}, ending{crm.MessageFailed, crm.ReasonPermanent}, 0}
	unclear = answer{ending{crm.MessageQueued, crm.ReasonLost}, ending{crm.MessageUnknown, crm.ReasonLost}, 0}
	arrived = answer{ending{crm.MessageQueued, crm.ReasonLost}, ending{crm.MessageUnknown, crm.ReasonLost}, 1}
)

// Each fault at each phase of SMTP, from the fact to the mailbox: what the
// outbox says after it, and what it says, and has arrived, once the mail server
// is well again.
func TestMailServerFails(t *testing.T) {
	before := map[string]answer{"451": putOff, "550": putOff, "421": putOff, "drop": putOff, "stall": putOff}
	envelope := map[string]answer{"451": putOff, "550": refused, "421": putOff, "drop": putOff, "stall": putOff}
	data := map[string]answer{"451": putOff, "550": refused, "421": putOff, "drop": unclear, "stall": unclear}
	reply := map[string]answer{"451": putOff, "550": refused, "421": putOff, "drop": arrived, "stall": arrived}
	want := map[smtptest.Phase]map[string]answer{
		smtptest.PhaseGreeting: before, smtptest.PhaseEHLO: before, smtptest.PhaseSTARTTLS: before, smtptest.PhaseAuth: before,
		smtptest.PhaseMail: envelope, smtptest.PhaseRcpt: envelope,
		smtptest.PhaseData: data, smtptest.PhaseBody: data, smtptest.PhaseReply: reply,
	}
	for _, phase := range phases {
		for name, fault := range map[string]smtptest.Fault{
			"451": {Code: 451}, "550": {Code: 550}, "421": {Code: 421}, "drop": {Drop: true}, "stall": {Stall: true},
		} {
			t.Run(string(phase)+"/"+name, func(t *testing.T) {
				t.Parallel()
				fault.Phase, fault.Times = phase, -1
				failMails(t, fault, want[phase][name])
			})
		}
	}
}

func failMails(t *testing.T, fault smtptest.Fault, want answer) {
	server := smtptest.NewServer(&smtptest.Config{StartTLS: true, Users: map[string]string{"shop": "secret"}})
	defer server.Close()
	relay, err := smtp.New(server.Addr, &smtp.Config{
		Username: "shop", Password: "secret", TLSConfig: server.ClientTLS(), Timeouts: patience(fault),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	w := found(t, onSQLite)
	p := w.process(setup{mailer: relay})
	w.record(p, agrees("f", true), fillsCart("f"))
	w.clock.add(idle)
	w.record(p, orders("r"))
	ends := func(customer, template string, want ending, received int) {
		t.Helper()
		m := w.messages(p, customer)[template]
		if (ending{m.State, m.Reason}) != want {
			t.Errorf("%s is %s (%s), want %s (%s)", template, m.State, m.Reason, want.state, want.reason)
		}
		n := 0
		for _, mail := range server.Messages() {
			if mail.To[0] == email(customer) {
				n++
			}
		}
		if n != received {
			t.Errorf("%s arrived %d times, want %d", template, n, received)
		}
	}

	server.Fail(fault)
	w.work(p)
	ends("r", "receipt", want.receipt, want.received)
	ends("f", "first", want.first, want.received)

	server.ClearFaults()
	for range 2 {
		w.later(p, recovery)
	}
	sent := ending{state: crm.MessageSent}
	switch want {
	case putOff:
		ends("r", "receipt", sent, 1)
		ends("f", "first", sent, 1)
	case refused:
		ends("r", "receipt", want.receipt, 0)
		ends("f", "first", want.first, 0)
	default: // a receipt is sent once more, marketing is not
		ends("r", "receipt", sent, want.received+1)
		ends("f", "first", want.first, want.received)
	}
}

// patience is how long a mailer waits that the server keeps waiting: not long
// in the phase where it does.
func patience(fault smtptest.Fault) (t smtp.Timeouts) {
	if !fault.Stall {
		return t
	}
	*map[smtptest.Phase]*time.Duration{
		smtptest.PhaseGreeting: &t.Greeting, smtptest.PhaseEHLO: &t.EHLO, smtptest.PhaseSTARTTLS: &t.TLS, smtptest.PhaseAuth: &t.Auth,
		smtptest.PhaseMail: &t.Mail, smtptest.PhaseRcpt: &t.Rcpt, smtptest.PhaseData: &t.Data,
		smtptest.PhaseBody: &t.Reply, smtptest.PhaseReply: &t.Reply, // a body as short as this one is written in any case
	}[fault.Phase] = 50 * time.Millisecond
	return t
}
