package crm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

var ladderStart = time.Date(2025, 2, 1, 3, 0, 0, 0, time.UTC)

func drawLadder(t *rapid.T) crm.Ladder {
	l := crm.Ladder{
		Measure:   rapid.SampledFrom([]crm.RankMeasure{crm.RankByAmount, crm.RankByCount}).Draw(t, "measure"),
		Window:    rapid.SampledFrom([]crm.RankWindow{crm.RollingWindow, crm.CalendarWindow, crm.LifetimeWindow}).Draw(t, "window"),
		Days:      rapid.SampledFrom([]int{1, 20, 90, 365}).Draw(t, "days"),
		GraceDays: rapid.SampledFrom([]int{0, 1, 10, 60}).Draw(t, "grace"),
	}
	low, high := int64(5000), int64(20000)
	if l.Measure == crm.RankByCount {
		low, high = 1, 3
	}
	l.Ranks = []crm.RankStep{{ID: "silver", AtLeast: low}, {ID: "gold", AtLeast: high}}
	return l
}

// drawPurchases returns orders of one customer, with what became of them.
func drawPurchases(t *rapid.T) (facts []crm.Fact) {
	at := ladderStart
	day := func(label string) time.Duration {
		return time.Duration(rapid.SampledFrom([]int{0, 1, 2, 9, 20, 30, 90, 200}).Draw(t, label)) * aDay
	}
	add := func(at time.Time, body crm.Body) {
		facts = append(facts, crm.Fact{ID: fmt.Sprintf("f%02d", len(facts)), Time: at, Customer: "c", Body: body})
	}
	n := rapid.IntRange(1, 6).Draw(t, "orders")
	for i := range n {
		at = at.Add(day("after") + time.Duration(rapid.IntRange(0, 23).Draw(t, "hours"))*time.Hour)
		id := fmt.Sprintf("o%d", i)
		amount := rapid.SampledFrom([]int64{3000, 5000, 12000, 20000}).Draw(t, "amount")
		kind := rapid.SampledFrom([]crm.OrderKind{"", "", "", crm.Renewal}).Draw(t, "kind")
		add(at, crm.OrderSaved{Order: crm.Order{ID: id, Kind: kind, Lines: []crm.LineItem{{Title: "茶", Quantity: 1, Price: crm.Yen(amount)}}}})
		switch rapid.SampledFrom([]string{"", "", "cancelled", "part", "whole"}).Draw(t, "fate") {
		case "cancelled":
			add(at.Add(day("cancelled after")), crm.OrderCancelled{Order: id})
		case "part":
			add(at.Add(day("refunded after")), crm.OrderRefunded{Order: id, Refund: "r", Amount: crm.Yen(2000)})
		case "whole":
			add(at.Add(day("refunded after")), crm.OrderRefunded{Order: id, Refund: "r", Whole: true})
		}
	}
	return facts
}

