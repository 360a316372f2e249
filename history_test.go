package crm_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
)

// A history is what happens in a shop, and when a worker looks at it.
type history struct {
	published time.Time
	looks     []look
}

// A look is one round of a worker who was away: the facts that happened
// meanwhile are recorded, in batches in which some come twice, and the worker
// does what is due. Then it stays until the next facts begin to happen.
type look struct {
	at      time.Time
	batches [][]crm.Fact
	batch   int // Config.Batch of the worker
	until   time.Time
}

func (l look) facts() []crm.Fact {
	var list []crm.Fact
	for _, batch := range l.batches {
		for _, f := range batch {
			if !slices.ContainsFunc(list, func(g crm.Fact) bool { return g.ID == f.ID }) {
				list = append(list, f)
			}
		}
	}
	return list
}

func (h history) facts() []crm.Fact {
	var list []crm.Fact
	for _, l := range h.looks {
		list = append(list, l.facts()...)
	}
	sortFacts(list)
	return list
}

// String is the history as a script.
func (h history) String() string {
	zone := time.FixedZone("JST", 9*3600)
	stamp := func(t time.Time) string { return t.In(zone).Format("01-02 15:04") }
	var b strings.Builder
	fmt.Fprintf(&b, "%s  publish\n", stamp(h.published))
	for _, l := range h.looks {
		facts := l.facts()
		sortFacts(facts)
		for _, f := range facts {
			fmt.Fprintf(&b, "%s  %s  %s\n", stamp(f.Time), f.ID, describe(f))
		}
		var batches []string
		for _, batch := range l.batches {
			var ids []string
			for _, f := range batch {
				ids = append(ids, f.ID)
			}
			batches = append(batches, strings.Join(ids, " "))
		}
		fmt.Fprintf(&b, "%s    record %s; work in batches of %d\n", stamp(l.at), strings.Join(batches, " | "), l.batch)
		fmt.Fprintf(&b, "%s    advance\n", stamp(l.until))
	}
	return b.String()
}

func describe(f crm.Fact) string {
	who := f.Customer
	if f.Email != "" {
		who = strings.TrimPrefix(who+"/"+f.Email, "/")
	}
	s := strings.TrimRight(fmt.Sprintf("%-22s %s %s", who, f.Body.FactType(), orderOf(f)), " ")
	switch b := f.Body.(type) {
	case crm.CartUpdated:
		s += fmt.Sprintf(" %s rev %d: %d items", b.Cart.ID, b.Cart.Revision, len(b.Cart.Items))
	case crm.OrderSaved:
		s += fmt.Sprintf(" rev %d %s %s %s %s cart=%s", b.Order.Revision, b.Order.Kind, b.Order.Method, b.Order.Payment, b.Order.Goods(), b.Order.Cart)
		if !b.Order.PlacedAt.IsZero() {
			s += fmt.Sprintf(" placed %s earlier", f.Time.Sub(b.Order.PlacedAt))
		}
	case crm.OrderRefunded:
		s += fmt.Sprintf(" %s %s whole=%t", b.Refund, b.Amount, b.Whole)
	case crm.ConsentChanged:
		s += fmt.Sprintf(" %t %s %s %s", b.Consent.Granted, b.Consent.Source, b.Consent.Topic, b.Consent.Email)
	case crm.CustomerSaved:
		p := b.CustomerPatch
		for name, v := range map[string]*string{"email": p.Email, "given": p.GivenName} {
			if v != nil {
				s += fmt.Sprintf(" %s=%q", name, *v)
			}
		}
		if p.Hold != nil {
			s += fmt.Sprintf(" hold=%t", *p.Hold)
		}
		if p.Withdrawn != nil {
			s += fmt.Sprintf(" withdrawn=%t", !p.Withdrawn.IsZero())
		}
		if p.Baseline != nil {
			s += fmt.Sprintf(" baseline=%d", p.Baseline.Orders)
		}
		s += fmt.Sprintf(" +%v -%v %v", p.AddTags, p.RemoveTags, p.Attributes)
	}
	return s
}

// The cast. c1 and c2 have accounts and share an address; g@ is a guest who
// turns out to be c1.
type identity struct{ customer, email string }

