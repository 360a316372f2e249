package crmtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// TB is what a scenario asks of a test: every testing.TB has it. Where there is
// no test, [Program] stands in.
type TB interface {
	Helper()
	Context() context.Context
	Fatalf(format string, args ...any)
}

// Program takes the place of a test in programs and examples: whatever would
// end the test panics.
type Program struct{}

// Helper does nothing.
func (Program) Helper() {}

// Context returns context.Background.
func (Program) Context() context.Context { return context.Background() }

// Fatalf panics with the message.
func (Program) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

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
	// Outbox has the mails that were sent. Set its Fail to see what becomes of
	// mails that the mail system does not take.
	Outbox *mailertest.Recorder

	t       TB
	options Options
	facts   int
	zone    *time.Location
	down    bool     // no worker runs: see Do
	told    int      // how many decisions Do has printed
	guests  []string // replacement pairs for guests' keys: see Do

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
	// Config tunes the CRM. Its clock is replaced by the scenario's.
	Config crm.Config
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
func New(t TB, options *Options) *Scenario {
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
	s := &Scenario{t: t, options: o, Clock: NewClock(o.Start), Outbox: new(mailertest.Recorder)}
	s.open(o.Config)
	s.check(s.configure(o.Settings))
	return s
}

// open makes the CRM that the scenario goes on with.
func (s *Scenario) open(config crm.Config) {
	s.t.Helper()
	config.Clock = s.Clock.Now
	var err error
	s.CRM, err = crm.New(s.options.Store, s.Outbox, &config)
	s.check(err)
	s.Shop = s.CRM.Shop(s.options.Shop)
	s.options.Config = config
}

// configure gives the shop settings. Wrong ones change nothing.
func (s *Scenario) configure(settings crm.Settings) error {
	if err := s.Shop.Configure(s.t.Context(), settings); err != nil {
		return err
	}
	s.options.Settings = settings
	name := settings.TimeZone
	if name == "" {
		name = Settings().TimeZone
	}
	zone, err := time.LoadLocation(name)
	s.zone = zone
	return err
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

// Ladder publishes the shop's ranks.
func (s *Scenario) Ladder(l crm.Ladder) {
	s.t.Helper()
	s.check(s.Shop.SetLadder(s.t.Context(), l))
}

// Record records facts. One without a time happens now, one without an id gets
// one that counts up: "fact-000001", "fact-000002". What follows from them is worked out
// by the next [Scenario.Advance].
func (s *Scenario) Record(facts ...crm.Fact) {
	s.t.Helper()
	s.check(s.record(facts...))
}

func (s *Scenario) record(facts ...crm.Fact) error {
	list := make([]crm.Fact, len(facts))
	for i, f := range facts {
		s.facts++
		if f.ID == "" {
			f.ID = fmt.Sprintf("fact-%06d", s.facts) // facts of one instant are ordered by id
		}
		if f.Time.IsZero() {
			f.Time = s.Clock.Now()
		}
		list[i] = f
	}
	return s.Shop.Record(s.t.Context(), list...)
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

// Customer returns a customer's picture.
func (s *Scenario) Customer(id string) *crm.Customer {
	s.t.Helper()
	c, err := s.Shop.Customer(s.t.Context(), id)
	s.check(err)
	return c
}

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
//
// It fails if something that is due cannot be done, as when a customer was
// written by a newer version of goen.
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
		if again, ok, err := c.NextDue(ctx, t); err == nil && ok && again.Equal(next) {
			return errStuck
		}
	}
	clock.Set(t)
	return nil
}

var errStuck = errors.New("crmtest: what is due cannot be done: see the log")
