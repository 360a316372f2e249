package crm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

func FuzzFactJSON(f *testing.F) {
	at := time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)
	line := crm.LineItem{Product: "tea", Title: "煎茶", Quantity: 1, Price: crm.Yen(1200), Tags: []string{"green"}}
	for _, body := range []crm.Body{
		crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
			GivenName: new("花子"), Birthday: &crm.Birthday{Month: 2, Day: 29}, Registered: &at, AddTags: []string{"vip"},
			Attributes: map[string]string{"size": "M"}, Baseline: &crm.Baseline{Orders: 3, Amount: crm.Yen(9000), FirstOrder: at},
		}},
		crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Wording: "はい"}},
		crm.CartUpdated{Cart: crm.Cart{ID: "k", Items: []crm.LineItem{line}, UpdatedAt: at}},
		crm.OrderSaved{Order: crm.Order{ID: "o", Lines: []crm.LineItem{line}, Method: crm.Card, PlacedAt: at, Discount: crm.Yen(1)}},
		crm.OrderPaid{Order: "o"}, crm.OrderShipped{Order: "o"}, crm.OrderDelivered{Order: "o"}, crm.OrderCancelled{Order: "o"},
		crm.OrderRefunded{Order: "o", Refund: "r", Whole: true},
		crm.Custom{Name: "quiz", Attributes: map[string]string{"answer": "42"}},
		crm.CustomerErased{},
	} {
		b, err := json.Marshal(crm.Fact{ID: "f", Time: at, Customer: "c", Email: "c@example.jp", Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"id":"f","type":"order_saved","time":"9999-12-31T23:59:59-12:00","customer":"c","data":{"id":"o","placed_at":"9999-12-31T23:59:59-12:00"}}`))
	f.Add([]byte(`{"id":"f","type":"order_saved","time":"0000-01-01T00:00:00+14:00","customer":"c","data":{"id":"o","promised":"0000-01-01T00:00:00+14:00"}}`))
	f.Add([]byte(`{"type":"custom"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var fact crm.Fact
		if json.Unmarshal(b, &fact) != nil || fact.Validate() != nil {
			return
		}
		once, err := json.Marshal(fact)
		if err != nil {
			t.Fatalf("a valid fact cannot be written: %v", err)
		}
		var again crm.Fact
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%v in\n%s", err, once)
		}
		if err := again.Validate(); err != nil {
			t.Errorf("is no longer valid: %v\n%s", err, once)
		}
		twice, err := json.Marshal(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s\nis written again as\n%s (%v)", once, twice, err)
		}
	})
}

// fuzzJourneys are journeys with every kind of step and rule.
var fuzzJourneys = []crm.Journey{
	{ID: "cart", Trigger: crm.CartAbandoned{After: time.Hour}, Once: true, Cooldown: time.Hour, Steps: crm.Steps{
		crm.Send{Template: "hello", MaxLateness: time.Hour}, crm.Wait{ID: "w", Days: 1}, crm.GoTo{ID: "again", Step: "w"},
	}},
	{ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderCounted}, Per: crm.PerOrder,
		If: crm.All(crm.OrdersEqual(1), crm.Not(crm.HasTag("vip")), crm.Any(crm.AttributeIs("size", "M"), crm.LocaleIs("ja"))),
		Exit: []crm.Rule{
			crm.On(crm.FactOrderCancelled, crm.Where("order.amount", crm.More, 100)),
			crm.On(crm.FactCustom, crm.Where("event.name", crm.Equal, "quiz"), crm.Where("event.attribute:answer", crm.AtLeast, 42)),
		},
		Steps: crm.Steps{
			crm.Wait{ID: "w", For: time.Hour},
			crm.Branch{ID: "b", Cases: []crm.Case{
				{If: crm.SpentAtLeast(crm.Yen(1000)), Then: crm.Steps{crm.Send{Template: "hello"}}},
				{If: crm.Where("order.products", crm.Has, "tea"), Then: crm.Steps{crm.Send{ID: "tea", Template: "hello"}}},
				{If: crm.Where("medium", crm.In, []string{"mail", "ad"})},
			}, Else: crm.Steps{crm.Send{ID: "else", Template: "hello"}}},
		}},
}

func FuzzJourneyJSON(f *testing.F) {
	for _, j := range fuzzJourneys {
		b, err := json.Marshal(j)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"id":"j","trigger":{"type":"fact","fact":"custom"},"steps":` + strings.Repeat(`[{"type":"branch","id":"b","else":`, 300) + `[]` + strings.Repeat(`}]`, 300) + `}`))
	f.Add([]byte(`{"id":"j","trigger":{"type":"fact","fact":"custom"},"if":` + strings.Repeat(`{"not":`, 300) + `{}` + strings.Repeat(`}`, 300) + `,"steps":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var j crm.Journey
		if json.Unmarshal(b, &j) != nil || j.Validate() != nil {
			return
		}
		once, err := json.Marshal(j)
		if err != nil {
			t.Fatalf("a valid journey cannot be written: %v", err)
		}
		var again crm.Journey
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("%v in\n%s", err, once)
		}
		if err := again.Validate(); err != nil {
			t.Errorf("is no longer valid: %v\n%s", err, once)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s\nis written again as\n%s (%v)", once, twice, err)
		}
	})
}

