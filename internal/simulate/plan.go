package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// A Plan is what one seed makes happen.
type Plan struct {
	Seed     uint64
	Schedule uint64 // Schedule is the seed of turns and faults. Defaults to Seed.
	// Punctual: every fact is told as it happens, and no two things happen
	// within two seconds, so that clocks that disagree decide the same.
	Punctual bool
	Marks    bool // Marks: the mailer marks the starts itself.
	Workers  int
	Batch    int // Batch is how many customers a transaction folds.
	Journeys []variant
	Tellings []Telling // Tellings are in order of At.
	Releases []Release
	Faults   Faults
}

// A Telling is a fact, and how it comes in.
type Telling struct {
	Fact   crm.Fact
	person *person
	At     time.Time     // At is when it is told.
	Open   time.Duration // Open is how long its transaction stays open; with Delay alone.
	Again  time.Duration // Again is how much later it is told again; zero for never.
}

// A Release publishes a journey, or templates with other words, from a process
// of its own.
type Release struct {
	At      time.Time
	Journey *variant // Journey is nil for templates.
}

// A person is one human being, under whatever names her facts come in.
type person struct {
	account string // account is "" for one who never opens one.
	email   string
}

func (p *person) String() string { return strings.Trim(p.account+"/"+p.email, "/") }

// NewPlan draws the plan of a seed.
func NewPlan(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 1))
	p := &Plan{
		Seed: seed, Schedule: seed, Punctual: r.IntN(3) == 0, Marks: r.IntN(2) == 0,
		Workers: 1 + r.IntN(3), Batch: []int{1, 2, 64}[r.IntN(3)],
	}
	for kind := range p.Faults {
		p.Faults[kind] = r.IntN(10) < 6
	}
	for _, id := range []string{"receipt", "cart", "visit"} {
		if r.IntN(4) > 0 {
			p.Journeys = append(p.Journeys, variants[id][r.IntN(len(variants[id]))])
		}
	}
	if p.Journeys == nil {
		p.Journeys = append(p.Journeys, variants["cart"][0])
	}
	p.tell(r)
	p.release(r)
	return p
}

// release draws what is published while the shop is open. A journey of which
// another version comes is one of which runs are told apart by nothing but time,
// so only where facts may be late anyway.
func (p *Plan) release(r *rand.Rand) {
	if r.IntN(3) == 0 {
		p.Releases = append(p.Releases, Release{At: begin.Add(time.Duration(r.IntN(3000))*time.Minute + time.Second)})
	}
	if !p.Punctual && r.IntN(3) == 0 {
		j := p.Journeys[r.IntN(len(p.Journeys))]
		next := variants[j.journey.ID][r.IntN(len(variants[j.journey.ID]))]
		p.Releases = append(p.Releases, Release{At: begin.Add(time.Duration(r.IntN(3000))*time.Minute + time.Second), Journey: &next})
	}
}

// last is when the last of the plan is told or published.
func (p *Plan) last() time.Time {
	last := begin
	for _, t := range p.Tellings {
		last = latest(last, t.At.Add(t.Open+t.Again))
	}
	for _, r := range p.Releases {
		last = latest(last, r.At)
	}
	return last
}

// quiet is from when on nothing goes wrong any more, and end when whatever was
// begun has come to its end: waits, retries and leases all together.
func (p *Plan) quiet() time.Time { return p.last().Add(6 * time.Hour) }
func (p *Plan) end() time.Time   { return p.quiet().Add(5 * 24 * time.Hour) }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// String tells the plan.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d workers, batches of %d, punctual %t, mailer marks starts %t, faults: %s\n",
		p.Seed, p.Workers, p.Batch, p.Punctual, p.Marks, p.Faults)
	for _, j := range p.Journeys {
		fmt.Fprintf(&b, "  journey %s: %s\n", j.journey.ID, j.name)
	}
	for _, r := range p.Releases {
		what := "templates"
		if r.Journey != nil {
			what = r.Journey.name
		}
		fmt.Fprintf(&b, "  %s  publish %s\n", clockTime(r.At), what)
	}
	for _, t := range p.Tellings {
		fmt.Fprintf(&b, "  %s  %s", clockTime(t.Fact.Time), describe(t.Fact))
		if !t.At.Equal(t.Fact.Time) {
			fmt.Fprintf(&b, ", told at %s", clockTime(t.At))
		}
		if t.Open > 0 {
			fmt.Fprintf(&b, ", committed %s later", t.Open)
		}
		if t.Again > 0 {
			fmt.Fprintf(&b, ", told again %s later", t.Again)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// describe tells a fact in a line.
func describe(f crm.Fact) string {
	who := strings.Trim(f.Customer+"/"+f.Email, "/")
	if who == "" {
		who = "somebody"
	}
	what := strings.ReplaceAll(string(f.Body.FactType()), "_", " ")
	switch b := f.Body.(type) {
	case crm.CartUpdated:
		what = fmt.Sprintf("cart %s: %d items", b.Cart.ID, len(b.Cart.Items))
	case crm.OrderSaved:
		what = strings.TrimSpace(fmt.Sprintf("order %s out of cart %q %s", b.Order.ID, b.Order.Cart, b.Order.Method))
	case crm.ConsentChanged:
		what = fmt.Sprintf("consent %t", b.Granted)
	case crm.Custom:
		what = b.Name
	default:
		if id := orderOf(b); id != "" {
			what += " " + id
		}
	}
	return fmt.Sprintf("%s %s: %s", f.ID, who, what)
}

// orderOf is the order that a fact is about, "" if none.
func orderOf(b crm.Body) string {
	switch b := b.(type) {
	case crm.OrderSaved:
		return b.Order.ID
	case crm.OrderPaid:
		return b.Order
	case crm.OrderShipped:
		return b.Order
	case crm.OrderCancelled:
		return b.Order
	case crm.OrderRefunded:
		return b.Order
	}
	return ""
}

func (p *Plan) sortTellings() {
	slices.SortStableFunc(p.Tellings, func(a, b Telling) int { return a.At.Compare(b.At) })
}
