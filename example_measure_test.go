package crm_test

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// buys records one order each, a few days after another.
func buys(s *crmtest.Scenario, customer string, orders int, item crm.LineItem) {
	for i := range orders {
		s.Record(crm.Fact{Customer: customer, Body: crm.OrderSaved{Order: crm.Order{
			ID: fmt.Sprintf("%s-%d", customer, i+1), Lines: []crm.LineItem{item},
		}}})
		s.Advance(10 * 24 * time.Hour)
	}
}

// Customers are scored as of a day, which may lie in the past.
func ExampleShop_RFM() {
	s := crmtest.New(crmtest.Program{}, nil)
	buys(s, "lapsed", 4, pot)
	buys(s, "once", 1, tea)
	buys(s, "regular", 3, tea)
	buys(s, "loyal", 6, pot)
	buys(s, "new", 1, tea)

	report, err := s.Shop.RFM(context.Background(), s.Clock.Now(), nil)
	check(err)
	for _, c := range report.Customers {
		fmt.Printf("%-7s  %3d days ago, %d times, %5d yen: %s %s\n",
			c.ID, c.Values.Recency, c.Values.Frequency, c.Values.Monetary, c.Score, c.Class.Name)
	}
	// Output:
	// lapsed   120 days ago, 4 times, 36000 yen: 134 At Risk
	// loyal     20 days ago, 6 times, 54000 yen: 455 Champions
	// new       10 days ago, 1 times,  2400 yen: 511 New Customers
	// once     110 days ago, 1 times,  2400 yen: 211 Hibernating
	// regular   80 days ago, 3 times,  7200 yen: 323 About To Sleep
}

// Ranks by what was bought in the last year. A rank is reached at once, kept
// until its review, and, if it was not earned again, lost when the days of
// grace are over.
func ExampleLadder() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Ladder(crm.Ladder{
		Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 365, GraceDays: 30,
		Ranks: []crm.RankStep{
			{ID: "silver", Name: "Silver", AtLeast: 10_000},
			{ID: "gold", Name: "Gold", AtLeast: 50_000},
		},
	})
	buys(s, "c1", 2, pot)
	s.Advance(500 * 24 * time.Hour)

	for _, move := range s.Customer("c1").Rank.Moves {
		fmt.Printf("%s: %q → %q\n", move.At.Format("2006-01-02"), move.From, move.To)
	}
	// Output:
	// 2026-04-11: "" → "silver"
	// 2027-05-11: "silver" → ""
}

// A rule lists for whom it holds. The same rule can start a journey, choose a
// branch, or end a run.
func ExampleShop_Members() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	buys(s, "loyal", 5, pot)
	buys(s, "regular", 3, tea)
	buys(s, "trade", 4, pot)
	s.Record(crm.Fact{Customer: "trade", Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{AddTags: []string{"wholesale"}}}})

	regulars := crm.All(crm.OrdersAtLeast(3), crm.Not(crm.HasTag("wholesale")))
	for customer, err := range s.Shop.Members(ctx, regulars) {
		check(err)
		fmt.Println(customer.ID, customer.Purchases.Count, crm.FormatMoney(customer.Purchases.Amount, "en"))
	}
	// Output:
	// loyal 5 ¥45,000
	// regular 3 ¥7,200
}

// Why did she get this mail, and why not that one? Ask, and read.
func ExampleShop_Explain() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(english("cart-reminder", crm.Marketing, "Did you forget something?", `{{template "legal" .}}`))
	s.Publish(crm.Journey{
		ID: "cart-recovery", Trigger: crm.CartAbandoned{After: 30 * time.Minute},
		Steps: crm.Steps{
			crm.Send{Template: "cart-reminder"},
			crm.Wait{ID: "a-day", Days: 1},
			crm.Send{ID: "again", Template: "cart-reminder"},
		},
	})
	s.Record(crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.CartUpdated{Cart: crm.Cart{ID: "k1", Items: []crm.LineItem{tea}}}})
	s.Advance(time.Hour)
	s.Record(crm.Fact{Customer: "c1", Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}})
	s.Advance(48 * time.Hour)

	story, err := s.Shop.Explain(context.Background(), "c1")
	check(err)
	fmt.Println(story)
	// Output:
	// 2026-04-01 10:00  cart k1: 1 item, 2400 JPY
	// 2026-04-01 10:30  → enroll · cart-recovery v1
	// 2026-04-01 10:30  → skip · cart-recovery v1 · cart-reminder · no_consent
	// 2026-04-01 10:30  → wait · cart-recovery v1 · a-day · 2026-04-02 10:30
	// 2026-04-01 11:00  consent granted
	// 2026-04-02 10:30  → queue · cart-recovery v1 · again
	// 2026-04-02 10:30  → finish · cart-recovery v1 · again
	// 2026-04-02 10:30  → send · cart-recovery v1 · again
}