// A rule that Validate accepts can be asked about anybody, with a fact at hand
// and without.
func FuzzRule(f *testing.F) {
	for _, field := range crm.Fields() {
		for _, value := range []string{`1`, `"tea"`, `true`, `["tea","pot"]`} {
			for _, op := range []crm.Op{crm.Equal, crm.AtMost, crm.In, crm.Has} {
				f.Add([]byte(`{"field":"`+field+`","op":"`+string(op)+`","value":`+value+`}`), "42")
			}
		}
	}
	for _, j := range fuzzJourneys {
		for _, r := range append([]crm.Rule{j.If}, j.Exit...) {
			b, err := json.Marshal(r)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, "42")
		}
	}
	f.Add([]byte(`{"field":"orders","op":">=","value":"1e999999999"}`), "")
	f.Add([]byte(`{"field":"attribute:size","op":">","value":1}`), "1e999999999")
	f.Add([]byte(`{"field":"attribute:size","op":">","value":"-1e-999999999"}`), "1")
	f.Fuzz(func(t *testing.T, b []byte, attribute string) {
		var r crm.Rule
		if json.Unmarshal(b, &r) != nil || r.Validate() != nil {
			return
		}
		s := crmtest.New(t, nil)
		s.Template(crm.Template{ID: "hello", Class: crm.Service, Locales: map[string]crm.Words{"ja": {Subject: "s", Text: "t"}}})
		s.Ladder(modelLadder)
		steps := crm.Steps{
			crm.Wait{ID: "w", For: time.Hour},
			crm.Branch{ID: "b", Cases: []crm.Case{{If: r, Then: crm.Steps{crm.Send{Template: "hello"}}}}},
		}
		for _, fact := range []crm.FactType{crm.FactOrderCounted, crm.FactCustom, crm.FactRankChanged, crm.FactOrderCancelled} {
			_, err := s.Shop.Publish(t.Context(), crm.Journey{ID: string(fact), Trigger: crm.OnFact{Fact: fact}, If: r, Steps: steps})
			if _, ok := errors.AsType[*crm.PublishError](err); ok {
				return // it names a rank that the shop does not have
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		patch := crm.CustomerPatch{Attributes: map[string]string{"size": attribute}, AddTags: []string{"vip"}}
		if patch.Validate() != nil {
			return
		}
		s.Record(
			crm.Fact{Customer: "c", Email: "c@example.jp", Body: crm.CustomerSaved{CustomerPatch: patch}},
			crm.Fact{Customer: "c", Body: crm.OrderSaved{Order: crm.Order{ID: "o", Lines: products[:2]}}},
			crm.Fact{Customer: "c", Body: crm.Custom{Name: "quiz", Attributes: map[string]string{"answer": attribute}}},
			crm.Fact{Customer: "c", Body: crm.OrderCancelled{Order: "unknown"}},
		)
		for _, err := range s.Shop.Members(t.Context(), r) {
			if err != nil {
				t.Fatal(err)
			}
		}
		s.Advance(2 * time.Hour)
	})
}

func FuzzNormalizeEmail(f *testing.F) {
	for _, s := range []string{"hanako@example.jp", " Ｈanako@Example.JP ", "a..b@docomo.ne.jp", "", "İ@example.com", "ﷺ@example.com", "\u2002x\u3000", "ſ@example.com", "\xf5ٸ", "I\u0307\u0301@example.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := crm.NormalizeEmail(s)
		if twice := crm.NormalizeEmail(once); twice != once {
			t.Errorf("%q, and then %q", once, twice)
		}
		if crm.GuestKey(once) != crm.GuestKey(s) || crm.GuestKey(" "+strings.ToUpper(once)+" ") != crm.GuestKey(strings.ToUpper(once)) {
			t.Errorf("%q is two guests", s)
		}
	})
}

func FuzzMoney(f *testing.F) {
	for _, minor := range []int64{0, 1, -1, 99, 100, -123456, 999_999_999_999_999, 1_000_000_000_000_000, math.MaxInt64, math.MinInt64} {
		for _, code := range []string{"JPY", "USD", "BHD", "KWD", "XXX", "yen"} {
			f.Add(minor, code)
		}
	}
	f.Fuzz(func(t *testing.T, minor int64, code string) {
		m := crm.Money{Minor: minor, Currency: code}
		formatted := crm.FormatMoney(m, "en")
		if m.Validate() != nil {
			return
		}
		if code == "" {
			return
		}
		again, err := crm.NewMoney(m.Decimal(), code)
		if err != nil || again != m {
			t.Errorf("%v comes back as %v (%v)", m, again, err)
		}
		// What is shown is the amount, digit by digit.
		digits := strings.ReplaceAll(formatted[strings.IndexAny(formatted, "0123456789"):], ",", "")
		shown, err := decimal.NewFromString(digits)
		if err != nil || !shown.Equal(m.Decimal().Abs()) || strings.HasPrefix(formatted, "-") != (minor < 0) {
			t.Errorf("%v is shown as %q", m, formatted)
		}
	})
}

// An amount whose exponent is out of all proportion is refused at once.
func TestNewMoneyRefusesHugeExponents(t *testing.T) {
	for _, amount := range []decimal.Decimal{decimal.New(1, math.MaxInt32), decimal.New(1, math.MinInt32), decimal.New(-7, 400_000_000)} {
		if _, err := crm.NewMoney(amount, "JPY"); !errors.Is(err, crm.ErrRange) {
			t.Errorf("exponent %d: %v", amount.Exponent(), err)
		}
	}
	if m, err := crm.NewMoney(decimal.New(0, math.MaxInt32), "JPY"); err != nil || !reflect.DeepEqual(m, crm.Yen(0)) {
		t.Errorf("nothing at all: %v, %v", m, err)
	}
	if m, err := crm.NewMoney(decimal.New(120000, -2), "JPY"); err != nil || m != crm.Yen(1200) {
		t.Errorf("1200.00: %v, %v", m, err)
	}
}
