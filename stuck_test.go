package crm

import (
	"testing"
	"time"
)

// A fact that the core panics on again and again is set aside, and only that:
// the customer's other facts are folded.
func TestPoisonedFactIsSetAside(t *testing.T) {
	now := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	d := poisonous(t, now)
	var pending []FactRow
	for i, name := range []string{"good", "bad", "good", "bad", "good"} {
		f := Fact{ID: string(rune('a' + i)), Time: now, Customer: "c", Body: Custom{Name: name}}
		row, err := f.prepare(now)
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, row)
	}
	again := func(poisoned bool) (*Changes, []*person, []*foldProblem) {
		h, err := gather(&Work{
			Customers: []CustomerRow{{ID: "c", Pending: pending}},
			Lock:      func([]string) ([]CustomerRow, error) { return nil, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		h.poisoned = func([]string) bool { return poisoned }
		return fold(d, now, h)
	}
	for range 2 {
		changes, _, problems := again(false)
		if len(problems) != 1 || len(changes.Consumed) > 0 || len(changes.Customers) > 0 {
			t.Fatalf("a customer who cannot be folded: problems %v, changes %+v", problems, changes)
		}
	}
	changes, persons, problems := again(true)
	if len(problems) > 0 {
		t.Fatal(problems[0].err)
	}
	if len(changes.SetAside) != 2 || changes.SetAside["b"] != string(ReasonPanic) || changes.SetAside["d"] != string(ReasonPanic) {
		t.Errorf("set aside are %v, want b and d", changes.SetAside)
	}
	if len(changes.Consumed) != 5 {
		t.Errorf("%d facts were consumed, want 5", len(changes.Consumed))
	}
	if persons[0].state.Runs["good"].Count != 1 || persons[0].state.Runs["bad"].Count != 0 {
		t.Errorf("runs begun are %v, want one of the good journey", persons[0].state.Runs)
	}
}

// poisonous has a journey that waits a minute for an event "good", and one that
// the core panics on for an event "bad": its template is missing.
func poisonous(t *testing.T, now time.Time) *definitions {
	t.Helper()
	d := &definitions{shop: "shop", zone: time.UTC, masked: make(map[string]bool), journeys: make(map[string][]*program)}
	d.templates = make(map[string][]*compiledTemplate)
	for name, steps := range map[string]Steps{"good": {Wait{ID: "w", For: time.Minute}, Send{Template: "t"}}, "bad": {Send{Template: "t"}}} {
		j := Journey{ID: name, Trigger: OnFact{FactCustom}, If: Where("event.name", Equal, name), Steps: steps}
		p, problems := j.compile(nil)
		if len(problems) > 0 {
			t.Fatal(problems[0])
		}
		p.version, p.published = 1, now.Add(-time.Hour)
		d.journeys[name] = []*program{p}
		d.newest = append(d.newest, p)
	}
	return d
}

func TestStuckRests(t *testing.T) {
	s := stuck{shops: make(map[string]map[string]*setback)}
	now := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	rests := []time.Duration{time.Second, 4 * time.Second, 16 * time.Second, 64 * time.Second, 256 * time.Second, 1024 * time.Second, time.Hour, time.Hour}
	for i, rest := range rests {
		if n := s.note("shop", "c", now); n != i+1 {
			t.Errorf("failure %d counts as %d", i+1, n)
		}
		if len(s.resting("shop", now.Add(rest-1))) != 1 || len(s.resting("shop", now.Add(rest))) != 0 {
			t.Errorf("after failure %d she does not rest %v", i+1, rest)
		}
	}
	if len(s.resting("other", now)) != 0 {
		t.Error("customers of another shop rest")
	}
	if !s.poisoned("shop", []string{"c"}, 8) || s.poisoned("shop", []string{"c"}, 20) || s.poisoned("shop", []string{"d"}, 1) {
		t.Error("poisoned does not go by the tries")
	}
	s.clear("shop", []string{"c"})
	if s.count() != 0 {
		t.Error("a customer who could be folded is remembered")
	}
}
