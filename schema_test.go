package crm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

const factSchema = "docs/schema/fact.schema.json"

// A schema is the JSON Schema of facts.
type schema struct{ *jsonschema.Schema }

func readSchema(t *testing.T) schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiled, err := compiler.Compile(factSchema)
	require.NoError(t, err)
	return schema{compiled}
}

// accepts returns nil for JSON that the schema calls a fact.
func (s schema) accepts(b []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// goen returns nil for JSON that goen calls a fact.
func goen(b []byte) error {
	var f crm.Fact
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	return f.Validate()
}

// fullFacts are facts of every type with every field set.
func fullFacts() []crm.Fact {
	at := time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)
	line := crm.LineItem{
		Product: "tea", Variant: "100", SKU: "T-100", Title: "煎茶", Category: "tea", Quantity: 1, Price: crm.Yen(1200),
		Image: "https://tea.example/tea.png", URL: "https://tea.example/tea", Tags: []string{"green"},
	}
	var facts []crm.Fact
	for _, body := range []crm.Body{
		crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
			Email: new("hanako@example.jp"), Phone: new("03-0000-0000"), FamilyName: new("山田"), GivenName: new("花子"),
			FamilyKana: new("ヤマダ"), GivenKana: new("ハナコ"), Birthday: &crm.Birthday{Month: 2, Day: 28, Year: 1990}, Sex: new("f"),
			Prefecture: new(13), Address: new("千代田1-1"), Locale: new("ja"), TimeZone: new("Asia/Tokyo"),
			Source:     &crm.Source{Medium: "ad", Campaign: "spring", AdCode: "a1", Landing: "https://tea.example/"},
			Registered: &at, Withdrawn: &at, Hold: new(true),
			Baseline: &crm.Baseline{Orders: 3, Amount: crm.Yen(9000), FirstOrder: at, LastOrder: at},
			Rank:     new("gold"), AddTags: []string{"vip"}, RemoveTags: []string{"new"}, Attributes: map[string]string{"size": "M"},
		}},
		crm.ConsentChanged{Consent: crm.Consent{
			Email: "hanako@example.jp", Topic: "newsletter", Granted: true, Source: "form", Form: "1", Wording: "はい", PreTicked: true,
		}},
		crm.CartUpdated{Cart: crm.Cart{ID: "k", Revision: 1, Items: []crm.LineItem{line}, RecoveryURL: "https://tea.example/cart", UpdatedAt: at}},
		crm.OrderSaved{Order: crm.Order{
			ID: "o", Number: "1", Revision: 1, Kind: crm.PreOrder, Channel: "app", Cart: "k", PlacedAt: at, Promised: at, Gift: true,
			Method: crm.Card, Payment: crm.PaymentPaid, Lines: []crm.LineItem{line},
			Discount: crm.Yen(1), Shipping: crm.Yen(2), Fees: crm.Yen(3), PointsUsed: crm.Yen(4), Tax: crm.Yen(5),
		}},
		crm.OrderPaid{Order: "o"}, crm.OrderShipped{Order: "o"}, crm.OrderDelivered{Order: "o"}, crm.OrderCancelled{Order: "o"},
		crm.OrderRefunded{Order: "o", Refund: "r", Amount: crm.Yen(1200), Whole: true},
		crm.Custom{Name: "quiz", Attributes: map[string]string{"answer": "42"}},
		crm.CustomerErased{}, crm.UseStopped{Lifted: true},
	} {
		facts = append(facts, crm.Fact{ID: "f", Time: at, Customer: "c", Email: "c@example.jp", Body: body, RecordedAt: at, Imported: true})
	}
	return facts
}

// The full facts are full: a type of fact, or a field, that is added has to be
// added to them, and with that to the schema.
func TestFullFactsAreFull(t *testing.T) {
	source, err := os.ReadFile("fact.go")
	require.NoError(t, err)
	assert.Equal(t, strings.Count(string(source), "func() Body { return new("), len(fullFacts()), "one of each type")
	for _, f := range fullFacts() {
		for _, name := range empty(reflect.ValueOf(f), "Fact") {
			if f.Body.FactType() != crm.FactErased || name != "Fact.Body" {
				t.Errorf("%s: %s is empty", f.Body.FactType(), name)
			}
		}
	}
}

// empty returns the paths of v's fields that are not set.
func empty(v reflect.Value, path string) []string {
	if v.IsZero() {
		return []string{path}
	}
	var paths []string
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return empty(v.Elem(), path)
	case reflect.Slice:
		return empty(v.Index(0), path+"[0]")
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return nil
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				paths = append(paths, empty(v.Field(i), path+"."+field.Name)...)
			}
		}
	}
	return paths
}

