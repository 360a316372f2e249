package crm_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

// storedDocuments are all that the scripts of testdata/journey leave in a
// store: customers, orders and facts.
func storedDocuments(t crmtest.TB) (customers, orders, facts [][]byte) {
	scripts, err := filepath.Glob("testdata/journey/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		store := memory.New()
		crmtest.RunScript(t, path, &crmtest.ScriptOptions{Options: crmtest.Options{Store: store, Shop: "shop"}})
		for row, err := range store.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
			if err != nil {
				t.Fatalf("%v", err)
			}
			customers = append(customers, row.State)
			for _, order := range row.Orders {
				orders = append(orders, order.State)
			}
		}
		for row, err := range store.Facts(t.Context(), "shop", crm.FactQuery{}) {
			if err != nil {
				t.Fatalf("%v", err)
			}
			facts = append(facts, row.Body)
		}
	}
	return customers, orders, facts
}

// likeJSON reads b as a document of each type and compares what comes of it,
// and what is written then, with encoding/json. It returns how many types took
// b for one of theirs.
func likeJSON(t *testing.T, b []byte) (taken int) {
	t.Helper()
	for name, empty := range crm.Documents() {
		want, got := empty(), empty()
		wantErr, gotErr := json.Unmarshal(b, want), crm.DecodeDocument(b, got)
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("as %s: %v, and not: %v\n%q", name, gotErr, wantErr, b)
		}
		if gotErr != nil {
			continue
		}
		taken++
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("as %s this was read:\n%+v\nand not:\n%+v\n%q", name, got, want, b)
		}
		writtenLikeJSON(t, got)
	}
	var want crm.Fact
	wantErr := json.Unmarshal(b, &want)
	got, gotErr := crm.FactRow{Body: b, RecordedAt: want.RecordedAt}.Read()
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("as a fact: %v, and not: %v\n%q", gotErr, wantErr, b)
	}
	if gotErr == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("this fact was read:\n%+v\nand not:\n%+v\n%q", got, want, b)
	}
	return taken
}

// writtenLikeJSON compares how v is written with encoding/json.
func writtenLikeJSON(t rapid.TB, v crm.Documented) []byte {
	t.Helper()
	want, wantErr := json.Marshal(v)
	got, gotErr := crm.EncodeDocument(v)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("%v, and not: %v", gotErr, wantErr)
	}
	if gotErr == nil && !bytes.Equal(got, want) {
		t.Fatalf("this was written:\n%s\nand not:\n%s", got, want)
	}
	return got
}

func FuzzDocument(f *testing.F) {
	for _, b := range slices.Concat(storedDocuments(f)) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { likeJSON(t, b) })
}

// Whatever a document is cut to or garbled into, encoding/json and the core
// agree whether it still is one, and on what it says.
func TestGarbledDocuments(t *testing.T) {
	const garble = `"{],0\ `
	customers, orders, facts := storedDocuments(t)
	for _, documents := range [][][]byte{customers, orders, facts} {
		b := slices.MaxFunc(documents, func(a, b []byte) int { return cmp.Compare(len(a), len(b)) })
		require.NotZero(t, likeJSON(t, b))
		for i := range b {
			if likeJSON(t, b[:i]) > 0 {
				t.Fatalf("is taken for a document: %q", b[:i])
			}
			garbled := bytes.Clone(b)
			garbled[i] = garble[i%len(garble)]
			likeJSON(t, garbled)
		}
	}
}

