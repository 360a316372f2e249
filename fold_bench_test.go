package crm

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// BenchmarkFold measures what the core takes for one customer of a batch: to
// read her row, to decide, and to write it.
func BenchmarkFold(b *testing.B) {
	s := newFoldBench(b)
	joined := s.fold(b, s.opening, s.empty(), func(i int) []Fact { return s.joins(i) })
	bought := s.fold(b, s.opening.Add(time.Hour), joined, func(i int) []Fact { return s.buys(i) })
	waiting := s.fold(b, s.opening.Add(2*time.Hour), bought, func(i int) []Fact { return s.receives(i) })
	for _, c := range []struct {
		name  string
		rows  []CustomerRow
		facts func(int) []Fact
		now   time.Time
	}{
		{"Joined", s.empty(), s.joins, s.opening},
		{"OrderPlaced", joined, s.buys, s.opening.Add(time.Hour)},
		{"OrderDelivered", bought, s.receives, s.opening.Add(2 * time.Hour)},
		{"WaitEnds", waiting, func(int) []Fact { return nil }, s.opening.AddDate(0, 0, 15)},
	} {
		b.Run(c.name, func(b *testing.B) {
			rows := s.pending(b, c.rows, c.facts)
			b.ReportAllocs()
			for b.Loop() {
				if changes := s.decide(b, rows, c.now); len(changes.Customers) < s.customers {
					b.Fatalf("%d customers were written", len(changes.Customers))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(s.customers), "µs/customer")
		})
	}
}

// A foldBench is a shop with a ladder and a journey, and a batch of customers.
type foldBench struct {
	*definitions
	customers int
	opening   time.Time
}

func newFoldBench(b *testing.B) *foldBench {
	opening := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var list []Definition
	add := func(kind, id string, v any) {
		body, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, Definition{Kind: kind, ID: id, Version: 1, Body: body, PublishedAt: opening.AddDate(0, 0, -1)})
	}
	add(kindSettings, settingsID, Settings{
		Name: "tea", Currency: "JPY", Locale: "ja", TimeZone: "Asia/Tokyo", From: mailer.Address{Email: "shop@tea.example"},
	})
	add(kindLadder, ladderID, Ladder{Measure: RankByAmount, Window: RollingWindow, Days: 365, Ranks: []RankStep{{ID: "silver", AtLeast: 1000}, {ID: "gold", AtLeast: 50_000}}})
	for _, id := range []string{"next", "pairing", "coupon"} {
		add(kindTemplate, id, Template{ID: id, Class: Service, Locales: map[string]Words{"ja": {Subject: "お茶", Text: "お茶"}}})
	}
	add(kindJourney, "second", Journey{
		ID: "second", Trigger: OnFact{Fact: FactOrderDelivered}, Once: true, Exit: []Rule{On(FactOrderPlaced), On(FactOrderRefunded)},
		Steps: Steps{Send{Template: "next"}, Wait{ID: "two-weeks", Days: 14}, Send{Template: "pairing"}, Wait{ID: "a-month", Days: 16}, Send{Template: "coupon"}},
	})
	d, err := readDefinitions("tea", list, 1)
	if err != nil {
		b.Fatal(err)
	}
	return &foldBench{d, 200, opening}
}

func (s *foldBench) key(i int) string { return fmt.Sprintf("C%08d", i) }

func (s *foldBench) empty() []CustomerRow {
	rows := make([]CustomerRow, s.customers)
	for i := range rows {
		rows[i].ID = s.key(i)
	}
	return rows
}

func (s *foldBench) fact(i int, what string, at time.Duration, body Body) Fact {
	return Fact{ID: what + "-" + s.key(i), Customer: s.key(i), Email: fmt.Sprintf("hanako.%d@post.example", i), Time: s.opening.Add(at), Body: body}
}

