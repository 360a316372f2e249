package crm_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

func teaLine(change func(*crm.LineItem)) crm.LineItem {
	l := crm.LineItem{Product: "tea", Title: "煎茶", Quantity: 1, Price: crm.Yen(1200)}
	if change != nil {
		change(&l)
	}
	return l
}

func savedOrder(lines ...crm.LineItem) crm.OrderSaved {
	return crm.OrderSaved{Order: crm.Order{ID: "o1", Lines: lines}}
}

// Every bad fact has its own error, which names the field, and of its batch
// nothing is recorded.
func TestBadFacts(t *testing.T) {
	at := time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)
	fact := func(body crm.Body) crm.Fact {
		return crm.Fact{ID: "bad", Time: at, Customer: "c1", Email: "hanako@example.jp", Body: body}
	}
	with := func(f crm.Fact, change func(*crm.Fact)) crm.Fact {
		change(&f)
		return f
	}
	order := fact(savedOrder(teaLine(nil)))
	tooMany := make([]crm.LineItem, crm.MaxLines+1)
	for i := range tooMany {
		tooMany[i] = teaLine(nil)
	}
	tests := []struct {
		name  string
		fact  crm.Fact
		kind  error
		field string
	}{
		{"newline in a name", fact(crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{GivenName: new("花子\r\nBcc: x@example.com")}}), crm.ErrControl, "Customer.GivenName"},
		{"newline in a title", fact(savedOrder(teaLine(func(l *crm.LineItem) { l.Title = "煎茶\nSubject: x" }))), crm.ErrControl, "Order.Lines[0].Title"},
		{"negative quantity", fact(savedOrder(teaLine(nil), teaLine(func(l *crm.LineItem) { l.Quantity = -1 }))), crm.ErrNegative, "Order.Lines[1].Quantity"},
		{"negative price", fact(savedOrder(teaLine(func(l *crm.LineItem) { l.Price = crm.Yen(-1) }))), crm.ErrNegative, "Order.Lines[0].Price"},
		{"unknown currency", fact(savedOrder(teaLine(func(l *crm.LineItem) { l.Price.Currency = "YEN" }))), crm.ErrCurrency, "Order.Lines[0].Price.Currency"},
		{"currency in lower case", fact(savedOrder(teaLine(func(l *crm.LineItem) { l.Price.Currency = "jpy" }))), crm.ErrCurrency, "Order.Lines[0].Price.Currency"},
		{"two currencies in an order", fact(savedOrder(teaLine(nil), teaLine(func(l *crm.LineItem) { l.Price.Currency = "USD" }))), crm.ErrCurrencies, "Order.Lines[1].Price.Currency"},
		{"discount in another currency", fact(crm.OrderSaved{Order: crm.Order{ID: "o1", Discount: crm.Money{Minor: 1, Currency: "USD"}, Lines: []crm.LineItem{teaLine(nil)}}}), crm.ErrCurrencies, "Order.Lines[0].Price.Currency"},
		{"body of the caller's own", fact(struct{ crm.OrderPaid }{crm.OrderPaid{Order: "o1"}}), crm.ErrUnknown, "Body"},
		{"neither customer nor email", with(order, func(f *crm.Fact) { f.Customer, f.Email = "", "" }), crm.ErrNoCustomer, "Customer"},
		{"time zero", with(order, func(f *crm.Fact) { f.Time = time.Time{} }), crm.ErrTimeZero, "Time"},
		{"far future", with(order, func(f *crm.Fact) { f.Time = at.Add(crm.MaxAhead + time.Second) }), crm.ErrFuture, "Time"},
		{"no id", with(order, func(f *crm.Fact) { f.ID = "" }), crm.ErrRequired, "ID"},
		{"no body", with(order, func(f *crm.Fact) { f.Body = nil }), crm.ErrRequired, "Body"},
		{"nil pointer body", with(order, func(f *crm.Fact) { f.Body = (*crm.CartUpdated)(nil) }), crm.ErrRequired, "Body"},
		{"customer id with goen's prefix", with(order, func(f *crm.Fact) { f.Customer = "guest:1" }), crm.ErrReserved, "Customer"},
		{"10 MB attribute", fact(crm.Custom{Name: "quiz", Attributes: map[string]string{"answer": strings.Repeat("x", 10<<20)}}), crm.ErrTooLong, `Attributes["answer"]`},
		{"many middling attributes", fact(crm.Custom{Name: "quiz", Attributes: attributes(100, 4000)}), crm.ErrTooLong, "Body"},
		{"invalid UTF-8", fact(crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{FamilyName: new("山\xff田")}}), crm.ErrNotUTF8, "Customer.FamilyName"},
		{"invalid UTF-8 in an email", with(order, func(f *crm.Fact) { f.Email = "hanako\xff@example.jp" }), crm.ErrNotUTF8, "Email"},
		{"too many lines", fact(savedOrder(tooMany...)), crm.ErrTooLong, "Order.Lines"},
		{"overflow", fact(savedOrder(teaLine(func(l *crm.LineItem) { l.Price, l.Quantity = crm.Yen(math.MaxInt64), 2 }))), crm.ErrRange, "Order.Lines[0].Price"},
		{"refund of nothing", fact(crm.OrderRefunded{Order: "o1", Refund: "r1"}), crm.ErrRequired, "Amount"},
		{"impossible birthday", fact(crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Birthday: &crm.Birthday{Month: 2, Day: 30}}}), crm.ErrRange, "Customer.Birthday"},
		{"unknown prefecture", fact(crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Prefecture: new(48)}}), crm.ErrRange, "Customer.Prefecture"},
		{"unknown zone", fact(crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{TimeZone: new("Asia/Edo")}}), crm.ErrUnknown, "Customer.TimeZone"},
		{"consent without an address", crm.Fact{ID: "bad", Time: at, Customer: "c1", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true}}}, crm.ErrRequired, "Consent.Email"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := memory.New()
			s := crmtest.New(t, &crmtest.Options{Start: at, Store: store})
			good := crm.Fact{ID: "good", Time: at, Customer: "c2", Body: crm.Custom{Name: "visit"}}

			err := s.Shop.Record(t.Context(), good, test.fact)
			require.ErrorIs(t, err, test.kind)
			var batch *crm.BatchError
			require.ErrorAs(t, err, &batch)
			assert.Equal(t, 1, batch.Index)
			assert.Equal(t, test.fact.ID, batch.ID)
			var field *crm.FieldError
			require.ErrorAs(t, err, &field)
			assert.Equal(t, test.field, field.Field)
			assert.NotContains(t, err.Error(), "hanako", "errors hold no personal data")
			assert.NotContains(t, err.Error(), "花子", "errors hold no personal data")

			for f, err := range store.Facts(t.Context(), "shop", crm.FactQuery{}) {
				require.NoError(t, err)
				t.Errorf("fact %q was recorded with a bad one beside it", f.ID)
			}
			_, err = s.Shop.Customer(t.Context(), "c2")
			assert.ErrorIs(t, err, crm.ErrNotFound)
		})
	}
}

