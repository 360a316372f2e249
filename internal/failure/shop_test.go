package failure_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
)

// A clock shows what it is set to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)} }

// A town is a shop on one database, and those who work for it.
type town struct {
	*testing.T
	engine
	dsn   string
	shop  string
	clock *clock
	mails *mailertest.Recorder
}

// A process is what one process of the shop has.
type process struct {
	store store
	crm   *crm.CRM
	shop  *crm.Shop
}

// A setup says how a process differs from the others of the town.
type setup struct {
	line   *line
	mailer mailer.Mailer    // defaults to the town's
	clock  func() time.Time // defaults to the town's
	mode   crm.Mode
}

// found makes a town on a new database, with a shop that sends a receipt for
// each order and news ten minutes later, and two mails about an abandoned cart.
func found(t *testing.T, e engine) *town {
	t.Helper()
	return foundAt(t, e, e.create(t))
}

func foundAt(t *testing.T, e engine, dsn string) *town {
	t.Helper()
	w := &town{T: t, engine: e, dsn: dsn, shop: "shop", clock: newClock(), mails: new(mailertest.Recorder)}
	w.publish(w.process(setup{}))
	return w
}

const (
	pause    = 10 * time.Minute // between receipt and news
	idle     = 30 * time.Minute // until a cart is abandoned
	recovery = 5 * time.Minute  // longer than any lease
)

func (w *town) publish(p *process) {
	w.Helper()
	w.must(p.shop.Configure(w.Context(), crmtest.Settings()))
	for id, class := range map[string]crm.Class{"receipt": crm.Transactional, "news": crm.Marketing, "first": crm.Marketing, "second": crm.Marketing} {
		_, err := p.shop.PublishTemplate(w.Context(), crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{
			"ja": {Subject: id, Text: "{{.Name}}様\n{{template \"legal\" .}}"},
		}})
		w.must(err)
	}
	for _, j := range []crm.Journey{
		{
			ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder,
			Exit: []crm.Rule{crm.On(crm.FactOrderRefunded, crm.OrdersEqual(0))},
			Steps: crm.Steps{
				crm.Send{Template: "receipt"}, crm.Wait{ID: "a-while", For: pause}, crm.Send{Template: "news"},
			},
		},
		{
			ID: "cart", Trigger: crm.CartAbandoned{After: idle}, Exit: []crm.Rule{crm.On(crm.FactOrderPlaced)},
			Steps: crm.Steps{
				crm.Send{Template: "first", MaxLateness: 2 * time.Hour}, crm.Wait{ID: "a-day", Days: 1}, crm.Send{Template: "second"},
			},
		},
	} {
		_, err := p.shop.Publish(w.Context(), j)
		w.must(err)
	}
}

func (w *town) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// with is the town in a subtest.
func (w *town) with(t *testing.T) *town {
	in := *w
	in.T = t
	return &in
}

// process starts a process, which ends with the test at the latest.
func (w *town) process(s setup) *process {
	w.Helper()
	if s.line == nil {
		s.line = new(line)
	}
	if s.mailer == nil {
		s.mailer = w.mails
	}
	if s.clock == nil {
		s.clock = w.clock.Now
	}
	store, err := w.open(w.T, w.dsn, s.line)
	w.must(err)
	w.Cleanup(func() { store.Close() })
	c, err := crm.New(store, s.mailer, &crm.Config{Clock: s.clock, Mode: s.mode, Logger: slog.New(slog.DiscardHandler)})
	w.must(err)
	return &process{store, c, c.Shop(w.shop)}
}

func (p *process) end() { _ = p.store.Close() }

// work does what is due by now, in as many tries as it takes: a server may need
// a moment to let go of what a client has locked that is gone.
func (w *town) work(p *process) {
	w.Helper()
	w.eventually("what is due cannot be done", func() bool {
		w.must(p.crm.RunUntil(w.Context(), w.clock.Now()))
		_, due, err := p.crm.NextDue(w.Context(), w.clock.Now())
		w.must(err)
		return !due
	})
}

// eventually waits for a condition.
func (w *town) eventually(problem string, holds func() bool) {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatal(problem)
		}
	}
}

// later lets time pass, and works.
func (w *town) later(p *process, d time.Duration) {
	w.Helper()
	w.clock.add(d)
	w.work(p)
}

// recover lets enough time pass for everything that was lost on the way to be
// found and sent again, and works.
func (w *town) recover(p *process) {
	w.Helper()
	for range 3 {
		w.later(p, recovery)
	}
}

// record records facts that happen now.
func (w *town) record(p *process, facts ...crm.Fact) {
	w.Helper()
	w.must(p.shop.Record(w.Context(), w.now(facts...)...))
}

// now gives facts an id and the time that it is.
func (w *town) now(facts ...crm.Fact) []crm.Fact {
	for i := range facts {
		f := &facts[i]
		if f.Time.IsZero() {
			f.Time = w.clock.Now()
		}
		if f.ID == "" {
			f.ID = fmt.Sprintf("%s %s%s %v", f.Body.FactType(), f.Customer, f.Email, f.Time.UnixMicro())
		}
	}
	return facts
}

func email(customer string) string { return customer + "@example.jp" }

var tea = []crm.LineItem{{Product: "tea", Title: "煎茶", Quantity: 2, Price: crm.Yen(1200)}}

// Facts about a customer.

func agrees(customer string, granted bool) crm.Fact {
	return crm.Fact{Customer: customer, Email: email(customer), Body: crm.ConsentChanged{Consent: crm.Consent{Granted: granted, Source: "form"}}}
}