func TestDocuments(t *testing.T) {
	const at = `{"t":"2026-04-01T01:00:00Z","f":"f"}`
	for _, c := range []struct {
		name, customer string
		refused        bool
	}{
		{name: "nothing", customer: ``, refused: true},
		{name: "null", customer: `null`},
		{name: "empty", customer: ` { } `},
		{name: "white space", customer: "\t{ \"core\" :\r\n1 , \"links\" : { \"a\" : " + at + " } , \"enrollments\" : [ { \"id\" : \"e\" } , null ] }\n"},
		{name: "another order", customer: `{"runs":{"j":{"order":"o","n":1}},"rank":"gold","owner":"c","core":1}`},
		{name: "names in another case", customer: `{"CORE":1,"Owner":"c","linKs":{"A":` + at + `,"a":{"T":"2026-04-01T01:00:00Z"}}}`},
		{name: "names from later versions", customer: `{"core":1,"mood":{"a":[1,-2.5e+3,"\"}"],"b":{}},"owner":"c","x":null,"y":true,"":0}`},
		{name: "names twice", customer: `{"rank":"silver","erased":` + at + `,"enrollments":[{"id":"a"},{"id":"b"}],"runs":{"j":{"n":1}},"rank":"gold","erased":{"f":"g"},"enrollments":[{"step":"s"}],"runs":{"j":{"order":"o"},"k":{"n":2}}}`},
		{name: "nulls", customer: `{"core":null,"owner":null,"links":null,"erased":null,"carts":{"k":null},"ranked":null,"enrollments":[null],"near":{"o":{"snapshot":null,"foreign":null,"runs":[null]}},"fields":{"email":null,"tag:a":{"v":null,"at":null}}}`},
		{name: "nulls after values", customer: `{"owner":"c","links":{"a":` + at + `},"enrollments":[{"id":"e","visits":{"w":1}}],"owner":null,"links":null,"enrollments":[{"visits":null}]}`},
		{name: "empty lists and maps", customer: `{"links":{},"enrollments":[],"carts":{"k":{"items":[]},"l":{"items":null}}}`},
		{name: "escapes", customer: `{"owner":"\"\\\/\b\f\n\r\t\u82b1\ud83c\udf75\ud83c\u0000\uFFFF<>&","o\u0077ner":"c"}`},
		{name: "what looks odd in HTML", customer: "{\"owner\":\"<a href='x'>&\u2028\u2029\u201c花\u007f\"}"},
		{name: "invalid UTF-8", customer: "{\"owner\":\"\xff花\xe8\",\"links\":{\"\xff\":" + at + ",\"\xfe\":" + at + "},\"\xff\":1}"},
		{name: "values of fields", customer: "{\"fields\":{\"a\":{\"v\": { \"b\" : [ 1 , \"<\u2028>\" ] } },\"c\":{\"v\":\"\\u003c \xff\"},\"d\":{\"v\":-0.5E2},\"e\":{}}}"},
		{name: "times in zones", customer: `{"ranked":"2026-04-01T10:00:00.123456789+09:00","erased":{"t":"0001-01-01T00:00:00Z"}}`},
		{name: "nine thousand brackets", customer: `{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`},

		{name: "a list", customer: `[]`, refused: true},
		{name: "two documents", customer: `{}{}`, refused: true},
		{name: "two documents in one field", customer: `{"x":{}{}}`, refused: true},
		{name: "a word", customer: `{"x":nul}`, refused: true},
		{name: "a word of a field", customer: `{"owner":nulll}`, refused: true},
		{name: "a word that is none", customer: `{"enrollments":[{"done":truetrue}]}`, refused: true},
		{name: "text for a number", customer: `{"core":"1"}`, refused: true},
		{name: "number for a text", customer: `{"owner":1}`, refused: true},
		{name: "a fraction", customer: `{"core":1.0}`, refused: true},
		{name: "a power", customer: `{"core":1e2}`, refused: true},
		{name: "a leading zero", customer: `{"core":01}`, refused: true},
		{name: "a plus", customer: `{"core":+1}`, refused: true},
		{name: "a minus alone", customer: `{"core":-}`, refused: true},
		{name: "a number beyond all", customer: `{"core":9223372036854775808}`, refused: true},
		{name: "no time", customer: `{"ranked":"yesterday"}`, refused: true},
		{name: "a time in escapes", customer: `{"ranked":"\u00326-04-01T01:00:00Z"}`, refused: true},
		{name: "a number for a time", customer: `{"ranked":1}`, refused: true},
		{name: "a line break in a text", customer: "{\"owner\":\"a\nb\"}", refused: true},
		{name: "a line break in a value", customer: "{\"x\":[\"a\nb\"]}", refused: true},
		{name: "an escape that is none", customer: `{"owner":"\x"}`, refused: true},
		{name: "an escape cut short", customer: `{"owner":"\u12"}`, refused: true},
		{name: "a text without end", customer: `{"owner":"c`, refused: true},
		{name: "a last backslash", customer: `{"owner":"\`, refused: true},
		{name: "a comma too many", customer: `{"core":1,}`, refused: true},
		{name: "a comma too many in a list", customer: `{"enrollments":[null,]}`, refused: true},
		{name: "a comma too few", customer: `{"core":1 "owner":"c"}`, refused: true},
		{name: "no colon", customer: `{"core" 1}`, refused: true},
		{name: "no value", customer: `{"core":}`, refused: true},
		{name: "no value of an unknown name", customer: `{"x":}`, refused: true},
		{name: "no quotes", customer: `{core:1}`, refused: true},
		{name: "a list without end", customer: `{"enrollments":[`, refused: true},
		{name: "the wrong bracket", customer: `{"enrollments":[}`, refused: true},
		{name: "the wrong bracket inside", customer: `{"x":[{]}}`, refused: true},
		{name: "a million brackets", customer: `{"x":` + strings.Repeat("[", 1_000_000), refused: true},
		{name: "twenty thousand brackets", customer: `{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			likeJSON(t, []byte(c.customer))
			err := crm.DecodeDocument([]byte(c.customer), new(crm.CustomerState))
			assert.Equal(t, c.refused, err != nil, "%v", err)
		})
	}
}

// What is wrong with a document is told without quoting it.
func TestDamagedDocumentIsNotQuoted(t *testing.T) {
	for _, b := range []string{
		`{"owner":"hanako@example.jp`, `{"ranked":"hanako@example.jp"}`, `{"core":"hanako@example.jp"}`, `{"hanako@example.jp":]}`,
	} {
		err := crm.DecodeDocument([]byte(b), new(crm.CustomerState))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hanako")
	}
}

// What cannot be written is an error, and not a document that cannot be read.
func TestDocumentThatCannotBeWritten(t *testing.T) {
	for name, s := range map[string]*crm.CustomerState{
		"a year of five digits":   {Ranked: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a zone beyond the clock": {Ranked: time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*60*60))},
	} {
		writtenLikeJSON(t, s)
		_, err := crm.EncodeDocument(s)
		assert.Error(t, err, name)
	}
}

// anyDocument generates documents of a type with whatever fields it has.
func anyDocument[T any]() *rapid.Generator[T] {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "order-1", "花子", "\n", "a\"b\\c/d", "<a href='x'>&</a>", "\u2028 \u2029", "“…”", "\x00\x1f\x7f", "\b\f\n\r\t", "\xff\xe3\x81", "\xe2\x80", "null", "\U0001F375",
	}))
	times := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		zone := time.UTC
		if minutes := rapid.IntRange(-23*60, 23*60).Draw(t, "minutes"); minutes != 0 {
			zone = time.FixedZone("", minutes*60)
		}
		return time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).In(zone)
	})
	values := rapid.SampledFrom([]json.RawMessage{
		nil, []byte(`null`), []byte(`true`), []byte(`"花子"`), []byte(`"a b"`), []byte(`-1.5e3`), []byte(`[ ]`),
		[]byte(`{ "month" : 2, "day":29 }`), []byte(`"<\u003c>"`), []byte("\"\u2028\""), []byte("\"\xff\""), []byte(`[{"a":[1,2]}]`),
	})
	return rapid.MakeCustom[T](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{
			reflect.TypeFor[time.Time]():       times.AsAny(),
			reflect.TypeFor[json.RawMessage](): values.AsAny(),
		},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{reflect.String: texts.AsAny()},
	})
}

// Any document is written and read as encoding/json does it: also one that has
// gained a field.
func TestDocumentsAreJSON(t *testing.T) {
	t.Run("customer", rapid.MakeCheck(isJSON[crm.CustomerState]))
	t.Run("order", rapid.MakeCheck(isJSON[crm.OrderState]))
	t.Run("fact", rapid.MakeCheck(isJSON[crm.FactJSON]))
	t.Run("saved order", rapid.MakeCheck(isJSON[crm.OrderSaved]))
	t.Run("cart", rapid.MakeCheck(isJSON[crm.CartUpdated]))
	t.Run("consent", rapid.MakeCheck(isJSON[crm.ConsentChanged]))
}

func isJSON[T any, P interface {
	*T
	crm.Documented
}](t *rapid.T) {
	v := anyDocument[T]().Draw(t, "document")
	b := writtenLikeJSON(t, P(&v))
	var want, got T
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if err := crm.DecodeDocument(b, P(&got)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("this was read:\n%+v\nand not:\n%+v", got, want)
	}
}