func attributes(n, size int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[strings.Repeat("k", i+1)] = strings.Repeat("x", size)
	}
	return m
}

func TestUnknownShop(t *testing.T) {
	s := crmtest.New(t, nil)
	other := s.CRM.Shop("nobody")
	fact := crm.Fact{ID: "f", Time: s.Clock.Now(), Customer: "c", Body: crm.Custom{Name: "visit"}}
	assert.ErrorIs(t, other.Record(t.Context(), fact), crm.ErrUnknownShop)
	_, err := other.Customer(t.Context(), "c")
	assert.ErrorIs(t, err, crm.ErrUnknownShop)
	_, err = other.PublishTemplate(t.Context(), crm.Template{ID: "t"})
	assert.ErrorIs(t, err, crm.ErrUnknownShop)
	require.NoError(t, other.Configure(t.Context(), crmtest.Settings()))
	assert.NoError(t, other.Record(t.Context(), fact), "known from now on")
}

func TestConflict(t *testing.T) {
	s := crmtest.New(t, nil)
	fact := crm.Fact{ID: "f", Time: s.Clock.Now(), Customer: "c", Body: crm.Custom{Name: "visit"}}
	require.NoError(t, s.Shop.Record(t.Context(), fact))
	require.NoError(t, s.Shop.Record(t.Context(), fact), "the same again is no conflict")
	fact.Body = &crm.Custom{Name: "visit"}
	require.NoError(t, s.Shop.Record(t.Context(), fact), "a pointer says the same as the value")
	fact.Body = crm.Custom{Name: "leave"}
	assert.ErrorIs(t, s.Shop.Record(t.Context(), fact), crm.ErrConflict)
}

