package storagetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// A probe is one check's shop in the store under test. Its methods fail the
// check on errors that it does not expect.
type probe struct {
	*testing.T
	h     Harness
	store crm.Store
	shop  string
}

// on is the same check on another store with the same data.
func (p *probe) on(s crm.Store) *probe {
	other := *p
	other.store = s
	return &other
}

// elsewhere is the same check in another shop of the store.
func (p *probe) elsewhere() *probe {
	other := *p
	other.shop = newShop()
	return &other
}

// at is a moment of the checks' time, n seconds after it begins.
func at(n int) time.Time {
	return time.Date(2026, 1, 5, 9, 0, 0, 123456000, time.UTC).Add(time.Duration(n) * time.Second)
}

// fact is a fact of n seconds, in the inboxes of keys, of which the first is
// the customer's. Its content follows from its id.
func fact(id string, n int, keys ...string) crm.FactRow {
	hash := sha256.Sum256([]byte(id))
	return crm.FactRow{
		ID: id, Customer: keys[0], Keys: keys, Type: "test", Time: at(n), RecordedAt: at(n + 1),
		Hash: hash[:], Body: []byte(fmt.Sprintf(`{"n":%d}`, n)),
	}
}

// altered is a fact with the same id and other content.
func altered(f crm.FactRow) crm.FactRow {
	hash := sha256.Sum256(append([]byte("altered"), f.Hash...))
	f.Hash, f.Body = hash[:], []byte(`{"altered":true}`)
	return f
}

// message is a queued message to a customer, due at n seconds.
func message(id, customer string, n int) crm.Message {
	return crm.Message{
		ID: id, Enrollment: "cart-recovery/" + customer, Journey: "cart-recovery", Version: 3, Step: "reminder", Visit: 1,
		Template: "cart-reminder", TemplateVersion: 2, Class: crm.Marketing,
		Customer: customer, To: "hanako@example.jp", SendAt: at(n), Deadline: at(n + 7200), State: crm.MessageQueued,
	}
}

// decision is a line for the log.
func decision(customer, detail string, n int) crm.Decision {
	return crm.Decision{Customer: customer, At: at(n), Kind: crm.DecidedBranch, Journey: "cart-recovery", Version: 3,
		Enrollment: "cart-recovery/" + customer, Step: "rank", Detail: detail}
}

func (p *probe) append(facts ...crm.FactRow) {
	p.Helper()
	if err := p.store.Append(p.Context(), p.shop, facts); err != nil {
		p.Fatalf("Append: %v", err)
	}
}

// meet makes customers known, with empty inboxes.
func (p *probe) meet(customers ...string) {
	p.Helper()
	for _, c := range customers {
		p.append(fact("met-"+c, 0, c))
	}
	p.update(customers, func(w *crm.Work) *crm.Changes {
		return &crm.Changes{Consumed: entries(w.Customers)}
	})
}

// update changes some customers and returns how many were found.
func (p *probe) update(ids []string, decide func(*crm.Work) *crm.Changes) int {
	p.Helper()
	return p.selected(crm.Selection{IDs: ids}, decide)
}

func (p *probe) selected(sel crm.Selection, decide func(*crm.Work) *crm.Changes) int {
	p.Helper()
	n, err := p.store.Update(p.Context(), p.shop, sel, func(w *crm.Work) (*crm.Changes, error) { return decide(w), nil })
	if err != nil {
		p.Fatalf("Update: %v", err)
	}
	return n
}

// filled loads what an update's customers have beside their inboxes.
func (p *probe) filled(w *crm.Work) []crm.CustomerRow {
	p.Helper()
	if err := w.Fill(w.Customers); err != nil {
		p.Fatalf("Fill: %v", err)
	}
	return w.Customers
}

// change writes changes for customers.
func (p *probe) change(changes crm.Changes, ids ...string) {
	p.Helper()
	p.update(ids, func(*crm.Work) *crm.Changes { return &changes })
}

// queue makes messages' customers known and queues the messages.
func (p *probe) queue(messages ...crm.Message) {
	p.Helper()
	for _, m := range messages {
		p.meet(m.Customer)
	}
	p.change(crm.Changes{Queue: messages})
}

// lease claims up to 100 messages due at n seconds, for a minute.
func (p *probe) lease(n int) crm.Leases {
	p.Helper()
	return p.leaseUpTo(100, n)
}

func (p *probe) leaseUpTo(limit, n int) crm.Leases {
	p.Helper()
	leases, err := p.store.Lease(p.Context(), p.shop, crm.LeaseRequest{Now: at(n), Until: at(n + 60), Limit: limit})
	if err != nil {
		p.Fatalf("Lease: %v", err)
	}
	return leases
}

func (p *probe) mark(marks ...crm.Mark) []bool {
	p.Helper()
	applied, err := p.store.Mark(p.Context(), p.shop, marks)
	if err != nil {
		p.Fatalf("Mark: %v", err)
	}
	if len(applied) != len(marks) {
		p.Fatalf("Mark of %d marks reports on %d", len(marks), len(applied))
	}
	return applied
}