// A standing is what the day-by-day reference makes of the same orders, on
// whichever day it is asked for, whether a worker came by or not.
func TestLadderSameAsDayByDay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ladder, facts := drawLadder(rt), drawPurchases(rt)
		name := rapid.SampledFrom([]string{"Asia/Tokyo", "America/New_York"}).Draw(rt, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			rt.Fatal(err)
		}
		base := crm.Baseline{Orders: rapid.IntRange(0, 2).Draw(rt, "before"), Amount: crm.Yen(4000)}
		settings := crmtest.Settings()
		settings.TimeZone = name
		s := crmtest.New(t, &crmtest.Options{Settings: settings, Start: ladderStart})
		s.Ladder(ladder)
		sortFacts(facts)
		known, told := 0, false
		for range rapid.IntRange(1, 4).Draw(rt, "looks") {
			now := s.Clock.Now().Add(time.Duration(rapid.SampledFrom([]int{1, 20, 100, 365, 1000}).Draw(rt, "look after")) * aDay)
			s.Clock.Set(now)
			for known < len(facts) && !facts[known].Time.After(now) {
				s.Record(facts[known])
				known++
			}
			if !told && rapid.Bool().Draw(rt, "tell what was before") {
				told = true
				s.Record(crm.Fact{Customer: "c", Time: now, Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Baseline: &base}}})
			}
			c := climb{ladder: ladder, zone: zone}
			if told {
				c.base = base
			}
			for _, o := range readOrders(facts[:known]) {
				c.orders = append(c.orders, o.bare())
			}
			if known == 0 {
				continue
			}
			standing := c.to(now)
			got, want := inJSON(s.Customer("c").Rank), inJSON(standing)
			if got != want {
				rt.Fatalf("%s\n%s\non %s\n%s", inJSON(ladder), scriptOf(facts[:known]), now, lineDiff(got, want))
			}
			for _, rank := range ladder.Ranks {
				members := 0
				for _, err := range s.Shop.Members(t.Context(), crm.Where("rank", crm.Equal, rank.ID)) {
					if err != nil {
						rt.Fatal(err)
					}
					members++
				}
				if (members == 1) != (rank.ID == standing.Rank) {
					rt.Fatalf("%s\n%s\non %s: %d members of rank %s, want her in %q", inJSON(ladder), scriptOf(facts[:known]), now, members, rank.ID, standing.Rank)
				}
			}
			if rapid.Bool().Draw(rt, "worker") {
				s.AdvanceTo(now)
				if after := inJSON(s.Customer("c").Rank); after != want {
					rt.Fatalf("%s\n%s\nafter the worker on %s\n%s", inJSON(ladder), scriptOf(facts[:known]), now, lineDiff(after, want))
				}
			}
		}
	})
}

func scriptOf(facts []crm.Fact) string {
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%s %s\n", f.Time.Format("2006-01-02 15:04"), describe(f))
	}
	return b.String()
}

