package crm_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
	"github.com/goen-crm/crm/storage/sqlite"
)

// propertyStart is when the shops of the property tests publish their journeys.
var propertyStart = time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC)

// A played shop is an engine in virtual time.
type played struct {
	t      *testing.T
	rt     *rapid.T
	store  crm.Store
	clock  *crmtest.Clock
	outbox *mailertest.Recorder
	shop   *crm.Shop
}

func play(t *testing.T, rt *rapid.T, store crm.Store) *played {
	p := &played{t: t, rt: rt, store: store, clock: crmtest.NewClock(propertyStart), outbox: new(mailertest.Recorder)}
	p.shop = p.worker(crm.Live, 64).Shop("shop")
	p.must(p.shop.Configure(t.Context(), crmtest.Settings()))
	p.must(p.shop.SetLadder(t.Context(), modelLadder))
	for id, class := range map[string]crm.Class{
		"cart-1": crm.Marketing, "cart-2": crm.Marketing, "thanks": crm.Service,
		"f2-result": crm.Marketing, "f2-pairing": crm.Marketing, "promoted": crm.Marketing,
	} {
		_, err := p.shop.PublishTemplate(t.Context(), crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{
			"ja": {Subject: id, Text: `{{template "legal" .}}`},
		}})
		p.must(err)
	}
	for _, j := range modelJourneys {
		_, err := p.shop.Publish(t.Context(), j)
		p.must(err)
	}
	return p
}

func (p *played) worker(mode crm.Mode, batch int) *crm.CRM {
	c, err := crm.New(p.store, p.outbox, &crm.Config{Clock: p.clock.Now, Mode: mode, Batch: batch})
	p.must(err)
	return c
}

func (p *played) must(err error) {
	p.rt.Helper()
	if err != nil {
		p.rt.Fatal(err)
	}
}

func (p *played) record(l look) {
	p.clock.Set(l.at)
	for _, batch := range l.batches {
		p.must(p.shop.Record(p.t.Context(), batch...))
	}
}

// look plays one round as model.look does.
func (p *played) look(l look) {
	p.record(l)
	p.work(l)
}

func (p *played) work(l look) {
	c := p.worker(crm.Live, l.batch)
	p.must(c.RunUntil(p.t.Context(), l.at))
	p.must(crmtest.Advance(p.t.Context(), c, p.clock, l.until))
}

// pictures are all customers as they are read, by id. What runs are
// under way is part of it or not.
func (p *played) pictures(runs bool) map[string]*crm.Customer {
	list := make(map[string]*crm.Customer)
	for c, err := range p.shop.Customers(p.t.Context()) {
		p.must(err)
		one, err := p.shop.Customer(p.t.Context(), c.ID)
		p.must(err)
		if a, b := inJSON(c), inJSON(one); a != b {
			p.rt.Errorf("Customers and Customer show two pictures of %s:\n%s\n%s", c.ID, a, b)
		}
		if !runs {
			c.Enrollments = nil
		}
		for i := range c.Enrollments {
			c.Enrollments[i].ID, c.Enrollments[i].Version = "", 0
		}
		slices.SortFunc(c.Enrollments, compareEnrollments)
		list[c.ID] = c
	}
	return list
}

func compareEnrollments(a, b crm.Enrollment) int {
	return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Journey, b.Journey), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Cart, b.Cart))
}

