package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
	"github.com/goen-crm/crm/storage/sqlite"
)

const (
	teaKey = "the key of the tea shop"
	potKey = "the key of the pot shop"
)

// door is a server with two shops.
func door(t *testing.T, db crm.Store) *server {
	t.Helper()
	c, err := crm.New(db, &mailertest.Recorder{}, nil)
	require.NoError(t, err)
	shops, err := readShops("shops.example.json")
	require.NoError(t, err)
	shops = append(shops, shops[0])
	shops[1].ID, shops[1].KeyEnv = "osaka-pots", "OSAKA_POTS_KEY"
	for _, s := range shops {
		require.NoError(t, s.publish(t.Context(), c.Shop(s.ID)))
	}
	keys, err := readKeys(shops, func(name string) string {
		return map[string]string{"TOKYO_TEA_KEY": teaKey, "OSAKA_POTS_KEY": potKey}[name]
	})
	require.NoError(t, err)
	return &server{crm: c, keys: keys, logger: slog.New(slog.DiscardHandler)}
}

// A reply is what the server answers.
type reply struct {
	Accepted *int
	Error    string
	Problems []problem
}

func post(t *testing.T, h http.Handler, authorization, body string) (int, reply) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/facts", strings.NewReader(body))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var out reply
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), w.Body.String())
	return w.Code, out
}

func visit(id, more string) string {
	return fmt.Sprintf(`{"id": %q, "type": "custom", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": {"name": "visit"%s}}`, id, more)
}

func recorded(t *testing.T, db crm.Store, shop string) (ids []string) {
	t.Helper()
	for f, err := range db.Facts(t.Context(), shop, crm.FactQuery{}) {
		require.NoError(t, err)
		ids = append(ids, f.ID)
	}
	return ids
}

func TestFactsAreRecorded(t *testing.T) {
	db := memory.New()
	h := door(t, db).routes()
	many := make([]string, maxFacts)
	for i := range many {
		many[i] = visit(fmt.Sprintf("many-%d", i), "")
	}
	for _, test := range []struct {
		name, body string
		accepted   int
	}{
		{"one", visit("a", ""), 1},
		{"the same again", visit("a", ""), 1},
		{"several", "\n[" + visit("a", "") + "," + visit("b", "") + "]\n", 2},
		{"none", "[]", 0},
		{"as many as may be", "[" + strings.Join(many, ",") + "]", maxFacts},
	} {
		status, got := post(t, h, "Bearer "+teaKey, test.body)
		assert.Equal(t, http.StatusOK, status, "%s: %+v", test.name, got)
		if assert.NotNil(t, got.Accepted, test.name) {
			assert.Equal(t, test.accepted, *got.Accepted, test.name)
		}
	}
	assert.Len(t, recorded(t, db, "tokyo-tea"), 2+maxFacts)
	assert.Empty(t, recorded(t, db, "osaka-pots"))
	status, _ := post(t, h, "bearer "+potKey, visit("a", `, "attributes": {"its": "own"}`))
	assert.Equal(t, http.StatusOK, status, "another shop has ids of its own")
	assert.Equal(t, []string{"a"}, recorded(t, db, "osaka-pots"))
}

