package crmtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

// failure runs f with a stand-in for a test and returns what ended it.
func failure(f func(t crmtest.TB)) (message string) {
	defer func() {
		if r := recover(); r != nil {
			message = fmt.Sprint(r)
		}
	}()
	f(crmtest.Program{})
	return ""
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC)
	clock := crmtest.NewClock(start)
	clock.Set(start.Add(time.Hour))
	clock.Set(start) // a clock does not go back
	if got := clock.Now(); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("the clock shows %v", got)
	}
}

func TestScenarioDoesThingsAtTheirTime(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Template(reminder)
	s.Publish(recovery)
	start := s.Clock.Now()
	s.Do(`
consent yes by=c1 email=hanako@example.jp
cart k1 by=c1 tea:1200
`)
	s.Advance(30 * 24 * time.Hour)
	mails := s.Mails()
	if len(mails) != 2 {
		t.Fatalf("%d mails, want 2\n%s", len(mails), s.Explain("c1"))
	}
	for i, want := range []time.Time{start.Add(30 * time.Minute), start.Add(24*time.Hour + 30*time.Minute)} {
		if !mails[i].Date.Equal(want) {
			t.Errorf("mail %d went out at %v, want %v", i, mails[i].Date, want)
		}
	}
	if got := s.Clock.Now(); !got.Equal(start.Add(30 * 24 * time.Hour)) {
		t.Errorf("the clock shows %v after Advance", got)
	}
	if c := s.Customer("c1"); c.Email != "hanako@example.jp" || len(c.Carts) != 1 {
		t.Errorf("her picture is %+v", c)
	}
}

func TestScenarioFillsInFacts(t *testing.T) {
	s := crmtest.New(t, nil)
	list := []crm.Fact{{Customer: "c1", Body: crm.Custom{Name: "quiz"}}, {ID: "mine", Customer: "c1", Body: crm.Custom{Name: "quiz"}}}
	s.Record(list...)
	if list[0].ID != "" {
		t.Error("Record changed the caller's facts")
	}
	var ids []string
	for _, line := range s.Explain("c1").Lines {
		if line.Fact != nil {
			ids = append(ids, line.Fact.ID)
		}
	}
	if got := strings.Join(ids, " "); got != "fact-000001 mine" {
		t.Errorf("the facts are %s", got)
	}
}

func TestScenarioEndsTheTestOnErrors(t *testing.T) {
	for name, f := range map[string]func(*crmtest.Scenario){
		"Record":    func(s *crmtest.Scenario) { s.Record(crm.Fact{Body: crm.Custom{Name: "quiz"}}) },
		"Publish":   func(s *crmtest.Scenario) { s.Publish(crm.Journey{ID: "empty"}) },
		"Template":  func(s *crmtest.Scenario) { s.Template(crm.Template{ID: "empty"}) },
		"Ladder":    func(s *crmtest.Scenario) { s.Ladder(crm.Ladder{}) },
		"Customer":  func(s *crmtest.Scenario) { s.Customer("nobody") },
		"Explain":   func(s *crmtest.Scenario) { s.Explain("nobody") },
		"no word":   func(s *crmtest.Scenario) { s.Do("jump 3h") },
		"no option": func(s *crmtest.Scenario) { s.Do("order o1 by=c1 tea:1200 colour=red") },
		"no item":   func(s *crmtest.Scenario) { s.Do("order o1 by=c1 tea") },
		"no number": func(s *crmtest.Scenario) { s.Do("order o1 by=c1 tea:1200xmany") },
		"too much":  func(s *crmtest.Scenario) { s.Do("paid o1 o2 by=c1") },
		"too few":   func(s *crmtest.Scenario) { s.Do("paid by=c1") },
		"no time":   func(s *crmtest.Scenario) { s.Do("paid o1 by=c1 at=noon") },
		"the past":  func(s *crmtest.Scenario) { s.Do("at 2020-01-01 10:00") },
		"no length": func(s *crmtest.Scenario) { s.Do("advance far") },
		"no mode":   func(s *crmtest.Scenario) { s.Do("mode loud") },
		"no answer": func(s *crmtest.Scenario) { s.Do("mailer maybe") },
		"no yes":    func(s *crmtest.Scenario) { s.Do("consent perhaps by=a@example.jp") },
		"open":      func(s *crmtest.Scenario) { s.Do(`event "quiz by=c1`) },
		"twice":     func(s *crmtest.Scenario) { s.Do("paid o1 by=c1 by=c2") },
		"late":      func(s *crmtest.Scenario) { s.Do("paid o1 by=c1\nshop start=09:00") },
	} {
		t.Run(name, func(t *testing.T) {
			got := failure(func(tb crmtest.TB) { f(crmtest.New(tb, nil)) })
			if !strings.HasPrefix(got, "crmtest: ") {
				t.Errorf("the test was ended with %q", got)
			}
		})
	}
}

func TestDoAnswersWhatTheShopRefuses(t *testing.T) {
	s := crmtest.New(t, nil)
	for command, want := range map[string]string{
		"order o1 by=c1 kind=barter tea:1200": `error: fact 0 ("fact-000001"): Order.Kind is not known`,
		"show nobody":                         "error: not found",
		"journey\n  {\"id\": \"empty\"}":      "error: ",
	} {
		if got := s.Do(command); !strings.HasPrefix(got, want) {
			t.Errorf("%s\nanswered %q, want %q", command, got, want)
		}
	}
}

func TestDoWithoutWorkers(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Template(reminder)
	s.Publish(recovery)
	if got := s.Do("stop\nconsent yes by=a@example.jp\ncart k1 by=a@example.jp tea:1200\nadvance 3h"); got != "" {
		t.Errorf("nobody works, and yet:\n%s", got)
	}
	if got := s.Do("start"); !strings.Contains(got, "skip recovery/reminder (late)") {
		t.Errorf("after the outage:\n%s", got)
	}
}

func TestScenariosShareAStore(t *testing.T) {
	store := memory.New()
	tokyo := crmtest.New(t, &crmtest.Options{Store: store, Shop: "tokyo"})
	kyoto := crmtest.New(t, &crmtest.Options{Store: store, Shop: "kyoto", Start: tokyo.Clock.Now()})
	tokyo.Do("order o1 by=c1 tea:1200")
	if got := kyoto.Do("show c1"); !strings.Contains(got, "not found") {
		t.Errorf("Kyoto knows a customer of Tokyo:\n%s", got)
	}
}

func TestOutboxFails(t *testing.T) {
	s := crmtest.New(t, &crmtest.Options{Config: crm.Config{Tries: 2}})
	s.Template(reminder)
	s.Publish(recovery)
	s.Outbox.Fail = func(*mailer.Message) error { return mailer.Temporary(nil) }
	got := s.Do("consent yes by=a@example.jp\ncart k1 by=a@example.jp tea:1200\nadvance 1h\nmessages")
	if !strings.Contains(got, "recovery/reminder failed (tries)") {
		t.Errorf("after two tries:\n%s", got)
	}
}