func inJSON(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// messages are all mails that were decided, one a line, in a fixed order.
func (p *played) messages() string {
	var lines []string
	for m, err := range p.shop.Messages(p.t.Context(), crm.MessageQuery{}) {
		p.must(err)
		lines = append(lines, fmt.Sprintf("%s %s/%s to %q of %s about %s%s: %s %s",
			m.SendAt.Format("01-02 15:04"), m.Journey, m.Step, m.To, m.Customer, m.Order, strings.TrimPrefix(m.CartKey, "cart:"), m.State, m.Reason))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (m *model) messages() string {
	var lines []string
	for _, mail := range m.mails {
		lines = append(lines, fmt.Sprintf("%s %s/%s to %q of %s about %s%s: %s %s",
			mail.at.Format("01-02 15:04"), mail.run.journey, mail.template, strings.TrimSpace(mail.to), mail.customer,
			mail.run.order, mail.run.cart, mail.state, mail.reason))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// pictures are the customers that the facts make.
func (m *model) pictures(now time.Time, runs bool) map[string]*crm.Customer {
	list := make(map[string]*crm.Customer)
	for key, p := range m.people {
		if !isCartKey(key) {
			list[key] = m.picture(p, now, runs)
		}
	}
	return list
}

// endOfTime is later than all facts.
var endOfTime = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

func (m *model) picture(p *modelCustomer, now time.Time, runs bool) *crm.Customer {
	c := &crm.Customer{
		ID: p.key, Guest: strings.HasPrefix(p.key, "guest:"),
		Purchases: m.purchases(p, endOfTime), Rank: m.standing(p, now),
	}
	tags := make(map[string]bool)
	for _, f := range m.own(p) {
		patch := patchOf(f)
		if patch.GivenName != nil {
			c.GivenName = *patch.GivenName
		}
		if patch.Hold != nil {
			c.Hold = *patch.Hold
		}
		if patch.Withdrawn != nil {
			c.Withdrawn = *patch.Withdrawn
		}
		for _, tag := range patch.AddTags {
			tags[tag] = true
		}
		for _, tag := range patch.RemoveTags {
			tags[tag] = false
		}
		for name, v := range patch.Attributes {
			if c.Attributes == nil {
				c.Attributes = make(map[string]string)
			}
			if c.Attributes[name] = v; v == "" {
				delete(c.Attributes, name)
			}
		}
	}
	for tag, on := range tags {
		if on {
			c.Tags = append(c.Tags, tag)
		}
	}
	for _, cart := range m.carts(p) {
		if _, open := m.open(p, cart); open {
			c.Carts = append(c.Carts, cart)
		}
	}
	c.Baseline = m.baseline(p)
	c.Email = m.email(p)
	c.Mailable = strings.Contains(c.Email, "@")
	c.Consents = m.consents(p)
	for id, o := range m.orders(p) {
		c.Orders = append(c.Orders, o.picture(id, endOfTime))
	}
	slices.SortFunc(c.Orders, func(a, b crm.PlacedOrder) int { return cmp.Or(a.PlacedAt.Compare(b.PlacedAt), cmp.Compare(a.ID, b.ID)) })
	for i := range c.Orders {
		slices.SortFunc(c.Orders[i].Refunds, func(a, b crm.Refund) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	}
	if runs {
		for _, r := range p.runs {
			if !r.done {
				c.Enrollments = append(c.Enrollments, crm.Enrollment{
					Journey: r.journey, Order: r.order, Cart: r.cart, Since: r.since, Step: r.step, Due: r.due,
				})
			}
		}
		slices.SortFunc(c.Enrollments, compareEnrollments)
	}
	return c
}

// consents are the latest answers for every address she was seen with.
func (m *model) consents(p *modelCustomer) []crm.Consent {
	hers := make(map[string]bool)
	for _, f := range m.own(p) {
		if email := emailOf(f); email != "" {
			hers[crm.GuestKey(email)] = true
		}
	}
	latest, at := make(map[string]crm.Consent), make(map[string]time.Time)
	for _, f := range m.known[:m.passed] {
		c, ok := f.Body.(crm.ConsentChanged)
		if !ok || !hers[crm.GuestKey(answerOf(f))] {
			continue
		}
		key := c.Consent.Topic + " " + crm.GuestKey(answerOf(f))
		if old, told := latest[key]; !told || !f.Time.Equal(at[key]) || old.Granted || !c.Consent.Granted { // of a yes and a no at one instant the no holds
			latest[key], at[key] = c.Consent, f.Time
		}
	}
	var list []crm.Consent
	for _, key := range slices.Sorted(maps.Keys(latest)) {
		list = append(list, latest[key])
	}
	return list
}

// difference tells the first customer who is not the same in both.
func difference(got, want map[string]*crm.Customer) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if a, b := inJSON(got[key]), inJSON(want[key]); a != b {
			return fmt.Sprintf("customer %s\n%s", key, lineDiff(a, b))
		}
	}
	for key, c := range got {
		if want[key] == nil {
			return fmt.Sprintf("customer %s\ngot  %s\nwant none", key, inJSON(c))
		}
	}
	return ""
}

// lineDiff shows the lines that two texts do not share, or share in another
// order or number.
func lineDiff(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	var out strings.Builder
	for _, side := range []struct {
		mark        string
		lines, over []string
	}{{"got ", a, b}, {"want", b, a}} {
		over := slices.Clone(side.over)
		for _, line := range side.lines {
			if i := slices.Index(over, line); i >= 0 {
				over = slices.Delete(over, i, i+1)
			} else {
				fmt.Fprintf(&out, "%s %s\n", side.mark, line)
			}
		}
	}
	for i := range a {
		if out.Len() == 0 && a[i] != b[i] {
			fmt.Fprintf(&out, "got  %s\nwant %s\nin this place\n", a[i], b[i])
		}
	}
	return out.String()
}

func withStores(t *testing.T, prop func(*testing.T, *rapid.T, crm.Store)) {
	t.Run("memory", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { prop(t, rt, memory.New()) })
	})
	t.Run("sqlite", func(t *testing.T) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			if rapid.IntRange(0, 9).Draw(rt, "on sqlite") != 9 {
				return // a database takes its time: some of the histories must do
			}
			n++
			store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), fmt.Sprintf("shop%d.db", n)))
			if err != nil {
				rt.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					rt.Error(err)
				}
			}()
			prop(t, rt, store)
		})
	})
}

// Facts of a small cast, in whichever order and in however many pieces they are
// recorded between two rounds of a worker, some of them twice, and however many
// customers the worker takes at a time: the same customers and the same mails
// as the model.
func TestSameAsModel(t *testing.T) {
	withStores(t, func(t *testing.T, rt *rapid.T, store crm.Store) {
		facts := drawFacts(rt, propertyStart.Add(-time.Hour), 14)
		h := drawHistory(rt, propertyStart, facts)
		p := play(t, rt, store)
		zone, err := time.LoadLocation("Asia/Tokyo")
		p.must(err)
		m := newModel(propertyStart, modelLadder, zone)
		for i, l := range h.looks {
			p.look(l)
			m.look(l.at, l.facts())
			m.attend(l.until)
			if diff := difference(p.pictures(true), m.pictures(l.until, true)); diff != "" {
				rt.Fatalf("%s\nround %d: %s", h, i+1, diff)
			}
			if got, want := p.messages(), m.messages(); got != want {
				rt.Fatalf("%s\nround %d: messages\n%s\nall\n%s", h, i+1, lineDiff(got, want), got)
			}
		}
	})
}
