package torture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// A Ledger is who must get what. It is written before anything happens, and
// not from what goen says.
type Ledger struct{ Entries []Entry }

// An Entry is one customer and the one mail that is due to her.
type Entry struct {
	Customer string
	Address  string
	Class    crm.Class
	// OptedOut: she opts out before the mail is due, and must not get it.
	OptedOut bool
}

// NewLedger returns a ledger of n customers: half of them ask for a
// transactional mail, half join the marketing list, and one in ten of those
// leaves it again.
func NewLedger(n int) *Ledger {
	l := new(Ledger)
	for i := range n {
		e := Entry{Customer: fmt.Sprintf("c%05d", i), Address: fmt.Sprintf("c%05d@example.jp", i), Class: crm.Transactional}
		if i%2 == 1 {
			e.Class, e.OptedOut = crm.Marketing, i%20 == 1
		}
		l.Entries = append(l.Entries, e)
	}
	return l
}

// Mails is how many mails must be sent.
func (l *Ledger) Mails() int {
	n := 0
	for _, e := range l.Entries {
		if !e.OptedOut {
			n++
		}
	}
	return n
}

// Record tells goen all that the ledger holds.
func (l *Ledger) Record(ctx context.Context, shop *crm.Shop, clock *Clock) error {
	return l.record(ctx, shop, clock, l.Entries)
}

// record tells goen what happened, a few customers at a time. Who opts out does
// so right after she joined.
func (l *Ledger) record(ctx context.Context, shop *crm.Shop, clock *Clock, entries []Entry) error {
	for some := range slices.Chunk(entries, 10) {
		var facts, regrets []crm.Fact
		begin := clock.Now()
		for i, e := range some {
			facts = append(facts, e.facts(begin, time.Duration(i)*100*time.Millisecond)...)
			if e.OptedOut {
				regrets = append(regrets, e.regret(clock.Now()))
			}
		}
		for _, batch := range [][]crm.Fact{facts, regrets} {
			if err := shop.Record(ctx, batch...); err != nil {
				return err
			}
		}
		if took := clock.Now().Sub(begin); took >= pause {
			return fmt.Errorf("recording %d facts took %v: who opted out was too late", len(facts), took)
		}
	}
	return nil
}

// facts returns what is to be recorded about e. The mail is due at once if it
// is transactional, else soon: she joined nearly a minute ago. Who opts out has
// just joined, so that she does it in time.
func (e Entry) facts(now time.Time, soon time.Duration) []crm.Fact {
	fact := func(id string, at time.Time, body crm.Body) crm.Fact {
		return crm.Fact{ID: e.Customer + " " + id, Time: at, Customer: e.Customer, Email: e.Address, Body: body}
	}
	if e.Class == crm.Transactional {
		return []crm.Fact{fact(asked, now, crm.Custom{Name: asked})}
	}
	since := now.Add(soon - pause)
	if e.OptedOut {
		since = now
	}
	return []crm.Fact{
		fact("consent", since, crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form"}}),
		fact(joined, since, crm.Custom{Name: joined}),
	}
}

// regret returns the opt-out of a customer who does not want the mail after all.
func (e Entry) regret(now time.Time) crm.Fact {
	return crm.Fact{
		ID: e.Customer + " regret", Time: now, Customer: e.Customer, Email: e.Address,
		Body: crm.ConsentChanged{Consent: crm.Consent{Granted: false, Source: "link"}},
	}
}