func orders(customer string) crm.Fact {
	return crm.Fact{Customer: customer, Email: email(customer), Body: crm.OrderSaved{Order: crm.Order{ID: "o-" + customer, Method: crm.CashOnDelivery, Lines: tea}}}
}

func fillsCart(customer string) crm.Fact {
	return crm.Fact{Customer: customer, Email: email(customer), Body: crm.CartUpdated{Cart: crm.Cart{ID: "k-" + customer, Items: tea}}}
}

// messages are a customer's as the database has them, by template.
func (w *town) messages(p *process, customer string) map[string]crm.Message {
	w.Helper()
	found := make(map[string]crm.Message)
	for m, err := range p.store.Messages(w.Context(), w.shop, crm.MessageQuery{Customer: customer, Content: true}) {
		w.must(err)
		if _, twice := found[m.Template]; twice {
			w.Errorf("%s has two messages %s", customer, m.Template)
		}
		found[m.Template] = m
	}
	return found
}

// received is how many mails of a template a customer got.
func (w *town) received(customer, template string) int {
	n := 0
	for _, m := range w.mails.Messages() {
		if m.To.Email == email(customer) && m.Subject == template {
			n++
		}
	}
	return n
}

// listed counts the decisions of a kind about a customer's messages, by template.
func (w *town) listed(p *process, customer string, kind crm.DecisionKind) map[string]int {
	w.Helper()
	counts := make(map[string]int)
	for d, err := range p.store.Decisions(w.Context(), w.shop, crm.DecisionQuery{Customer: customer}) {
		w.must(err)
		if d.Kind == kind {
			counts[d.Step]++
		}
	}
	return counts
}

// want checks what became of a customer's message, and how often it arrived.
func (w *town) want(p *process, customer, template string, state crm.MessageState, reason crm.Reason, received int) {
	w.Helper()
	m, ok := w.messages(p, customer)[template]
	if !ok {
		w.Errorf("%s has no message %s", customer, template)
		return
	}
	if m.State != state || m.Reason != reason {
		w.Errorf("%s of %s is %s (%s), want %s (%s)", template, customer, m.State, m.Reason, state, reason)
	}
	if n := w.received(customer, template); n != received {
		w.Errorf("%s arrived %d times at %s, want %d", template, n, customer, received)
	}
}

// wantSettled checks that a customer who ordered got her mails, as far as can be
// promised, and that nothing of hers waits. It returns which of her messages are
// listed as unknown.
func (w *town) wantSettled(p *process, customer string) map[string]int {
	w.Helper()
	unknown := w.listed(p, customer, crm.DecidedUnknown)
	messages := w.messages(p, customer)
	if len(messages) != 2 {
		w.Errorf("%s has %d messages, want 2", customer, len(messages))
	}
	for template, m := range messages {
		n := w.received(customer, template)
		times, state := "once", crm.MessageSent
		ok := n == 1
		switch {
		case unknown[template] > 1:
			times, ok = "with one attempt listed as unknown", false
		case unknown[template] == 1 && m.Class == crm.Transactional:
			times, ok = "once or twice", n == 1 || n == 2
		case unknown[template] == 1:
			times, ok, state = "at most once", n <= 1, crm.MessageUnknown
		}
		if !ok || m.State != state {
			w.Errorf("%s of %s arrived %d times and is %s (%s), want it %s and %s; listed as unknown: %d",
				template, customer, n, m.State, m.Reason, times, state, unknown[template])
		}
	}
	w.wantNothingWaits(p, customer)
	return unknown
}

func (w *town) wantNothingWaits(p *process, customers ...string) {
	w.Helper()
	if at, ok, err := p.crm.NextDue(w.Context(), w.clock.Now().Add(100*24*time.Hour)); err != nil || ok {
		w.Errorf("something waits until %v, error %v", at, err)
	}
	for row, err := range p.store.Customers(w.Context(), w.shop, crm.CustomerQuery{IDs: customers}) {
		w.must(err)
		if len(row.Pending) > 0 {
			w.Errorf("%s has %d facts pending", row.ID, len(row.Pending))
		}
	}
	for _, customer := range customers {
		c, err := p.shop.Customer(w.Context(), customer)
		w.must(err)
		if len(c.Enrollments) > 0 {
			w.Errorf("%s is still in %s", customer, c.Enrollments[0].Journey)
		}
	}
}

// slow skips a test that takes seconds if -short is set.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds: skipped with -short")
	}
}

// id makes a customer's key of some words.
func id(words ...any) string {
	return strings.ReplaceAll(strings.TrimSpace(fmt.Sprintln(words...)), " ", "-")
}

// during hands mails on, and calls functions for each: before it is marked as
// started, before it is taken, and after it was.
type during struct {
	mailer.Mailer
	claimed, started, after func(*mailer.Message) error
}

// MarksStart makes it a mailer.Marker.
func (during) MarksStart() {}

// Send implements mailer.Mailer.
func (d during) Send(ctx context.Context, m *mailer.Message) error {
	if d.claimed != nil {
		if err := d.claimed(m); err != nil {
			return err
		}
	}
	if err := m.Started(ctx); err != nil {
		return err
	}
	if d.started != nil {
		if err := d.started(m); err != nil {
			return err
		}
	}
	if err := d.Mailer.Send(ctx, m); err != nil || d.after == nil {
		return err
	}
	return d.after(m)
}