var (
	cast = []identity{
		{"c1", ""},
		{"c1", "a@example.jp"},
		{"", "g@example.jp"},
		{"c1", "g@example.jp"},
		{"c2", ""},
		{"c2", "b@example.jp"},
		{"c1", "home@example.jp"},
		{"c2", "home@example.jp"},
		{"", "home@example.jp"},
		{"", " G@Example.JP "},
		{"", "a@example.jp"},
		{"c2", "broken address"},
	}
	// buyers says, for each order, as whom its facts come in: always one
	// person, under whatever name.
	buyers = map[string][]identity{
		"o1": {{"c1", ""}, {"c1", "a@example.jp"}, {"c1", "home@example.jp"}},
		"o2": {{"c2", ""}, {"c2", "b@example.jp"}, {"c2", "home@example.jp"}, {"c2", "broken address"}},
		"o3": {{"", "g@example.jp"}, {"c1", "g@example.jp"}},
		"o4": {{"", "home@example.jp"}},
		"o5": {{"c1", ""}},
	}
	// checkouts are the carts that orders come out of.
	checkouts = map[string]string{"o1": "k1", "o2": "k1", "o3": "k2"}
	products  = []crm.LineItem{
		{Product: "tea", Title: "煎茶", Quantity: 2, Price: crm.Yen(1200)},
		{Product: "pot", Title: "急須", Quantity: 1, Price: crm.Yen(8000)},
		{Product: "set", Title: "茶箱", Quantity: 1, Price: crm.Yen(20000)},
	}
	gaps = []time.Duration{
		10 * time.Minute, 0, 20 * time.Minute, 30 * time.Minute, 31 * time.Minute, time.Hour,
		3 * time.Hour, aDay, 5 * aDay, 7 * aDay, 14 * aDay, 16 * aDay,
	}
)

// A happening is a fact to be, and how long after the one before it happens.
type happening struct {
	gap  time.Duration
	fact crm.Fact
}

var happenings = rapid.Custom(func(t *rapid.T) happening {
	h := happening{gap: rapid.SampledFrom(gaps).Draw(t, "gap")}
	h.fact.ID = rapid.SampledFrom([]string{"b", "a"}).Draw(t, "id")
	h.fact.Time = propertyStart
	drawBody(t, &h.fact)
	return h
})

func drawFacts(t *rapid.T, start time.Time, most int) []crm.Fact {
	at := start
	var facts []crm.Fact
	for i, h := range rapid.SliceOfN(happenings, 1, most).Draw(t, "facts") {
		at = at.Add(h.gap)
		f := h.fact
		f.ID = fmt.Sprintf("%s%02d", f.ID, i)
		if b, ok := f.Body.(crm.OrderSaved); ok && !b.Order.PlacedAt.IsZero() {
			b.Order.PlacedAt = at.Add(b.Order.PlacedAt.Sub(f.Time))
			f.Body = b
		}
		f.Time = at
		facts = append(facts, f)
	}
	return facts
}

func drawBody(t *rapid.T, f *crm.Fact) {
	as := func(who identity) { f.Customer, f.Email = who.customer, who.email }
	order := func() string {
		id := rapid.SampledFrom([]string{"o1", "o2", "o3", "o4", "o5"}).Draw(t, "order")
		as(rapid.SampledFrom(buyers[id]).Draw(t, "buyer"))
		return id
	}
	switch rapid.SampledFrom([]string{
		"cart", "order", "order", "consent", "cart", "delivered", "paid", "cancelled", "refunded", "customer", "shipped",
	}).Draw(t, "kind") {
	case "cart":
		if rapid.IntRange(0, 5).Draw(t, "anonymous") < 5 {
			as(rapid.SampledFrom(cast).Draw(t, "who"))
		}
		items := rapid.SliceOfN(rapid.SampledFrom(products), 0, 2).Draw(t, "items")
		f.Body = crm.CartUpdated{Cart: crm.Cart{
			ID: rapid.SampledFrom([]string{"k1", "k2"}).Draw(t, "cart"), Items: items,
			Revision: rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "revision"),
		}}
	case "order":
		o := crm.Order{
			ID:       order(),
			Lines:    rapid.SliceOfN(rapid.SampledFrom(products), 1, 2).Draw(t, "lines"),
			Method:   rapid.SampledFrom([]crm.PaymentMethod{crm.CashOnDelivery, crm.Card, crm.BankTransfer, crm.ConvenienceStore}).Draw(t, "method"),
			Payment:  rapid.SampledFrom([]crm.PaymentState{"", "", crm.PaymentPending, crm.PaymentAuthorised, crm.PaymentPaid, crm.PaymentFailed, crm.PaymentExpired}).Draw(t, "payment"),
			Kind:     rapid.SampledFrom([]crm.OrderKind{"", "", "", "", crm.Renewal, crm.TestOrder, crm.PreOrder}).Draw(t, "order kind"),
			Revision: rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "revision"),
		}
		o.Cart = checkouts[o.ID]
		if early := rapid.SampledFrom([]time.Duration{0, 0, 0, 20 * time.Minute, 2 * aDay, -aDay}).Draw(t, "placed earlier"); early != 0 {
			o.PlacedAt = f.Time.Add(-early)
		}
		f.Body = crm.OrderSaved{Order: o}
	case "consent":
		as(rapid.SampledFrom(slices.DeleteFunc(slices.Clone(cast), func(who identity) bool { return who.email == "" })).Draw(t, "who"))
		c := crm.Consent{
			Granted: rapid.IntRange(0, 4).Draw(t, "denied") < 4,
			Source:  rapid.SampledFrom([]string{"form", "form", "form", "import"}).Draw(t, "source"),
			Topic:   rapid.SampledFrom([]string{"", "", "", "", "news"}).Draw(t, "topic"),
		}
		f.Body = crm.ConsentChanged{Consent: c}
	case "paid":
		f.Body = crm.OrderPaid{Order: order()}
	case "shipped":
		f.Body = crm.OrderShipped{Order: order()}
	case "delivered":
		f.Body = crm.OrderDelivered{Order: order()}
	case "cancelled":
		f.Body = crm.OrderCancelled{Order: order()}
	case "refunded":
		r := crm.OrderRefunded{Order: order(), Refund: rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "refund")}
		if r.Whole = rapid.Bool().Draw(t, "whole"); !r.Whole {
			r.Amount = crm.Yen(rapid.SampledFrom([]int64{500, 2400, 9000}).Draw(t, "amount"))
		}
		f.Body = r
	case "customer":
		as(rapid.SampledFrom(slices.DeleteFunc(slices.Clone(cast), func(who identity) bool { return who == identity{} })).Draw(t, "who"))
		f.Body = crm.CustomerSaved{CustomerPatch: drawPatch(t, f)}
	}
}

