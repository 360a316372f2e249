package rules_test

import (
	"slices"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

const (
	hanako = "hanako@example.jp"
	c1     = "c1"
	soon   = time.Minute
	idle   = 30 * time.Minute
)

// A shop is a scenario, and a second worker on its store that decides and does
// not send.
type shop struct {
	*crmtest.Scenario
	*testing.T
	store   *memory.Store
	decider *crm.CRM
}

// open makes a shop with one template of each class, named after it, and two
// more for marketing.
func open(t *testing.T, config crm.Config) *shop {
	t.Helper()
	s := &shop{T: t, store: memory.New()}
	s.Scenario = crmtest.New(t, &crmtest.Options{Store: s.store, Config: config})
	var err error
	s.decider, err = crm.New(s.store, s.Outbox, &crm.Config{Clock: s.Clock.Now, Mode: crm.Off})
	s.must(err)
	for id, class := range map[string]crm.Class{
		"transactional": crm.Transactional, "service": crm.Service, "marketing": crm.Marketing,
		"first": crm.Marketing, "second": crm.Marketing,
	} {
		s.Template(crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{
			"ja": {Subject: id, Text: "{{.Name}}様\n{{template \"legal\" .}}"},
		}})
	}
	return s
}

// sends publishes a journey that sends a mail as soon as something happens.
func (s *shop) sends(template string) {
	s.Helper()
	s.Publish(crm.Journey{
		ID: "event", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{crm.Send{Template: template}},
	})
}

// remindsOfCarts publishes a journey for abandoned carts: a mail, and another
// one a day later.
func (s *shop) remindsOfCarts() {
	s.Helper()
	s.Publish(crm.Journey{
		ID: "cart", Trigger: crm.CartAbandoned{After: idle}, Steps: crm.Steps{
			crm.Send{Template: "first", MaxLateness: 2 * time.Hour},
			crm.Wait{ID: "a-day", For: 24 * time.Hour},
			crm.Send{Template: "second"},
		},
	})
}

func consent(granted bool) crm.Fact {
	return crm.Fact{Customer: c1, Email: hanako, Body: crm.ConsentChanged{Consent: crm.Consent{Granted: granted, Source: "form"}}}
}

// happened is the event that journeys begin on.
func happened() crm.Fact {
	return crm.Fact{Customer: c1, Email: hanako, Body: crm.Custom{Name: "something"}}
}

var tea = []crm.LineItem{{Product: "tea", Title: "煎茶", Quantity: 2, Price: crm.Yen(1200)}}

// carted and ordered are a cart and an order of somebody, or nobody.
func carted(customer, email string) crm.Fact {
	return crm.Fact{Customer: customer, Email: email, Body: crm.CartUpdated{Cart: crm.Cart{ID: "k1", Items: tea}}}
}

func ordered(customer, email, cart string) crm.Fact {
	return crm.Fact{Customer: customer, Email: email, Body: crm.OrderSaved{Order: crm.Order{ID: "o1", Cart: cart, Lines: tea}}}
}

// decide folds all facts and timers up to now, and sends nothing.
func (s *shop) decide() {
	s.Helper()
	s.must(s.decider.RunUntil(s.T.Context(), s.Clock.Now()))
}

// claimable returns the steps of the messages that may be claimed now.
func (s *shop) claimable() []string {
	s.Helper()
	now := s.Clock.Now()
	leases, err := s.store.Lease(s.T.Context(), s.Shop.ID(), crm.LeaseRequest{Now: now, Until: now, Limit: 100})
	s.must(err)
	var steps []string
	for _, m := range leases.Claimed {
		steps = append(steps, m.Step)
	}
	return steps
}

// subjects are those of the mails sent so far.
func (s *shop) subjects() []string {
	var subjects []string
	for _, m := range s.Mails() {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

// wantMails checks which mails were sent so far.
func (s *shop) wantMails(subjects ...string) {
	s.Helper()
	if got := s.subjects(); !slices.Equal(got, subjects) {
		s.Errorf("sent are %q, want %q", got, subjects)
	}
}

// wantMessage checks what became of the message of a step.
func (s *shop) wantMessage(step string, state crm.MessageState, reason crm.Reason) {
	s.Helper()
	for m, err := range s.store.Messages(s.T.Context(), s.Shop.ID(), crm.MessageQuery{}) {
		s.must(err)
		if m.Step == step {
			if m.State != state || m.Reason != reason {
				s.Errorf("message %s is %s (%s), want %s (%s)", step, m.State, m.Reason, state, reason)
			}
			return
		}
	}
	s.Errorf("there is no message %s", step)
}

// wantLog checks how many lines of a kind the log has.
func (s *shop) wantLog(kind crm.DecisionKind, want int) {
	s.Helper()
	n := 0
	for d, err := range s.Shop.Decisions(s.T.Context()) {
		s.must(err)
		if d.Kind == kind {
			n++
		}
	}
	if n != want {
		s.Errorf("the log has %d lines %q, want %d", n, kind, want)
	}
}

func (s *shop) must(err error) {
	if err != nil {
		s.Helper()
		s.Fatal(err)
	}
}