// A bad address is no reason to lose an order: it is kept, marked and reported.
func TestBrokenAddress(t *testing.T) {
	for _, email := range []string{"hanako@@example", "hanako", "hanako@example..jp", "ha\nnako@example.jp", "x@marketplace.amazon.co.jp"} {
		t.Run(email, func(t *testing.T) {
			s := crmtest.New(t, nil)
			s.Record(crm.Fact{Customer: "c1", Email: email, Body: savedOrder(teaLine(nil))})
			s.Advance(time.Minute)

			c, err := s.Shop.Customer(t.Context(), "c1")
			require.NoError(t, err)
			assert.Equal(t, email, c.Email)
			assert.False(t, c.Mailable)
			assert.Equal(t, 1, c.Purchases.Count)
			reported := false
			for d, err := range s.Shop.Decisions(t.Context()) {
				require.NoError(t, err)
				reported = reported || (d.Kind == crm.DecidedReport && d.Reason == crm.ReasonUnmailable)
				assert.NotContains(t, d.String(), "nako", "the log holds no personal data")
			}
			assert.True(t, reported)
		})
	}
}

// A definition with anything wrong in it is refused with every problem and its
// path, and changes nothing.
func TestBadDefinitions(t *testing.T) {
	send := crm.Send{Template: "hello"}
	wait := crm.Wait{ID: "wait", For: time.Hour}
	journey := func(steps ...crm.Step) crm.Journey {
		return crm.Journey{ID: "j", Trigger: crm.OnFact{Fact: crm.FactOrderCounted}, Steps: steps}
	}
	deep := crm.OrdersAtLeast(1)
	for range 100 {
		deep = crm.Not(deep)
	}
	var nested crm.Steps
	for range 100 {
		nested = crm.Steps{crm.Branch{ID: "b", Cases: []crm.Case{{Then: nested}}}}
	}
	tests := []struct {
		name    string
		journey crm.Journey
		kind    error
		field   string
	}{
		{"unknown template", journey(crm.Send{Template: "nothing"}), crm.ErrUnknown, "Steps[0].Template"},
		{"unknown step", journey(wait, crm.GoTo{ID: "again", Step: "nowhere"}), crm.ErrUnknown, "Steps[1].Step"},
		{"duplicate step id", journey(wait, crm.Branch{ID: "b", Cases: []crm.Case{{If: crm.OrdersAtLeast(1), Then: crm.Steps{wait}}}}), crm.ErrDuplicate, "Steps[1].Cases[0].Then[0].ID"},
		{"a loop without a wait", journey(wait, send, crm.GoTo{ID: "again", Step: "hello"}), crm.ErrEndlessLoop, "Steps[1]"},
		{"a step nobody reaches", journey(wait, crm.GoTo{ID: "again", Step: "wait"}, send), crm.ErrUnreachable, "Steps[2]"},
		{"no steps", journey(), crm.ErrRequired, "Steps"},
		{"no trigger", crm.Journey{ID: "j", Steps: crm.Steps{send}}, crm.ErrRequired, "Trigger"},
		{"unknown fact", crm.Journey{ID: "j", Trigger: crm.OnFact{Fact: "order_dreamt"}, Steps: crm.Steps{send}}, crm.ErrUnknown, "Trigger.Fact"},
		{"idle too short", crm.Journey{ID: "j", Trigger: crm.CartAbandoned{After: time.Minute}, Steps: crm.Steps{send}}, crm.ErrRange, "Trigger.After"},
		{"per order without orders", crm.Journey{ID: "j", Per: crm.PerOrder, Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{send}}, crm.ErrRange, "Per"},
		{"wait for nothing", journey(crm.Wait{ID: "w"}), crm.ErrRequired, "Steps[0].For"},
		{"unknown field", journey(crm.Branch{ID: "b", Cases: []crm.Case{{If: crm.Where("karma", crm.Equal, 1), Then: crm.Steps{send}}}}), crm.ErrUnknown, "Steps[0].Cases[0].If.Field"},
		{"value without a field", journey(crm.Branch{ID: "b", Cases: []crm.Case{{If: crm.Rule{Op: crm.Equal, Value: "gold"}, Then: crm.Steps{send}}}}), crm.ErrRequired, "Steps[0].Cases[0].If.Field"},
		{"value that does not fit", journey(crm.Branch{ID: "b", Cases: []crm.Case{{If: crm.Where("orders", crm.AtLeast, "many"), Then: crm.Steps{send}}}}), crm.ErrRange, "Steps[0].Cases[0].If.Op"},
		{"unknown rank", journey(crm.Branch{ID: "b", Cases: []crm.Case{{If: crm.RankAtLeast("diamond"), Then: crm.Steps{send}}}}), crm.ErrUnknown, "Steps[0].Cases[0].If.Value"},
		{"rule too deep", journey(crm.Branch{ID: "b", Cases: []crm.Case{{If: deep, Then: crm.Steps{send}}}}), crm.ErrRange, ""},
		{"steps too deep", journey(nested...), crm.ErrRange, ""},
		{"nil step", journey(nil), crm.ErrRequired, "Steps[0]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := memory.New()
			s := crmtest.New(t, &crmtest.Options{Store: store})
			s.Template(crm.Template{ID: "hello", Class: crm.Service, Locales: map[string]crm.Words{"ja": {Subject: "こんにちは", Text: "{{.Name}}"}}})
			_, before, err := store.Definitions(t.Context(), "shop")
			require.NoError(t, err)

			_, err = s.Shop.Publish(t.Context(), test.journey)
			require.ErrorIs(t, err, test.kind)
			var refused *crm.PublishError
			require.ErrorAs(t, err, &refused)
			if test.field != "" {
				assert.Contains(t, fieldsOf(refused, test.kind), test.field)
			}
			_, after, err := store.Definitions(t.Context(), "shop")
			require.NoError(t, err)
			assert.Equal(t, before, after, "a refused journey leaves nothing behind")
		})
	}
}