// start is the mark that a worker makes before it sends what it claimed.
func start(m crm.Message, n int) crm.Mark {
	return crm.Mark{Message: m.ID, Attempt: m.Attempt, From: []crm.MessageState{crm.MessageClaimed}, To: crm.MessageStarted,
		At: at(n), Lease: at(n + 300), Content: []byte("Subject: tea\r\n\r\n" + m.ID)}
}

func (p *probe) customer(id string) crm.CustomerRow {
	p.Helper()
	rows := p.customers(crm.CustomerQuery{IDs: []string{id}})
	if len(rows) != 1 {
		p.Fatalf("Customers finds %d customers %q, want 1", len(rows), id)
	}
	return rows[0]
}

func (p *probe) customers(q crm.CustomerQuery) []crm.CustomerRow {
	p.Helper()
	return collect(p, "Customers", p.store.Customers(p.Context(), p.shop, q))
}

func (p *probe) facts(q crm.FactQuery) []crm.FactRow {
	p.Helper()
	return collect(p, "Facts", p.store.Facts(p.Context(), p.shop, q))
}

func (p *probe) messages(q crm.MessageQuery) []crm.Message {
	p.Helper()
	return collect(p, "Messages", p.store.Messages(p.Context(), p.shop, q))
}

func (p *probe) message(id string) crm.Message {
	p.Helper()
	messages := p.messages(crm.MessageQuery{ID: id, Content: true})
	if len(messages) != 1 {
		p.Fatalf("Messages finds %d messages %q, want 1", len(messages), id)
	}
	return messages[0]
}

func (p *probe) decisions(q crm.DecisionQuery) []crm.Decision {
	p.Helper()
	return collect(p, "Decisions", p.store.Decisions(p.Context(), p.shop, q))
}

func collect[R any](p *probe, method string, rows iter.Seq2[R, error]) []R {
	p.Helper()
	var all []R
	for row, err := range rows {
		if err != nil {
			p.Fatalf("%s: %v", method, err)
		}
		all = append(all, row)
	}
	return all
}

// entries are the inbox entries of everything pending.
func entries(customers []crm.CustomerRow) []crm.InboxEntry {
	var all []crm.InboxEntry
	for _, c := range customers {
		for _, f := range c.Pending {
			all = append(all, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
		}
	}
	return all
}

// names are the ids of rows.
func names[R any](rows []R, id func(R) string) []string {
	ids := []string{}
	for _, row := range rows {
		ids = append(ids, id(row))
	}
	return ids
}

func factID(f crm.FactRow) string         { return f.ID }
func customerID(c crm.CustomerRow) string { return c.ID }
func messageID(m crm.Message) string      { return m.ID }
func detail(d crm.Decision) string        { return d.Detail }

// want fails the check unless got is what it should be. Rows are compared as a
// store has to keep them: see [kept].
func (p *probe) want(what string, got, want any) {
	p.Helper()
	if g, w := kept(got), kept(want); !reflect.DeepEqual(g, w) {
		p.Errorf("%s:\n\tgot  %s\n\twant %s", what, show(g), show(w))
	}
}

func show(v any) string {
	text := fmt.Sprintf("%+v", v)
	if data, err := json.Marshal(v); err == nil {
		text = string(data)
	}
	if len(text) > 2000 {
		return text[:2000] + "…"
	}
	return text
}

// kept is a copy of rows without the differences that a store may make: JSON
// may be written in another way, a list without elements may be nil, lane ""
// may be written out.
func kept(v any) any {
	switch v := v.(type) {
	case crm.FactRow:
		v.Keys, v.Body = nil, canonical(v.Body)
		return v
	case crm.OrderRow:
		v.State = canonical(v.State)
		return v
	case crm.CustomerRow:
		v.State = canonical(v.State)
		v.Orders, v.Pending, v.Messages = list(v.Orders), list(v.Pending), list(v.Messages)
		return v
	case crm.Message:
		if v.Lane == "" {
			v.Lane = crm.Prompt
		}
		return v
	case crm.Definition:
		v.Body = canonical(v.Body)
		return v
	case crm.Leases:
		return crm.Leases{Claimed: list(v.Claimed), Expired: list(v.Expired)}
	case []crm.FactRow:
		return list(v)
	case []crm.OrderRow:
		return list(v)
	case []crm.CustomerRow:
		return list(v)
	case []crm.Definition:
		return list(v)
	case []crm.Message:
		return list(v)
	case []crm.Decision:
		return list(v)
	case []string:
		return list(v)
	default:
		return v
	}
}

func list[R any](rows []R) []R {
	copied := []R{}
	for _, row := range rows {
		copied = append(copied, kept(row).(R))
	}
	return copied
}

func canonical(document []byte) []byte {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return document
	}
	data, err := json.Marshal(value)
	if err != nil {
		return document
	}
	return data
}

// document is JSON of about n bytes.
func document(n int) []byte {
	return []byte(`{"text":"` + strings.Repeat("ご縁", n/6) + `"}`)
}

// cancelled is a context that is over.
func cancelled(p *probe) context.Context {
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	return ctx
}
