package crmtest_test

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// reminder and recovery are what a shop would publish.
var reminder = crm.Template{ID: "reminder", Class: crm.Marketing, Locales: map[string]crm.Words{
	"en": {Subject: "Did you forget something?", Text: "{{range .Cart.Items}}{{.Title}}\n{{end}}{{template \"legal\" .}}"},
}}

var recovery = crm.Journey{
	ID:      "recovery",
	Trigger: crm.CartAbandoned{After: 30 * time.Minute},
	Steps: crm.Steps{
		crm.Send{Template: "reminder", MaxLateness: 2 * time.Hour},
		crm.Wait{ID: "a-day", Days: 1},
		crm.Send{ID: "once-more", Template: "reminder"},
	},
}

// In a test, give New the test's *testing.T; Program stands in for it here. A
// day and a half pass in no time.
func ExampleScenario() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(reminder)
	s.Publish(recovery)

	tea := crm.LineItem{Product: "tea", Title: "Sencha", Quantity: 1, Price: crm.Yen(1200)}
	s.Record(
		crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}},
		crm.Fact{Customer: "c1", Body: crm.CartUpdated{Cart: crm.Cart{ID: "k1", Items: []crm.LineItem{tea}}}},
	)
	s.Advance(36 * time.Hour)

	for _, mail := range s.Mails() {
		fmt.Println(mail.Date.In(time.UTC).Format("2 Jan 15:04"), mail.To.Email, mail.Subject)
	}
	// Output:
	// 1 Apr 01:30 hanako@example.jp Did you forget something?
	// 2 Apr 01:30 hanako@example.jp Did you forget something?
}

// Commands say the same in fewer words, and print what happens.
func ExampleScenario_Do() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(reminder)
	s.Publish(recovery)

	fmt.Print(s.Do(`
consent yes by=hanako@example.jp
cart k1 by=hanako@example.jp tea:1200x2
advance 1h
`))
	fmt.Println("She buys as a member.")
	fmt.Print(s.Do(`
order o1 by=c1 email=hanako@example.jp cart=k1 tea:1200x2
advance 2d
show c1
`))
	// Output:
	// 2026-04-01 10:30  hanako@example.jp  enroll recovery
	// 2026-04-01 10:30  hanako@example.jp  queue recovery/reminder
	// 2026-04-01 10:30  hanako@example.jp  wait recovery/a-day until 2026-04-02 10:30
	// 2026-04-01 10:30  hanako@example.jp  send recovery/reminder to hanako@example.jp: Did you forget something?
	// She buys as a member.
	// 2026-04-01 11:00  c1  merge hanako@example.jp
	// 2026-04-01 11:00  c1  exit recovery/a-day (bought)
	// c1, hanako@example.jp, consent yes
	//   bought 1 for 2400 JPY
	//   order o1 placed, counts since 2026-04-01 11:00 with 2400 JPY
}

// A journey that is published in Go, and a script that says what it does.
func ExampleRunScript() {
	// In a test: crmtest.RunScript(t, …), with Rewrite from a flag.
	crmtest.RunScript(crmtest.Program{}, "testdata/recovery.txt", &crmtest.ScriptOptions{
		Setup: func(s *crmtest.Scenario) {
			s.Template(reminder)
			s.Publish(recovery)
		},
	})
	// Output:
}