func fieldsOf(refused *crm.PublishError, kind error) []string {
	var fields []string
	for _, p := range refused.Problems {
		if errors.Is(p, kind) {
			fields = append(fields, p.Field)
		}
	}
	return fields
}

func TestPublishListsEveryProblem(t *testing.T) {
	s := crmtest.New(t, nil)
	_, err := s.Shop.Publish(t.Context(), crm.Journey{ID: "j", Per: "week", Steps: crm.Steps{
		crm.Send{Template: "nothing"}, crm.Wait{ID: "w"}, crm.Wait{ID: "w", Days: 1},
	}})
	var refused *crm.PublishError
	require.ErrorAs(t, err, &refused)
	assert.Len(t, refused.Problems, 5, "%v", err)
}

func TestBadTemplates(t *testing.T) {
	good := crm.Words{Subject: "こんにちは", Text: "{{.Name}}\n{{template \"legal\" .}}"}
	tests := []struct {
		name  string
		words crm.Words
		kind  error
		field string
	}{
		{"newline in the subject", crm.Words{Subject: "a\nBcc: x@example.com", Text: good.Text}, crm.ErrControl, `Locales["ja"].Subject`},
		{"no subject", crm.Words{Text: good.Text}, crm.ErrRequired, `Locales["ja"].Subject`},
		{"no body", crm.Words{Subject: "a"}, crm.ErrRequired, `Locales["ja"].Text`},
		{"syntax", crm.Words{Subject: "a", Text: "{{.Name"}, crm.ErrSyntax, `Locales["ja"].Text`},
		{"misspelt field", crm.Words{Subject: "a", Text: "{{.Nmae}}"}, crm.ErrSyntax, `Locales["ja"]`},
		{"marketing without opt-out", crm.Words{Subject: "a", Text: "{{.Name}}"}, crm.ErrLegal, `Locales["ja"].Text`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := crmtest.New(t, nil)
			_, err := s.Shop.PublishTemplate(t.Context(), crm.Template{ID: "t", Class: crm.Marketing, Locales: map[string]crm.Words{"ja": test.words}})
			require.ErrorIs(t, err, test.kind)
			var refused *crm.PublishError
			require.ErrorAs(t, err, &refused)
			assert.Contains(t, fieldsOf(refused, test.kind), test.field)
		})
	}
	t.Run("marketing without the legal identity", func(t *testing.T) {
		settings := crmtest.Settings()
		settings.Legal.Address = ""
		s := crmtest.New(t, &crmtest.Options{Settings: settings})
		s.Template(crm.Template{ID: "t", Class: crm.Marketing, Locales: map[string]crm.Words{"ja": good}})
		_, err := s.Shop.Publish(t.Context(), crm.Journey{ID: "j", Trigger: crm.CartAbandoned{After: time.Hour}, Steps: crm.Steps{crm.Send{Template: "t"}}})
		assert.ErrorIs(t, err, crm.ErrLegal)
	})
}