func TestFactsAreRefused(t *testing.T) {
	db := memory.New()
	h := door(t, db).routes()
	status, _ := post(t, h, "Bearer "+teaKey, visit("known", ""))
	require.Equal(t, http.StatusOK, status)
	fact := func(more string) string {
		return `{"id": "bad", "type": "order_saved", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": {"id": "o"` + more + `}}`
	}
	line := func(change string) string {
		return fact(`, "lines": [{"product": "tea", "title": "Tea", "quantity": 1, "price": {"minor": 1, "currency": "JPY"}}, {` + change + `}]`)
	}
	bad := func(index int, field, text string) []problem {
		return []problem{{Index: index, ID: "bad", Field: field, Problem: text}}
	}
	for _, test := range []struct {
		name, body string
		status     int
		problems   []problem
	}{
		{"no JSON", `{"id": `, 400, nil},
		{"nothing", ``, 400, nil},
		{"two facts without an array", visit("a", "") + visit("b", ""), 400, nil},
		{"too many", "[" + strings.Repeat(visit("a", "")+",", maxFacts) + visit("a", "") + "]", 413, nil},
		{"too long", "[" + strings.Repeat(" ", maxBody) + "]", 413, nil},
		{"a number", `1`, 422, []problem{{Problem: "must be an object"}}},
		{"unknown type", `[{"id": "bad", "type": "order_dreamt"}]`, 422, bad(0, "type", "is not known")},
		{"no time", `{"id": "bad", "type": "order_paid", "customer": "c1", "data": {"order": "o"}}`, 422, bad(0, "time", "has no time")},
		{"a time of its own", strings.Replace(fact(``), "T10:00:00+09:00", "", 1), 422, bad(0, "", "a time is not written as 2026-04-01T10:00:00+09:00")},
		{"far ahead", strings.Replace(fact(``), "2026", "2999", 1), 422, bad(0, "time", "lies too far in the future")},
		{"nobody", `{"id": "bad", "type": "order_paid", "time": "2026-04-01T10:00:00+09:00", "data": {"order": "o"}}`, 422, bad(0, "customer", "names neither a customer nor a mail address")},
		{"no order", `{"id": "bad", "type": "order_paid", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": {}}`, 422, bad(0, "data.order", "is required")},
		{"negative quantity", line(`"quantity": -1, "price": {"minor": 1, "currency": "JPY"}`), 422, bad(0, "data.lines[1].quantity", "must not be negative")},
		{"two currencies", line(`"price": {"minor": 1, "currency": "USD"}`), 422, bad(0, "data.lines[1].price.currency", "mixes currencies")},
		{"a price with decimals", line(`"price": {"minor": 1200.0, "currency": "JPY"}`), 422, bad(0, "data.lines.price.minor", "must be a whole number, without a decimal point")},
		{"a customer who is a number", strings.Replace(fact(``), `"c1"`, `1`, 1), 422, bad(0, "customer", "must be a string")},
		{"data that is an array", `{"id": "bad", "type": "customer_erased", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": []}`, 422, bad(0, "data", "must be an object")},
		{"a long attribute", `{"id": "bad", "type": "custom", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": {"name": "quiz", "attributes": {"MyAnswer": "` + strings.Repeat("x", crm.MaxText+1) + `"}}}`, 422, bad(0, `data.attributes["MyAnswer"]`, "is longer than 4096 bytes")},
		{"a wrong zone", `{"id": "bad", "type": "customer_saved", "time": "2026-04-01T10:00:00+09:00", "customer": "c1", "data": {"time_zone": "Asia/Edo"}}`, 422, bad(0, "data.time_zone", "is not known")},
		{"good and bad ones", "[" + visit("good", "") + "," + fact(`, "revision": -1`) + "," + line(`"title": "Tea"`) + "]", 422, []problem{
			{Index: 1, ID: "bad", Field: "data.revision", Problem: "must not be negative"},
			{Index: 2, ID: "bad", Field: "data.lines[1].price.currency", Problem: "is no known currency"},
		}},
		{"conflict", "[" + visit("good", "") + "," + visit("known", `, "attributes": {"another": "visit"}`) + "]", 409, []problem{
			{Index: 1, ID: "known", Field: "id", Problem: "is on record with other content"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status, got := post(t, h, "Bearer "+teaKey, test.body)
			assert.Equal(t, test.status, status)
			assert.NotEmpty(t, got.Error)
			assert.Equal(t, test.problems, got.Problems)
		})
	}
	assert.Equal(t, []string{"known"}, recorded(t, db, "tokyo-tea"), "of a request that is refused nothing is recorded")
}

func TestKeys(t *testing.T) {
	db := memory.New()
	h := door(t, db).routes()
	for _, authorization := range []string{"", "Bearer", "Bearer ", teaKey, "Basic " + teaKey, "Bearer " + teaKey + "x", "Bearer " + teaKey[1:], "Bearer tokyo-tea"} {
		status, got := post(t, h, authorization, visit("a", ""))
		assert.Equal(t, http.StatusUnauthorized, status, authorization)
		assert.Equal(t, "the key is missing or wrong", got.Error)
	}
	assert.Empty(t, recorded(t, db, "tokyo-tea"))

	shops := []shop{{ID: "a", KeyEnv: "A"}, {ID: "b", KeyEnv: "B"}}
	for _, keys := range []map[string]string{{"A": teaKey}, {"A": teaKey, "B": "short"}, {"A": teaKey, "B": teaKey}} {
		_, err := readKeys(shops, func(name string) string { return keys[name] })
		require.Error(t, err)
		assert.NotContains(t, err.Error(), teaKey)
	}
}

// A cart whose request the database did not take is told to try again.
func TestStoreThatIsGone(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "goen.db"))
	require.NoError(t, err)
	h := door(t, db).routes()
	require.NoError(t, db.Close())
	status, got := post(t, h, "Bearer "+teaKey, visit("a", ""))
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.NotEmpty(t, got.Error)

	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}

// brokenBody ends with an error.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("the client hung up") }

func TestBodyThatBreaksOff(t *testing.T) {
	h := door(t, memory.New()).routes()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/facts", io.MultiReader(strings.NewReader("["), brokenBody{}))
	r.Header.Set("Authorization", "Bearer "+teaKey)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.NotEqual(t, http.StatusOK, w.Code)
}

// A server that is asked to end answers the request that it has taken, and
// takes no more.
func TestGracefulShutdown(t *testing.T) {
	db := memory.New()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	s := door(t, db)
	go func() { ended <- s.serve(ctx, listener) }()

	body, pipe := io.Pipe()
	arrived := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: stop}) // the handler reads
	r, err := http.NewRequestWithContext(arrived, http.MethodPost, "http://"+listener.Addr().String()+"/facts", body)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+teaKey)
	r.Header.Set("Expect", "100-continue")
	go func() {
		<-ctx.Done()
		_, err := io.WriteString(pipe, visit("a", ""))
		pipe.CloseWithError(err)
	}()
	w, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}).Do(r)
	require.NoError(t, err)
	w.Body.Close()
	assert.Equal(t, http.StatusOK, w.StatusCode)
	assert.NoError(t, <-ended)
	assert.Equal(t, []string{"a"}, recorded(t, db, "tokyo-tea"))
	_, err = new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
	assert.Error(t, err)
}
