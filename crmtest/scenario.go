package crmtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// A Scenario is a shop in virtual time: facts are recorded, the clock is moved
// on, and the mails that a customer would have got by then are there. Every
// timer fires and every mail goes out at its own due time, however far the
// clock is moved at once. Any error ends the test.
//
// A scenario is for one goroutine.
type Scenario struct {
	// CRM and Shop may be used directly for all that a scenario has no method for.
	CRM  *crm.CRM
	Shop *crm.Shop
	// Clock shows the scenario's time.
	Clock *Clock
	// Outbox has the mails that were sent.
	Outbox *mailertest.Recorder

	t     testing.TB
	facts int
}

// Options change what a scenario is made of. The zero Options are fine.
type Options struct {
	// Start is when it begins. Defaults to 1 April 2026, 10:00 in Tokyo.
	Start time.Time
	// Settings are the shop's. Defaults to [Settings].
	Settings crm.Settings
	// Store holds the shop. Defaults to a new memory.Store.
	Store crm.Store
	// Shop is the shop's id. Defaults to "shop".
	Shop string
}

// Settings are those of a shop in Tokyo that may send marketing mails.
func Settings() crm.Settings {
	return crm.Settings{
		Name: "和茶屋", URL: "https://tea.example", TimeZone: "Asia/Tokyo", Currency: "JPY", Locale: "ja",
		From: mailer.Address{Name: "和茶屋", Email: "shop@tea.example"},
		Legal: crm.Legal{
			Name: "和茶屋株式会社", Address: "東京都千代田区1-1", Contact: "help@tea.example",
			OptOut: "https://tea.example/optout?c={customer}",
		},
	}
}

// New returns a scenario for a test. Nil options mean all defaults.
func New(t testing.TB, options *Options) *Scenario {
	t.Helper()
	var o Options
	if options != nil {
		o = *options
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)
	}
	if o.Settings.Name == "" {
		o.Settings = Settings()
	}
	if o.Store == nil {
		o.Store = memory.New()
	}
	if o.Shop == "" {
		o.Shop = "shop"
	}
	s := &Scenario{t: t, Clock: NewClock(o.Start), Outbox: new(mailertest.Recorder)}
	var err error
	s.CRM, err = crm.New(o.Store, s.Outbox, &crm.Config{Clock: s.Clock.Now})
	s.check(err)
	s.Shop = s.CRM.Shop(o.Shop)
	s.check(s.Shop.Configure(t.Context(), o.Settings))
	return s
}

func (s *Scenario) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("crmtest: %v", err)
	}
}

// Template publishes templates.
func (s *Scenario) Template(templates ...crm.Template) {
	s.t.Helper()
	for _, t := range templates {
		_, err := s.Shop.PublishTemplate(s.t.Context(), t)
		s.check(err)
	}
}

// Publish publishes journeys.
func (s *Scenario) Publish(journeys ...crm.Journey) {
	s.t.Helper()
	for _, j := range journeys {
		_, err := s.Shop.Publish(s.t.Context(), j)
		s.check(err)
	}
}

// Record records facts. One without a time happens now, one without an id gets
// one that counts up.
func (s *Scenario) Record(facts ...crm.Fact) {
	s.t.Helper()
	for i := range facts {
		s.facts++
		if facts[i].ID == "" {
			facts[i].ID = fmt.Sprintf("fact-%d", s.facts)
		}
		if facts[i].Time.IsZero() {
			facts[i].Time = s.Clock.Now()
		}
	}
	s.check(s.Shop.Record(s.t.Context(), facts...))
}

// Advance moves the clock on by d, and does everything that falls due on the way.
func (s *Scenario) Advance(d time.Duration) {
	s.t.Helper()
	s.AdvanceTo(s.Clock.Now().Add(d))
}

// AdvanceTo moves the clock on to t, and does everything that falls due on the way.
func (s *Scenario) AdvanceTo(t time.Time) {
	s.t.Helper()
	s.check(Advance(s.t.Context(), s.CRM, s.Clock, t))
}

// Mails returns the mails sent so far, oldest first.
func (s *Scenario) Mails() []*mailer.Message { return s.Outbox.Messages() }

// Explain returns a customer's story, to print or to look for something in.
func (s *Scenario) Explain(customer string) *crm.Story {
	s.t.Helper()
	story, err := s.Shop.Explain(s.t.Context(), customer)
	s.check(err)
	return story
}

// Advance moves a clock on to t, stopping wherever something of c is due to do
// it then. The clock must be c's. It is what [Scenario.Advance] is made of, for
// programs that replay a history on a store of their own.
func Advance(ctx context.Context, c *crm.CRM, clock *Clock, t time.Time) error {
	for {
		next, ok, err := c.NextDue(ctx, t)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		clock.Set(next)
		if err := c.RunUntil(ctx, clock.Now()); err != nil {
			return err
		}
	}
	clock.Set(t)
	return nil
}