func drawPatch(t *rapid.T, f *crm.Fact) crm.CustomerPatch {
	var p crm.CustomerPatch
	switch rapid.IntRange(0, 6).Draw(t, "patch") {
	case 0:
		p.GivenName = new(rapid.SampledFrom([]string{"花子", "太郎", ""}).Draw(t, "given"))
	case 1:
		p.Hold = new(rapid.Bool().Draw(t, "hold"))
	case 2:
		p.AddTags = []string{"vip"}
	case 3:
		p.RemoveTags = []string{"vip"}
	case 4:
		p.Attributes = map[string]string{"size": rapid.SampledFrom([]string{"M", ""}).Draw(t, "size")}
	case 5:
		p.Withdrawn = new(rapid.SampledFrom([]time.Time{f.Time, {}}).Draw(t, "withdrawn"))
	case 6:
		p.Baseline = &crm.Baseline{Orders: rapid.IntRange(0, 1).Draw(t, "before"), Amount: crm.Yen(3000)}
	}
	return p
}

// drawHistory splits facts into the rounds of a worker, each of which comes a
// while after the last of its facts and before the first of the next.
func drawHistory(t *rapid.T, published time.Time, facts []crm.Fact) history {
	h := history{published: published}
	for len(facts) > 0 {
		n := rapid.IntRange(1, len(facts)).Draw(t, "look")
		for n < len(facts) && facts[n].Time.Equal(facts[n-1].Time) {
			n++
		}
		l := look{at: facts[n-1].Time.Add(rapid.SampledFrom([]time.Duration{0, 10 * time.Minute, time.Hour, 3 * time.Hour, 2 * aDay}).Draw(t, "away"))}
		l.until = l.at.Add(40 * aDay)
		if n < len(facts) {
			l.until = facts[n].Time.Add(-time.Microsecond)
		}
		if l.at.After(l.until) {
			l.at = facts[n-1].Time
		}
		l.batch = rapid.IntRange(1, 64).Draw(t, "batch")
		l.batches = drawBatches(t, facts[:n])
		h.looks = append(h.looks, l)
		facts = facts[n:]
	}
	return h
}

// drawBatches permutes facts, doubles some, and splits them.
func drawBatches(t *rapid.T, facts []crm.Fact) [][]crm.Fact {
	list := rapid.Permutation(facts).Draw(t, "order of arrival")
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(facts)-1), 0, 2).Draw(t, "twice") {
		list = append(list, facts[i])
	}
	var batches [][]crm.Fact
	for len(list) > 0 {
		n := rapid.IntRange(1, len(list)).Draw(t, "batch size")
		batches = append(batches, list[:n])
		list = list[n:]
	}
	return batches
}
