package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// A world is a shop on the web with a clock that stands still, and the mail
// server that its mails go to.
type world struct {
	*testing.T
	dsn   string
	clock *crmtest.Clock
	db    *database
	crm   *crm.CRM
	shop  *crm.Shop
	post  *smtptest.Server
	url   string
}

const staffPassword = "a password of the staff"

// everyDatabase runs a test in a world on each database that there is.
func everyDatabase(t *testing.T, test func(w *world)) {
	t.Run("SQLite", func(t *testing.T) { test(newWorld(t, filepath.Join(t.TempDir(), "shop.db"))) })
	t.Run("PostgreSQL", func(t *testing.T) {
		dsn, err := dbtest.Postgres(t).Database(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		test(newWorld(t, dsn))
	})
}

func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{T: t, dsn: dsn, clock: crmtest.NewClock(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)), post: smtptest.NewServer(nil)}
	t.Cleanup(w.post.Close)
	var site http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { site.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL

	var err error
	w.db, err = openDatabase(t.Context(), dsn)
	w.must(err)
	t.Cleanup(func() { w.must(w.db.close()) })
	key, err := w.db.secret(t.Context(), "opt-out")
	w.must(err)
	relay, err := smtp.New(w.post.Addr, nil)
	w.must(err)
	t.Cleanup(func() { relay.Close() })
	l := links{base: w.url, key: key}
	w.crm, err = crm.New(w.db.store, signer{relay, l}, &crm.Config{Clock: w.clock.Now})
	w.must(err)
	w.shop = w.crm.Shop(shopID)
	w.must(publish(t.Context(), w.shop, l))
	s, err := newServer(w.db, w.shop, l, staffPassword, w.clock.Now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	w.must(err)
	site = s.routes()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// pass lets time pass, with a worker that does everything when it is due.
func (w *world) pass(d time.Duration) {
	w.Helper()
	until := w.clock.Now().Add(d)
	for {
		w.must(w.crm.RunUntil(w.Context(), w.clock.Now()))
		next, ok, err := w.crm.NextDue(w.Context(), until)
		w.must(err)
		if !ok {
			break
		}
		w.clock.Set(next)
	}
	w.clock.Set(until)
	w.must(w.crm.RunUntil(w.Context(), until))
}

// mails are those that have arrived, as their readers get them.
func (w *world) mails() []*mailertest.Delivery {
	w.Helper()
	var list []*mailertest.Delivery
	for _, m := range w.post.Messages() {
		d, err := mailertest.Parse(m.Raw)
		w.must(err)
		list = append(list, d)
	}
	return list
}

// subjects are those of the mails that have arrived.
func (w *world) subjects() string {
	w.Helper()
	var list []string
	for _, m := range w.mails() {
		list = append(list, m.Subject)
	}
	return strings.Join(list, "\n")
}

// customer is what goen makes of a customer.
func (w *world) customer(key string) *crm.Customer {
	w.Helper()
	c, err := w.shop.Customer(w.Context(), key)
	w.must(err)
	return c
}

// A browser keeps its cookies and follows redirections.
type browser struct {
	*world
	client   http.Client
	language string
	password string // password is given to pages that ask for one.
}

func (w *world) browser(language string) *browser {
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{world: w, client: http.Client{Jar: jar}, language: language}
}

// staff is a browser in the shop's office.
func (w *world) staff() *browser {
	b := w.browser("en")
	b.password = staffPassword
	return b
}

func (b *browser) do(method, address string, form url.Values) (status int, body string, path string) {
	b.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.url + address
	}
	r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(form.Encode()))
	b.must(err)
	r.Header.Set("Accept-Language", b.language)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.password != "" {
		r.SetBasicAuth("staff", b.password)
	}
	response, err := b.client.Do(r)
	b.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	b.must(err)
	return response.StatusCode, string(text), response.Request.URL.Path
}

// get returns a page, which must be there.
func (b *browser) get(address string) string {
	b.Helper()
	status, body, _ := b.do("GET", address, nil)
	if status != http.StatusOK {
		b.Fatalf("GET %s: status %d\n%s", address, status, body)
	}
	return body
}

// send fills in a form, and returns the page that it leads to.
func (b *browser) send(address string, form url.Values) string {
	b.Helper()
	status, body, _ := b.do("POST", address, form)
	if status != http.StatusOK {
		b.Fatalf("POST %s: status %d\n%s", address, status, body)
	}
	return body
}

// refused sends a form that must be answered with a status.
func (b *browser) refused(status int, address string, form url.Values) {
	b.Helper()
	if got, body, _ := b.do("POST", address, form); got != status {
		b.Errorf("POST %s: status %d, want %d\n%s", address, got, status, body)
	}
}

// contact tells the checkout who she is and asks for news.
func (b *browser) contact(email string) {
	b.Helper()
	b.send("/checkout", url.Values{
		"email": {email}, "family": {"山田"}, "given": {"花子"}, "address": {"京都市1-1"}, "newsletter": {"1"},
	})
}

var revision = regexp.MustCompile(`name="revision" value="(\d+)"`)

// confirmed is the form of the last page before an order.
func (b *browser) confirmed(method string) url.Values {
	b.Helper()
	found := revision.FindStringSubmatch(b.get("/checkout/confirm"))
	if found == nil {
		b.Fatal("no revision on the page")
	}
	return url.Values{"method": {method}, "revision": {found[1]}}
}

// order buys what is in the cart, and returns the order's id.
func (b *browser) order(method string) string {
	b.Helper()
	status, body, path := b.do("POST", "/orders", b.confirmed(method))
	id, ok := strings.CutPrefix(path, "/orders/")
	if status != http.StatusOK || !ok {
		b.Fatalf("no order: status %d\n%s", status, body)
	}
	return id
}

func contains(t testing.TB, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestMain(m *testing.M) {
	if dsn := os.Getenv(workerEnv); dsn != "" {
		beWorker(dsn)
		return
	}
	os.Exit(m.Run())
}