func (s *foldBench) joins(i int) []Fact {
	text := func(s string) *string { return &s }
	joined := CustomerPatch{
		Email: text(fmt.Sprintf("hanako.%d@post.example", i)), FamilyName: text("山本"), GivenName: text("花子"),
		FamilyKana: text("ヤマモト"), GivenKana: text("ハナコ"), Locale: text("ja"),
	}
	return []Fact{
		s.fact(i, "joined", -3*time.Hour, CustomerSaved{joined}),
		s.fact(i, "opt-in", -2*time.Hour, ConsentChanged{Consent{
			Email: fmt.Sprintf("hanako.%d@post.example", i), Granted: true, Source: "checkout", Form: "checkout-1", Wording: "お得なお知らせをメールで受け取る",
		}}),
	}
}

func (s *foldBench) order(i int) Order {
	yen := func(n int64) Money { return Money{n, "JPY"} }
	return Order{
		ID: "order-" + s.key(i), PlacedAt: s.opening, Payment: PaymentAuthorised,
		Lines: []LineItem{
			{Product: "71053", Title: "White Metal Lantern", Quantity: 2, Price: yen(441), URL: "https://hill-hearth.example/items/71053"},
			{Product: "84406B", Title: "Cream Cupid Hearts Coat Hanger", Quantity: 3, Price: yen(358), URL: "https://hill-hearth.example/items/84406B"},
		},
		Shipping: yen(650),
	}
}

func (s *foldBench) buys(i int) []Fact {
	return []Fact{s.fact(i, "placed", 0, OrderSaved{s.order(i)})}
}

func (s *foldBench) receives(i int) []Fact {
	return []Fact{s.fact(i, "delivered", time.Hour, OrderDelivered{Order: s.order(i).ID})}
}

// pending puts facts into the customers' inboxes.
func (s *foldBench) pending(b *testing.B, rows []CustomerRow, facts func(int) []Fact) []CustomerRow {
	b.Helper()
	rows = append([]CustomerRow(nil), rows...)
	for i := range rows[:s.customers] {
		for _, f := range facts(i) {
			row, err := f.row()
			if err != nil {
				b.Fatal(err)
			}
			rows[i].Pending = append(rows[i].Pending, row)
		}
	}
	return rows
}

func (s *foldBench) decide(b *testing.B, rows []CustomerRow, now time.Time) *Changes {
	b.Helper()
	bare := append([]CustomerRow(nil), rows...)
	whole := make(map[string]*CustomerRow, len(rows))
	for i := range bare {
		whole[rows[i].ID] = &rows[i]
		bare[i].Orders, bare[i].Messages = nil, nil
	}
	h, err := gather(&Work{
		Customers: bare,
		Lock: func(ids []string) ([]CustomerRow, error) {
			more := make([]CustomerRow, len(ids))
			for i, id := range ids {
				more[i].ID = id
			}
			return more, nil
		},
		Pending: func([]string) ([]string, error) { return nil, nil },
		Fill: func(customers []CustomerRow) error {
			for i := range customers {
				if row := whole[customers[i].ID]; row != nil {
					customers[i].Orders, customers[i].Messages = row.Orders, row.Messages
				}
			}
			return nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	changes, _, problems := fold(s.definitions, now, h)
	if len(problems) > 0 {
		b.Fatal(problems[0].err)
	}
	return changes
}

// fold returns what the customers' rows are like after facts.
func (s *foldBench) fold(b *testing.B, now time.Time, rows []CustomerRow, facts func(int) []Fact) []CustomerRow {
	b.Helper()
	changes := s.decide(b, s.pending(b, rows, facts), now)
	next := s.empty()
	for i := range next {
		next[i].Orders = rows[i].Orders
		for _, c := range changes.Customers {
			if c.ID == next[i].ID {
				next[i].State, next[i].NextDue = c.State, c.NextDue
			}
		}
		for _, o := range changes.Orders {
			if o.Customer == next[i].ID {
				next[i].Orders = []OrderRow{o}
			}
		}
		for _, m := range changes.Queue {
			if m.Customer == next[i].ID {
				next[i].Messages = append(next[i].Messages, m)
			}
		}
	}
	return next
}