// The schema names the fields of facts, and no others.
func TestSchemaNamesTheFields(t *testing.T) {
	file, err := os.ReadFile(factSchema)
	require.NoError(t, err)
	var document any
	require.NoError(t, json.Unmarshal(file, &document))
	said := map[string]bool{}
	visit(document, func(m map[string]any) {
		if properties, ok := m["properties"].(map[string]any); ok {
			for name := range properties {
				said[name] = true
			}
		}
	})
	there := map[string]bool{}
	for _, f := range fullFacts() {
		visit(parsed(t, f), func(m map[string]any) {
			for name := range m {
				there[name] = true
			}
		})
	}
	delete(there, "size") // attributes have whichever names the shop likes
	delete(there, "answer")
	assert.Equal(t, slices.Sorted(maps.Keys(there)), slices.Sorted(maps.Keys(said)))
}

// visit calls f with each object in a JSON value.
func visit(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, inner := range v {
			visit(inner, f)
		}
	case []any:
		for _, inner := range v {
			visit(inner, f)
		}
	}
}

func parsed(t *testing.T, f crm.Fact) any {
	t.Helper()
	b, err := json.Marshal(f)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

// The schema accepts a fact exactly when goen does, whichever field is taken
// away, left empty or filled with something else.
func TestSchemaAgrees(t *testing.T) {
	s := readSchema(t)
	for _, f := range fullFacts() {
		t.Run(string(f.Body.FactType()), func(t *testing.T) {
			v := parsed(t, f)
			agree(t, s, v, "as it is")
			change(v, "", func(what string) {
				if !strings.HasPrefix(what, ".data.birthday.year: 10000") { // goen has no last year
					agree(t, s, v, what)
				}
			})
		})
	}
}

// Two fields at once, where the one depends on the other.
func TestSchemaAgreesOnPairs(t *testing.T) {
	s := readSchema(t)
	for _, f := range fullFacts() {
		v := parsed(t, f).(map[string]any)
		data, _ := v["data"].(map[string]any)
		for _, customer := range []any{nil, "", "c"} {
			for _, email := range []any{nil, "", "c@example.jp"} {
				for _, own := range []any{nil, "", "d@example.jp"} {
					v["customer"], v["email"] = customer, email
					if _, ok := data["email"]; ok {
						data["email"] = own
					}
					agree(t, s, v, fmt.Sprintf("customer %v, email %v, email in data %v", customer, email, own))
				}
			}
		}
	}
	refund := func(data string) []byte {
		return []byte(`{"id": "f", "type": "order_refunded", "time": "2026-04-01T10:00:00+09:00", "customer": "c", "data": {"order": "o", "refund": "r"` + data + `}}`)
	}
	for _, amount := range []string{``, `, "amount": null`, `, "amount": {}`, `, "amount": {"minor": 0}`, `, "amount": {"minor": 1}`, `, "amount": {"minor": 1, "currency": "JPY"}`} {
		for _, whole := range []string{``, `, "whole": false`, `, "whole": true`} {
			b := refund(amount + whole)
			compare(t, s, b, string(b))
		}
	}
}

// A birthday is a day that there is.
func TestSchemaAgreesOnBirthdays(t *testing.T) {
	s := readSchema(t)
	for month := range 14 {
		for day := range 33 {
			for _, year := range []string{``, `, "year": null`, `, "year": 0`, `, "year": -4`, `, "year": 1900`, `, "year": 1999`, `, "year": 2000`, `, "year": 2024`} {
				birthday := fmt.Sprintf(`{"month": %d, "day": %d%s}`, month, day, year)
				compare(t, s, []byte(`{"id": "f", "type": "customer_saved", "time": "2026-04-01T10:00:00+09:00", "customer": "c", "data": {"birthday": `+birthday+`}}`), birthday)
			}
		}
	}
}

// odd are values to put where something else belongs.
func odd() []any {
	values := []any{
		nil, true, false, 0, 1, -1, 1.5, 12, 13, 47, 48, crm.MaxQuantity, crm.MaxQuantity + 1, 1_000_000_000_000_001,
		"", " ", "x", "custom", "order_paid", "renewal", "paid", "JPY", "jpy", "yen", "JPYJ", "guest:x", "cart:x", "account:x",
		"a\nb", "a\x00b", "a\x7fb", "a\u2028b", "a\tb", "\n", "お茶",
		"2026-04-01T10:00:00Z", "2026-04-01T10:00:00.123456789+09:00", "2026-04-01T10:00:00", "2026-04-01", "2026-02-30T10:00:00Z",
		"2026-04-01T24:00:00Z", "2026-04-01t10:00:00z", "2026-04-01T10:00:60Z", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
		[]any{}, []any{nil}, []any{""}, []any{"x"}, []any{"a\nb"}, []any{1}, []any{map[string]any{}},
		map[string]any{}, map[string]any{"x": "y"}, map[string]any{"": nil}, map[string]any{"a\nb": ""}, map[string]any{"x": 1},
		map[string]any{"minor": 1}, map[string]any{"currency": "JPY"}, map[string]any{"minor": 0, "currency": ""},
	}
	for _, limit := range []int{crm.MaxID - len("cart:"), crm.MaxName, crm.MaxURL, crm.MaxText} {
		values = append(values, strings.Repeat("x", limit), strings.Repeat("x", limit+1))
	}
	return values
}

// long are values to put where a list or an object belongs.
func long() []any {
	words := make([]any, crm.MaxAttributes+1)
	attributes := map[string]any{}
	for i := range words {
		words[i] = fmt.Sprint(i)
		attributes[fmt.Sprint(i)] = ""
	}
	lines := make([]any, crm.MaxLines+1)
	for i := range lines {
		lines[i] = map[string]any{"price": map[string]any{"currency": "JPY"}}
	}
	return []any{words, words[:crm.MaxAttributes-1], attributes, lines, lines[:crm.MaxLines]}
}

// change takes each field of v away and puts each odd value into it, one at a
// time, and calls f with what was done.
func change(v any, path string, f func(what string)) {
	try := func(path string, old any, set func(any)) {
		change(old, path, f)
		values := odd()
		switch old.(type) {
		case map[string]any, []any:
			values = append(values, long()...)
		}
		for _, value := range values {
			set(value)
			f(fmt.Sprintf("%s: %.60s", path, fmt.Sprint(value)))
		}
		set(old)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			old := v[name]
			try(path+"."+name, old, func(value any) { v[name] = value })
			delete(v, name)
			f(path + "." + name + " is gone")
			v[name] = old
		}
	case []any:
		for i, old := range v {
			try(fmt.Sprintf("%s[%d]", path, i), old, func(value any) { v[i] = value })
		}
	}
}

