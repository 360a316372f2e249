package rules_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

var errLost = errors.New("the answer was lost")

// fails makes the mail system answer every attempt with an error, and returns
// the count of attempts.
func (s *shop) fails(err error) *int {
	attempts := 0
	s.Outbox.Fail = func(*mailer.Message) error {
		attempts++
		return err
	}
	return &attempts
}

// Marketing is sent to nobody who did not ask for it.
func TestMarketingNeedsConsent(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("marketing")
	s.Record(happened())
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("marketing", crm.MessageSkipped, crm.ReasonNoConsent)
}

// Service mail needs no consent, but goes to nobody who opted out.
func TestServiceHeedsOptOut(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("service")
	s.Record(consent(false), happened())
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("service", crm.MessageSkipped, crm.ReasonOptedOut)
}

// Who opts out is not sent what was queued before.
func TestOptOutStopsQueuedMessage(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("marketing")
	s.Record(consent(true), happened())
	s.decide()
	s.wantMessage("marketing", crm.MessageQueued, "")
	s.Clock.Set(s.Clock.Now().Add(soon))
	s.Record(consent(false))
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("marketing", crm.MessageSkipped, crm.ReasonOptedOut)
}

// Marketing whose fate is unknown is not sent again.
func TestUnknownMarketingIsLeft(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("marketing")
	attempts := s.fails(errLost)
	s.Record(consent(true), happened())
	s.Advance(72 * time.Hour)
	if *attempts != 1 {
		t.Errorf("%d attempts, want 1", *attempts)
	}
	s.wantMessage("marketing", crm.MessageUnknown, crm.ReasonLost)
	s.wantLog(crm.DecidedUnknown, 1)
}

// A transactional mail whose fate is unknown is sent once more, and each
// attempt is listed.
func TestUnknownTransactionalIsSentOnceMore(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("transactional")
	attempts := s.fails(errLost)
	s.Record(happened())
	s.Advance(72 * time.Hour)
	if *attempts != 2 {
		t.Errorf("%d attempts, want 2", *attempts)
	}
	s.wantMessage("transactional", crm.MessageUnknown, crm.ReasonLost)
	s.wantLog(crm.DecidedUnknown, 2)
}

// A worker that dies between start and answer leaves an attempt whose fate is
// unknown; nobody else can find that out.
func TestCrashIsUnknown(t *testing.T) {
	for template, want := range map[string]struct {
		mails int
		state crm.MessageState
	}{
		"marketing":     {0, crm.MessageUnknown},
		"transactional": {1, crm.MessageSent},
	} {
		t.Run(template, func(t *testing.T) {
			s := open(t, crm.Config{})
			s.sends(template)
			s.Record(consent(true), happened())
			s.decide()
			s.dieInTheMiddle()
			s.Advance(72 * time.Hour)
			if n := len(s.Mails()); n != want.mails {
				t.Errorf("%d mails, want %d", n, want.mails)
			}
			for m, err := range s.Shop.Messages(t.Context(), crm.MessageQuery{}) {
				s.must(err)
				if m.State != want.state || m.Unknowns != 1 {
					t.Errorf("the message is %s with %d attempts unknown, want %s with 1", m.State, m.Unknowns, want.state)
				}
			}
			s.wantLog(crm.DecidedUnknown, 1)
		})
	}
}

// dieInTheMiddle does what a worker does up to the start of its send.
func (s *shop) dieInTheMiddle() {
	s.Helper()
	now := s.Clock.Now()
	leases, err := s.store.Lease(s.T.Context(), s.Shop.ID(), crm.LeaseRequest{Now: now, Until: now.Add(time.Minute), Limit: 1})
	s.must(err)
	m := leases.Claimed[0]
	applied, err := s.store.Mark(s.T.Context(), s.Shop.ID(), []crm.Mark{{
		Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted,
		At: now, Lease: now.Add(time.Minute),
	}})
	s.must(err)
	if !applied[0] {
		s.Fatal("the start is refused")
	}
}

// A mail that is too late is not sent.
func TestDeadline(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	s.Record(consent(true), carted(c1, hanako))
	s.Clock.Set(s.Clock.Now().Add(idle))
	s.decide()
	s.Clock.Set(s.Clock.Now().Add(3 * time.Hour)) // nobody was there to send it
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("first", crm.MessageSkipped, crm.ReasonLate)
}

// A deployment that is not live sends nothing.
func TestDryModeSendsNothing(t *testing.T) {
	s := open(t, crm.Config{Mode: crm.Dry})
	s.sends("transactional")
	s.Record(happened())
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("transactional", crm.MessageSkipped, crm.ReasonMode)
}