// TestLadder tells the rules of a ladder one by one. Days count from 1 April
// 2026, noon in Tokyo.
func TestLadder(t *testing.T) {
	rolling := crm.Ladder{
		Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 30, GraceDays: 10,
		Ranks: []crm.RankStep{{ID: "silver", AtLeast: 5000}, {ID: "gold", AtLeast: 10000}},
	}
	strict := rolling
	strict.GraceDays = 0
	calendar := rolling
	calendar.Window = crm.CalendarWindow
	lifetime := strict
	lifetime.Window = crm.LifetimeWindow
	count := strict
	count.Measure, count.Ranks = crm.RankByCount, []crm.RankStep{{ID: "silver", AtLeast: 2}}
	given := crm.Ladder{Measure: crm.RankGiven, Ranks: rolling.Ranks}

	type event struct {
		day  int
		body crm.Body
	}
	buy := func(day int, id string, yen int64) event {
		return event{day, crm.OrderSaved{Order: crm.Order{ID: id, Lines: []crm.LineItem{{Title: "茶", Quantity: 1, Price: crm.Yen(yen)}}}}}
	}
	give := func(day int, rank string) event {
		return event{day, crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Rank: &rank}}}
	}
	cancel := func(day int, id string) event { return event{day, crm.OrderCancelled{Order: id}} }
	refund := func(day int, id string, yen int64) event {
		return event{day, crm.OrderRefunded{Order: id, Refund: "r", Amount: crm.Yen(yen)}}
	}
	tests := []struct {
		name   string
		ladder crm.Ladder
		events []event
		want   string // each move as "day:rank"
	}{
		{"below the first", rolling, []event{buy(0, "a", 4999)}, ""},
		{"promoted at once", rolling, []event{buy(0, "a", 5000)}, "0:silver 40:"},
		{"two steps at once", strict, []event{buy(0, "a", 10000)}, "0:gold 30:"},
		{"sums in the window", strict, []event{buy(0, "a", 5000), buy(29, "b", 5000)}, "0:silver 29:gold 59:"},
		{"the window has gone on", strict, []event{buy(0, "a", 4000), buy(30, "b", 4000)}, ""},
		{"holds until the review", strict, []event{buy(0, "a", 10000), cancel(1, "a")}, "0:gold 30:"},
		{"part of it refunded", strict, []event{buy(0, "a", 10000), refund(1, "a", 1), buy(20, "b", 5000)}, "0:gold 30:silver 60:"},
		{"confirmed by the review", strict, []event{buy(0, "a", 5000), buy(20, "b", 5001)}, "0:silver 20:gold 50:"},
		{"kept in days of grace", rolling, []event{buy(0, "a", 5000), buy(35, "b", 5000)}, "0:silver 75:"},
		{"promoted in days of grace", rolling, []event{buy(0, "a", 5000), buy(35, "b", 10000)}, "0:silver 35:gold 75:"},
		{"too late for grace", rolling, []event{buy(0, "a", 5000), buy(41, "b", 4999)}, "0:silver 40:"},
		{"down one step", strict, []event{buy(0, "a", 10000), buy(25, "b", 5000)}, "0:gold 30:silver 60:"},
		{"a year is judged after it", calendar, []event{buy(0, "a", 5000)}, "0:silver 649:"},
		{"a new year, a new sum", calendar, []event{buy(0, "a", 5000), buy(280, "b", 5000)}, "0:silver 1015:"},
		{"a lifetime stays", lifetime, []event{buy(0, "a", 5000), buy(900, "b", 5000)}, "0:silver 900:gold"},
		{"purchases count", count, []event{buy(0, "a", 1), buy(1, "b", 1)}, "1:silver 31:"},
		{"a cancelled one does not", count, []event{buy(0, "a", 1), cancel(1, "a"), buy(2, "b", 1)}, ""},
		{"given by the cart", given, []event{give(0, "gold"), give(5, "silver"), buy(6, "a", 1), give(7, "")}, "0:gold 5:silver 7:"},
	}
	start := time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := crmtest.New(t, &crmtest.Options{Start: start})
			s.Ladder(test.ladder)
			for _, e := range test.events {
				s.AdvanceTo(start.Add(time.Duration(e.day) * aDay))
				s.Record(crm.Fact{Customer: "c", Body: e.body})
			}
			s.Advance(1100 * aDay)
			var moves []string
			for _, m := range s.Customer("c").Rank.Moves {
				moves = append(moves, fmt.Sprintf("%d:%s", int(m.At.Sub(start)/aDay), m.To))
			}
			if got := strings.Join(moves, " "); got != test.want {
				t.Errorf("moves %q, want %q\n%s", got, test.want, s.Explain("c"))
			}
		})
	}
}

// Each review that takes a rank away is an event of its own: a journey on it
// runs each time.
func TestDemotedTwice(t *testing.T) {
	s := crmtest.New(t, nil)
	s.Ladder(crm.Ladder{Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 30, Ranks: []crm.RankStep{{ID: "silver", AtLeast: 1000}}})
	s.Template(crm.Template{ID: "sorry", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "ランク", Text: "ランク"}}})
	s.Publish(crm.Journey{
		ID: "down", Trigger: crm.OnFact{Fact: crm.FactRankChanged}, If: crm.Where("rank.promotion", crm.Equal, false),
		Steps: crm.Steps{crm.Send{Template: "sorry"}},
	})
	for i := range 2 {
		s.Record(crm.Fact{Customer: "c", Email: "c@example.jp", Body: crm.OrderSaved{Order: crm.Order{
			ID: fmt.Sprint("o", i), Lines: []crm.LineItem{{Title: "茶", Quantity: 1, Price: crm.Yen(1000)}},
		}}})
		s.Advance(31 * aDay)
	}
	if n := len(s.Mails()); n != 2 {
		t.Errorf("%d mails, want one for each demotion\n%s", n, s.Explain("c"))
	}
}