func agree(t *testing.T, s schema, v any, what string) {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	compare(t, s, b, what)
}

// compare fails the test if goen and the schema differ about a fact. Names of
// languages and zones are no matter of the schema's.
func compare(t *testing.T, s schema, b []byte, what string) {
	t.Helper()
	refused := goen(b)
	var field *crm.FieldError
	if errors.As(refused, &field) && (field.Field == "Customer.Locale" || field.Field == "Customer.TimeZone") {
		return
	}
	if said := s.accepts(b); (refused == nil) != (said == nil) {
		t.Errorf("%s:\ngoen says   %v\nthe schema  %v", what, refused, said)
	}
}

// What a schema cannot say, goen still checks. Everything here is in the
// documentation beside the schema.
func TestSchemaCannotSayAll(t *testing.T) {
	s := readSchema(t)
	line := func(change func(*crm.LineItem)) crm.Body { return savedOrder(teaLine(nil), teaLine(change)) }
	for name, body := range map[string]crm.Body{
		"bytes":           line(func(l *crm.LineItem) { l.Product = strings.Repeat("茶", 100) }),
		"currency":        line(func(l *crm.LineItem) { l.Price.Currency = "YEN" }),
		"currencies":      line(func(l *crm.LineItem) { l.Price.Currency = "USD" }),
		"sums":            line(func(l *crm.LineItem) { l.Price.Minor, l.Quantity = 1_000_000_000_000_000, 2 }),
		"language":        crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Locale: new("Japanese")}},
		"zone":            crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{TimeZone: new("Asia/Edo")}},
		"tags on and off": crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{AddTags: strings.Fields(strings.Repeat("tag ", 60)), RemoveTags: strings.Fields(strings.Repeat("tag ", 60))}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := json.Marshal(crm.Fact{ID: "f", Time: time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC), Customer: "c", Body: body})
			require.NoError(t, err)
			assert.NoError(t, s.accepts(b))
			assert.Error(t, goen(b))
		})
	}
}

// The schema's own examples are facts, one of each type.
func TestSchemaExamples(t *testing.T) {
	s := readSchema(t)
	file, err := os.ReadFile(factSchema)
	require.NoError(t, err)
	var document struct {
		Defs map[crm.FactType]struct{ Examples []json.RawMessage } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(file, &document))
	for _, f := range fullFacts() {
		examples := document.Defs[f.Body.FactType()].Examples
		assert.NotEmpty(t, examples, f.Body.FactType())
		for _, example := range examples {
			assert.NoError(t, s.accepts(example))
			assert.NoError(t, goen(example))
			var read crm.Fact
			require.NoError(t, json.Unmarshal(example, &read))
			assert.Equal(t, f.Body.FactType(), read.Body.FactType())
		}
	}
}

// Every fact of the scripts is one by the schema, in the form that stores keep.
func TestSchemaAcceptsScripts(t *testing.T) {
	s := readSchema(t)
	scripts, err := filepath.Glob("testdata/journey/*.txt")
	require.NoError(t, err)
	facts := 0
	for _, path := range scripts {
		store := memory.New()
		crmtest.RunScript(t, path, &crmtest.ScriptOptions{Options: crmtest.Options{Store: store}})
		for row, err := range store.Facts(t.Context(), "shop", crm.FactQuery{}) {
			require.NoError(t, err)
			if row.Body == nil {
				continue // erased
			}
			facts++
			assert.NoError(t, s.accepts(row.Body), "%s: %s", path, row.Body)
		}
	}
	assert.Greater(t, facts, 100)
}