// A retry sends the same bytes, whatever has changed since.
func TestRetrySendsTheSame(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("transactional")
	var tried []*mailer.Message
	s.Outbox.Fail = func(m *mailer.Message) error {
		if tried = append(tried, m); len(tried) == 1 {
			return mailer.Temporary(errors.New("later"))
		}
		return nil
	}
	s.Record(happened())
	s.decide()
	s.must(s.CRM.RunUntil(t.Context(), s.Clock.Now()))
	name := "鈴木"
	s.Record(crm.Fact{Customer: c1, Email: hanako, Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{FamilyName: &name}}})
	s.Advance(time.Hour)
	if len(tried) != 2 {
		t.Fatalf("%d attempts, want 2", len(tried))
	}
	if tried[0].ID != tried[1].ID || tried[0].Text != tried[1].Text {
		t.Errorf("first %s\n%s\nthen %s\n%s", tried[0].ID, tried[0].Text, tried[1].ID, tried[1].Text)
	}
}

// A mailer that does not say when the point of no return is reached is past it
// as soon as it is called.
func TestStartIsMarkedBeforeSend(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("transactional")
	var states []crm.MessageState
	witness := mailer.Func(func(ctx context.Context, _ *mailer.Message) error {
		for m, err := range s.store.Messages(ctx, s.Shop.ID(), crm.MessageQuery{}) {
			s.must(err)
			states = append(states, m.State)
		}
		return nil
	})
	worker, err := crm.New(s.store, witness, &crm.Config{Clock: s.Clock.Now})
	s.must(err)
	s.Record(happened())
	s.must(worker.RunUntil(t.Context(), s.Clock.Now()))
	if len(states) != 1 || states[0] != crm.MessageStarted {
		t.Errorf("when the mailer is called, the message is %q, want started", states)
	}
}

// A mail that is being sent when she orders is not tried again.
func TestStoppedMessageIsNotRetried(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	attempts := 0
	s.Outbox.Fail = func(*mailer.Message) error {
		attempts++
		s.Record(ordered(c1, hanako, "k1"))
		s.decide()
		return mailer.Temporary(errors.New("later"))
	}
	s.Record(consent(true), carted(c1, hanako))
	s.Advance(48 * time.Hour)
	if attempts != 1 {
		t.Errorf("%d attempts, want 1", attempts)
	}
}

// A mail whose fate is unknown is not sent again to who has opted out since.
func TestResendHeedsOptOut(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("marketing")
	s.fails(errLost)
	s.Record(consent(true), happened())
	s.Advance(soon)
	s.Outbox.Fail = nil
	s.Record(consent(false))
	for m, err := range s.Shop.Messages(t.Context(), crm.MessageQuery{States: []crm.MessageState{crm.MessageUnknown}}) {
		s.must(err)
		s.must(s.Shop.Resolve(t.Context(), m.ID, crm.Resend))
	}
	s.Advance(soon)
	s.wantMails()
	s.wantMessage("marketing", crm.MessageSkipped, crm.ReasonOptedOut)
}

// slow is a mailer with which a mail takes a while.
type slow struct {
	mailer.Mailer
	clock interface {
		Now() time.Time
		Set(time.Time)
	}
}

func (m slow) Send(ctx context.Context, msg *mailer.Message) error {
	m.clock.Set(m.clock.Now().Add(2 * time.Second))
	return m.Mailer.Send(ctx, msg)
}

// However long the mails before it took, a mail is sent: a claim that has grown
// old behind them is made anew.
func TestSlowMailsDelayNoneForGood(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("transactional")
	for i := range 10 {
		f := happened()
		f.ID, f.Customer = "", "c"+string(rune('0'+i))
		s.Record(f)
	}
	c, err := crm.New(s.store, slow{s.Outbox, s.Clock}, &crm.Config{Clock: s.Clock.Now})
	s.must(err)
	s.must(c.RunUntil(t.Context(), s.Clock.Now()))
	if n := len(s.Mails()); n != 10 {
		t.Errorf("%d mails, want 10", n)
	}
}

// shaky panics before it has begun to send.
type shaky struct{ mailer.Mailer }

func (shaky) Compose(*mailer.Message) ([]byte, error) { panic("hanako@example.jp") }

// A mailer that panics ends neither the process nor the other mails.
func TestPanicOfComposerFailsTheMessage(t *testing.T) {
	s := open(t, crm.Config{})
	s.sends("transactional")
	s.Record(happened())
	c, err := crm.New(s.store, shaky{s.Outbox}, &crm.Config{Clock: s.Clock.Now, Tries: 1, Logger: slog.New(slog.DiscardHandler)})
	s.must(err)
	s.must(c.RunUntil(t.Context(), s.Clock.Now()))
	s.wantMessage("transactional", crm.MessageFailed, crm.ReasonPanic)
}