// JSON that is not understood to the last field is refused: a misspelt rule
// would otherwise let everybody in.
func TestUnknownJSONFields(t *testing.T) {
	for _, text := range []string{
		`{"id":"j","trigger":{"type":"fact","fact":"custom"},"steps":[],"iff":{}}`,
		`{"id":"j","trigger":{"type":"fact","fact":"custom","after":"1h","every":"1h"},"steps":[]}`,
		`{"id":"j","trigger":{"type":"fact","fact":"custom"},"steps":[{"type":"send","templat":"t"}]}`,
		`{"id":"j","trigger":{"type":"fact","fact":"custom"},"if":{"feild":"orders"},"steps":[]}`,
		`{"id":"j","trigger":{"type":"fact","fact":"custom"},"if":{"not":{"feild":"orders"}},"steps":[]}`,
		`{"id":"j","trigger":{"type":"moon"},"steps":[]}`,
		`{"id":"j","trigger":{"type":"fact","fact":"custom"},"steps":[{"type":"teleport"}]}`,
		`{"id":"j","trigger":{"type":"cart_abandoned","after":"soon"},"steps":[]}`,
	} {
		var j crm.Journey
		assert.Error(t, j.UnmarshalJSON([]byte(text)), text)
	}
}

// A fact told again by way of the cart's own database comes back in another
// zone, with fewer decimals and without empty lists. It is the same fact.
func TestSameFactAnotherForm(t *testing.T) {
	s := crmtest.New(t, nil)
	at := s.Clock.Now().Add(123 * time.Nanosecond)
	tokyo := time.FixedZone("", 9*60*60)
	order := func(at time.Time) crm.Body {
		return crm.OrderSaved{Order: crm.Order{ID: "o1", PlacedAt: at, Promised: at, Lines: []crm.LineItem{teaLine(nil)}}}
	}
	customer := func(at time.Time) crm.Body {
		return crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
			Registered: &at, Withdrawn: &at, Baseline: &crm.Baseline{FirstOrder: at, LastOrder: at},
		}}
	}
	cart := func(at time.Time) crm.Body { return crm.CartUpdated{Cart: crm.Cart{ID: "k1", UpdatedAt: at}} }
	for i, body := range []func(time.Time) crm.Body{order, customer, cart} {
		fact := crm.Fact{ID: string(rune('a' + i)), Time: at, Customer: "c1", Body: body(at)}
		require.NoError(t, s.Shop.Record(t.Context(), fact))
		fact.Time, fact.Body = at.In(tokyo), body(at.Truncate(time.Microsecond).In(tokyo))
		assert.NoError(t, s.Shop.Record(t.Context(), fact))
		fact.Body = body(at.Add(-time.Minute))
		if i < 2 {
			assert.ErrorIs(t, s.Shop.Record(t.Context(), fact), crm.ErrConflict)
		}
	}
	require.NoError(t, s.Shop.Record(t.Context(), crm.Fact{ID: "k", Time: at, Customer: "c1", Body: crm.CartUpdated{Cart: crm.Cart{ID: "k2", Items: []crm.LineItem{}}}}))
	assert.NoError(t, s.Shop.Record(t.Context(), crm.Fact{ID: "k", Time: at, Customer: "c1", Body: crm.CartUpdated{Cart: crm.Cart{ID: "k2"}}}))
}
