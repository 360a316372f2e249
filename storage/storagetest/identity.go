package storagetest

import (
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// ids are different ids, though a collation or a careless statement may not
// think so.
var ids = []string{
	"hanako", "Hanako", "HANAKO", "hanako ", " hanako", "hanako\\", "ｈａｎａｋｏ",
	"é", "e\u0301", "ß", "ss", "ı", "i", "I", "は", "ハ", "ﾊ", "ば", "は\u3099",
	"'", "''", `"`, "`", "O'Brien; DROP TABLE goen_fact; --", "%", "_", "?", "$1", ":a", "@a", "{}", "[]", "\\u0041", "<b>&amp;",
	"👘", "👨‍👩‍👧", "e-mail:hanako+tea@example.jp", "a/b", "a|b", "0", "00", "1e0", "null", "NULL", "true",
}

var identityChecks = []check{
	{"IDsAreBytes", "Ids are compared byte by byte: two customers whose ids differ in case, width, accents or a trailing space are two people. Rows are ordered by the bytes too.",
		func(p *probe) {
			var changes crm.Changes
			for _, id := range ids {
				p.append(fact(id, 1, id))
				changes.Orders = append(changes.Orders, crm.OrderRow{ID: id, Customer: id, Status: id, Currency: "JPY", State: []byte(`{}`)})
				changes.Queue = append(changes.Queue, message(id, id, 1))
			}
			p.change(changes, ids...)
			sorted := slices.Sorted(slices.Values(ids))
			p.want("customers", names(p.customers(crm.CustomerQuery{}), customerID), sorted)
			p.want("customers by id", names(p.customers(crm.CustomerQuery{IDs: ids}), customerID), sorted)
			p.want("facts", names(p.facts(crm.FactQuery{}), factID), sorted)
			p.want("messages", names(p.messages(crm.MessageQuery{}), messageID), sorted)
			for _, id := range ids {
				c := p.customer(id)
				p.want("orders of "+id, names(c.Orders, func(o crm.OrderRow) string { return o.ID }), []string{id})
				p.want("inbox of "+id, names(c.Pending, factID), []string{id})
				p.want("facts of "+id, names(p.facts(crm.FactQuery{Customer: id}), factID), []string{id})
				p.want("messages of "+id, names(p.messages(crm.MessageQuery{Customer: id}), messageID), []string{id})
			}
		}},
	{"LongIDs", "Ids may be 255 bytes long, all at once.",
		func(p *probe) {
			long := strings.Repeat("縁", 85)
			p.shop = p.shop + strings.Repeat("s", 255-len(p.shop))
			m := message(long, long, 1)
			m.AddressKey, m.CartKey, m.Order, m.Enrollment, m.Journey, m.Step, m.Template = long, long, long, long, long, long, long
			p.append(fact(long, 1, long, long[:252]+"えん"[:3]))
			order := crm.OrderRow{ID: long, Customer: long, Status: "paid", Currency: "JPY", State: []byte(`{}`)}
			p.change(crm.Changes{Queue: []crm.Message{m}, Orders: []crm.OrderRow{order}, SetAside: map[string]string{long: "why"}}, long)
			if _, err := p.store.Define(p.Context(), p.shop, crm.Definition{Kind: "journey", ID: long, Hash: []byte("h"), Body: []byte(`{}`)}); err != nil {
				p.Fatalf("Define: %v", err)
			}
			p.want("the message", p.message(long), m)
			p.want("the order", p.customer(long).Orders, []crm.OrderRow{order})
			p.want("set aside", names(p.facts(crm.FactQuery{SetAside: true}), factID), []string{long})
		}},
	{"TimesAreExact", "A store gives back the instants it was given, to the microsecond, in UTC. A wait of a day counts from them, and a time that moves by rounding changes the order of facts.",
		func(p *probe) {
			tokyo := time.FixedZone("JST", 9*60*60)
			moments := []time.Time{
				time.Date(1954, 7, 3, 23, 59, 59, 999999000, time.UTC),
				time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Date(2026, 3, 29, 2, 30, 0, 1000, tokyo),
				time.Date(2026, 3, 29, 2, 30, 0, 999999000, tokyo),
				time.Date(2999, 12, 31, 23, 59, 59, 500000000, time.UTC),
			}
			p.meet("hanako")
			var facts []crm.FactRow
			for i, moment := range moments {
				f := fact("f"+string(rune('0'+i)), 0, "hanako")
				f.Time, f.RecordedAt = moment, moment.Add(time.Microsecond)
				p.append(f)
				f.Time, f.RecordedAt = f.Time.UTC(), f.RecordedAt.UTC()
				facts = append(facts, f)

				m := message("m"+f.ID, "hanako", 0)
				m.SendAt, m.Deadline = moment, moment.Add(time.Hour)
				o := crm.OrderRow{ID: "o" + f.ID, Customer: "hanako", PlacedAt: moment, CountedAt: moment.Add(time.Microsecond), State: []byte(`{}`)}
				d := decision("hanako", f.ID, 0)
				d.At = moment
				p.change(crm.Changes{
					Customers: []crm.CustomerRow{{ID: "hanako", State: []byte(`{}`), NextDue: moment, NextReview: moment.Add(time.Microsecond)}},
					Queue:     []crm.Message{m}, Orders: []crm.OrderRow{o}, Decisions: []crm.Decision{d},
				}, "hanako")
				m.SendAt, m.Deadline = m.SendAt.UTC(), m.Deadline.UTC()
				o.PlacedAt, o.CountedAt = o.PlacedAt.UTC(), o.CountedAt.UTC()
				d.At = d.At.UTC()
				p.want("NextDue", p.customer("hanako").NextDue, moment.UTC())
				p.want("NextReview", p.customer("hanako").NextReview, moment.Add(time.Microsecond).UTC())
				p.want("message", p.message(m.ID), m)
				p.want("order", p.customer("hanako").Orders[i], o)
				p.want("decision", p.decisions(crm.DecisionQuery{})[i], d)
				defined, err := p.store.Define(p.Context(), p.shop, crm.Definition{Kind: "journey", ID: f.ID, Hash: []byte("h"), Body: []byte(`{}`), PublishedAt: moment})
				if err != nil {
					p.Fatalf("Define: %v", err)
				}
				p.want("PublishedAt", defined.PublishedAt, moment.UTC())
			}
			p.want("facts", p.facts(crm.FactQuery{})[:2], facts[:2])
			p.want("the last fact", p.facts(crm.FactQuery{ID: "f4"}), facts[4:])
		}},
	{"NoTimeIsNoTime", "The zero time comes back as the zero time, not as 1970.",
		func(p *probe) {
			p.meet("hanako")
			m := message("m1", "hanako", 1)
			m.Deadline = time.Time{}
			o := crm.OrderRow{ID: "o1", Customer: "hanako", State: []byte(`{}`)}
			p.change(crm.Changes{
				Customers: []crm.CustomerRow{{ID: "hanako", NextDue: at(1), NextReview: at(1)}}, Queue: []crm.Message{m}, Orders: []crm.OrderRow{o},
			}, "hanako")
			p.change(crm.Changes{Customers: []crm.CustomerRow{{ID: "hanako"}}}, "hanako")
			c := p.customer("hanako")
			p.want("NextDue", c.NextDue, time.Time{})
			p.want("NextReview", c.NextReview, time.Time{})
			p.want("the state", c.State, []byte(nil))
			p.want("the order", c.Orders, []crm.OrderRow{o})
			p.want("the message", p.message("m1"), m)
		}},
}
