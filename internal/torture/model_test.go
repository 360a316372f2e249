package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// noon is when the stories of the tests begin.
var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// hanako is the person whom they are about.
var hanako = &person{name: "hanako", email: "hanako" + customerDomain}

// A pen writes a ledger by hand.
type pen struct{ entries []Entry }

// tell writes that facts are told, and what came of it a second later.
func (p *pen) tell(o Outcome, at time.Time, who *person, facts ...crm.Fact) {
	batch := int64(len(p.entries) + 1)
	p.entries = append(p.entries,
		Entry{Batch: batch, Outcome: Trying, At: at, Clock: at, Shop: "shop0", Person: who.email, Facts: facts},
		Entry{Batch: batch, Outcome: o, At: at.Add(time.Second), Clock: at.Add(time.Second)})
}

func TestExpect(t *testing.T) {
	const minute = time.Minute
	order := hanako.does("orders", noon, hanako.orders(0))
	joins := []crm.Fact{hanako.does("agrees", noon, consents(true)), hanako.does("joins", noon, crm.Custom{Name: joined})}
	leaves := hanako.doesAsGuest("leaves", noon, crm.Custom{Name: leftOff})
	optsOut := hanako.doesAsGuest("opts out", noon.Add(minute), consents(false))
	receipt, parcel := Receipt+" "+hanako.order(0), Parcel+" "+hanako.order(0)
	for _, test := range []struct {
		name  string
		write func(*pen)
		must  []string // subjects of mails that must be sent
		may   []string // subjects of others
		ends  int      // how many commits take one of those back
	}{
		{"an order", func(p *pen) { p.tell(Committed, noon, hanako, order) }, []string{parcel, receipt}, nil, 0},
		{"an order told twice", func(p *pen) {
			p.tell(Committed, noon, hanako, order)
			p.tell(Committed, noon, hanako, order)
		}, []string{parcel, receipt}, nil, 0},
		{"an order that is rolled back", func(p *pen) { p.tell(RolledBack, noon, hanako, order) }, nil, nil, 0},
		{"an order whose commit is unknown", func(p *pen) { p.tell(Unknown, noon, hanako, order) }, nil, []string{parcel, receipt}, 0},
		{"an order told again until it is known", func(p *pen) {
			p.tell(RolledBack, noon, hanako, order)
			p.tell(Unknown, noon, hanako, order)
			p.tell(Committed, noon, hanako, order)
		}, []string{parcel, receipt}, nil, 0},
		{"an order whose commit is unknown, and then rolled back", func(p *pen) {
			p.tell(Unknown, noon, hanako, order)
			p.tell(RolledBack, noon, hanako, order)
		}, nil, []string{parcel, receipt}, 0},
		{"a cancelled order", func(p *pen) {
			p.tell(Committed, noon, hanako, order)
			p.tell(Committed, noon, hanako, hanako.does("cancels", noon.Add(minute), crm.OrderCancelled{Order: hanako.order(0)}))
		}, nil, []string{parcel, receipt}, 2},
		{"another's order is cancelled", func(p *pen) {
			p.tell(Committed, noon, hanako, order)
			p.tell(Committed, noon, hanako, hanako.does("cancels", noon.Add(minute), crm.OrderCancelled{Order: "another"}))
		}, []string{parcel, receipt}, nil, 0},
		{"she joins", func(p *pen) { p.tell(Committed, noon, hanako, joins...) }, []string{Welcome}, nil, 0},
		{"and opts out", func(p *pen) {
			p.tell(Committed, noon, hanako, joins...)
			p.tell(Committed, noon, hanako, optsOut)
		}, nil, []string{Welcome}, 1},
		{"and maybe opts out", func(p *pen) {
			p.tell(Committed, noon, hanako, joins...)
			p.tell(Unknown, noon, hanako, optsOut)
		}, nil, []string{Welcome}, 0},
		{"and does not opt out after all", func(p *pen) {
			p.tell(Committed, noon, hanako, joins...)
			p.tell(RolledBack, noon, hanako, optsOut)
		}, []string{Welcome}, nil, 0},
		{"she leaves her cart", func(p *pen) { p.tell(Committed, noon, hanako, leaves) }, []string{Reminder}, nil, 0},
		{"and buys", func(p *pen) {
			p.tell(Committed, noon, hanako, leaves)
			p.tell(Committed, noon, hanako, hanako.does("orders", noon.Add(minute), hanako.orders(0)))
		}, []string{parcel, receipt}, []string{Reminder}, 1},
		{"having bought before", func(p *pen) {
			p.tell(Committed, noon, hanako, leaves)
			p.tell(Committed, noon, hanako, hanako.does("orders", noon.Add(-minute), hanako.orders(0)))
		}, []string{parcel, receipt, Reminder}, nil, 0},
		{"she is erased", func(p *pen) {
			p.tell(Committed, noon, hanako, append(joins, order, leaves)...)
			p.tell(Committed, noon, hanako, hanako.does("is erased", noon.Add(minute), crm.CustomerErased{}))
		}, nil, []string{parcel, receipt, Reminder, Welcome}, 5},
		{"somebody else is erased", func(p *pen) {
			p.tell(Committed, noon, hanako, joins...)
			taro := &person{name: "taro", email: "taro" + customerDomain}
			p.tell(Committed, noon, taro, taro.does("is erased", noon.Add(minute), crm.CustomerErased{}))
		}, []string{Welcome}, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := new(pen)
			test.write(p)
			mails := Expect(p.entries)
			var must, may []string
			ends := 0
			for _, mail := range slices.SortedFunc(maps.Keys(mails), compareMails) {
				e := mails[mail]
				if ends += len(e.Ends); e.Must {
					must = append(must, mail.Subject)
				} else {
					may = append(may, mail.Subject)
				}
			}
			if !slices.Equal(must, test.must) || !slices.Equal(may, test.may) || ends != test.ends {
				t.Errorf("must be sent %q, may be %q, with %d ends, want %q, %q, %d", must, may, ends, test.must, test.may, test.ends)
			}
		})
	}
}
