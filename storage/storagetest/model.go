package storagetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/memory"
)

var modelChecks = []check{
	{"LikeTheReference", "Over any sequence of calls, a store answers like storage/memory, which is written to be read. Where they differ, one of the two has the rule wrong.",
		func(p *probe) {
			rapid.Check(p.T, func(t *rapid.T) {
				m := &model{T: t, probe: p.elsewhere(), reference: memory.New()}
				t.Repeat(map[string]func(*rapid.T){
					"append": m.append,
					"update": m.update,
					"lease":  m.lease,
					"mark":   m.mark,
					"define": m.define,
					"import": m.imports,
					"purge":  m.purge,
					"read":   m.read,
				})
				m.read(t)
			})
		}},
}

// A model makes the same calls on the store under test and on the reference.
type model struct {
	*rapid.T
	probe     *probe
	reference *memory.Store
	clock     int
	leased    []crm.Message
}

// same fails unless both stores have answered alike.
func (m *model) same(t *rapid.T, what string, got, want any, gotErr, wantErr error) {
	t.Helper()
	if (gotErr == nil) != (wantErr == nil) || errors.Is(gotErr, crm.ErrConflict) != errors.Is(wantErr, crm.ErrConflict) {
		t.Fatalf("%s returns the error %v, the reference %v", what, gotErr, wantErr)
	}
	if g, w := kept(got), kept(want); !reflect.DeepEqual(g, w) {
		t.Fatalf("%s:\n\tgot           %s\n\tthe reference %s", what, show(g), show(w))
	}
}

var (
	anyCustomer = rapid.SampledFrom([]string{"a", "b", "c", "d", "A"})
	anyFact     = rapid.SampledFrom([]string{"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7"})
	anyMessage  = rapid.SampledFrom([]string{"m0", "m1", "m2", "m3", "m4"})
	anyOrder    = rapid.SampledFrom([]string{"o0", "o1", "o2"})
	anyType     = rapid.SampledFrom([]string{"order.placed", "consent.changed"})
	anyLane     = rapid.SampledFrom([]crm.Lane{"", crm.Prompt, crm.Bulk})
	anyShare    = rapid.SampledFrom([]crm.Share{{}, {}, {Part: 0, Of: 2}, {Part: 1, Of: 2}, {Part: 2, Of: 3}})
	anySecond   = rapid.IntRange(0, 40)
	anyState    = rapid.SampledFrom([]crm.MessageState{
		crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageSent, crm.MessageFailed, crm.MessageUnknown,
	})
)

// facts draws facts to add.
func (m *model) facts(t *rapid.T) []crm.FactRow {
	var facts []crm.FactRow
	for range rapid.IntRange(0, 4).Draw(t, "facts") {
		keys := rapid.SliceOfNDistinct(anyCustomer, 1, 3, rapid.ID).Draw(t, "keys")
		f := fact(anyFact.Draw(t, "fact"), anySecond.Draw(t, "time"), keys...)
		f.Type = anyType.Draw(t, "type")
		if rapid.IntRange(0, 15).Draw(t, "altered") == 0 {
			f = altered(f)
		}
		facts = append(facts, f)
	}
	return facts
}

func (m *model) append(t *rapid.T) {
	facts := m.facts(t)
	got := m.probe.store.Append(m.probe.Context(), m.probe.shop, facts)
	want := m.reference.Append(m.probe.Context(), m.probe.shop, facts)
	m.same(t, "Append", nil, nil, got, want)
}

func (m *model) update(t *rapid.T) {
	sel := crm.Selection{
		Lane: anyLane.Draw(t, "lane"), DueBy: at(anySecond.Draw(t, "due")), Limit: 100,
		Except: rapid.SliceOfN(anyCustomer, 0, 2).Draw(t, "except"), Share: anyShare.Draw(t, "share"),
	}
	if rapid.Bool().Draw(t, "by id") {
		sel.IDs = rapid.SliceOf(anyCustomer).Draw(t, "ids")
	}
	further := rapid.SliceOf(anyCustomer).Draw(t, "further")
	full := rapid.Bool().Draw(t, "full")
	seed := m.changes(t)
	failure := error(nil)
	if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
		failure = errors.New("decide failed")
	}
	run := func(s crm.Store) (seen []any, n int, err error) {
		n, err = s.Update(m.probe.Context(), m.probe.shop, sel, func(w *crm.Work) (*crm.Changes, error) {
			rows, err := w.Lock(further)
			if err != nil {
				return nil, err
			}
			waiting, err := w.Pending(further)
			if err != nil {
				return nil, err
			}
			if full {
				for _, rows := range [][]crm.CustomerRow{rows, w.Customers} {
					if err := w.Fill(rows); err != nil {
						return nil, err
					}
				}
			}
			seen = []any{list(w.Customers), list(rows), list(waiting), w.Revision}
			return fit(seed, append(w.Customers, rows...)), failure
		})
		return seen, n, err
	}
	got, gotN, gotErr := run(m.probe.store)
	want, wantN, wantErr := run(m.reference)
	m.same(t, "Update finds", gotN, wantN, gotErr, wantErr)
	m.same(t, "Update loads", got, want, nil, nil)
}

// changes draws changes, without regard to what will be locked.
func (m *model) changes(t *rapid.T) crm.Changes {
	var ch crm.Changes
	few := rapid.IntRange(0, 2)
	for range few.Draw(t, "customers") {
		c := crm.CustomerRow{ID: anyCustomer.Draw(t, "customer"), State: fmt.Appendf(nil, `{"n":%d}`, anySecond.Draw(t, "state"))}
		if rapid.Bool().Draw(t, "timer") {
			c.NextDue = at(anySecond.Draw(t, "next due"))
		}
		if rapid.Bool().Draw(t, "review") {
			c.NextReview = at(anySecond.Draw(t, "next review"))
		}
		ch.Customers = append(ch.Customers, c)
	}
	for range few.Draw(t, "orders") {
		ch.Orders = append(ch.Orders, crm.OrderRow{ID: anyOrder.Draw(t, "order"), Customer: anyCustomer.Draw(t, "buyer"), Status: "paid",
			Total: int64(anySecond.Draw(t, "total")), PlacedAt: at(anySecond.Draw(t, "placed")), State: []byte(`{}`)})
	}
	for range few.Draw(t, "consumed") {
		ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: anyCustomer.Draw(t, "inbox"), Fact: anyFact.Draw(t, "entry")})
	}
	if rapid.IntRange(0, 3).Draw(t, "sets aside") == 0 {
		ch.SetAside = map[string]string{anyFact.Draw(t, "set aside"): "why"}
	}
	for range few.Draw(t, "queue") {
		q := message(anyMessage.Draw(t, "message"), anyCustomer.Draw(t, "to"), anySecond.Draw(t, "send at"))
		q.AddressKey = rapid.SampledFrom([]string{"", "b", "c"}).Draw(t, "address key")
		q.Lane = anyLane.Draw(t, "message lane")
		q.CartKey = rapid.SampledFrom([]string{"", "d"}).Draw(t, "cart key")
		ch.Queue = append(ch.Queue, q)
	}
	if rapid.IntRange(0, 3).Draw(t, "skips") == 0 {
		ch.Skip = []crm.Skip{{Message: anyMessage.Draw(t, "skip"), Reason: crm.ReasonBought, At: at(anySecond.Draw(t, "skip at"))}}
	}
	if rapid.IntRange(0, 5).Draw(t, "moves") == 0 {
		ch.Move = []crm.Move{{From: anyCustomer.Draw(t, "from"), To: anyCustomer.Draw(t, "into")}}
	}
	if rapid.IntRange(0, 7).Draw(t, "erases") == 0 {
		ch.Erase = []crm.Erasure{{Customer: anyCustomer.Draw(t, "erased"), Keep: rapid.SliceOfN(anyType, 0, 1).Draw(t, "keep")}}
	}
	if rapid.IntRange(0, 7).Draw(t, "purges") == 0 {
		ch.Purge = []string{anyFact.Draw(t, "purged")}
	}
	for range few.Draw(t, "decisions") {
		ch.Decisions = append(ch.Decisions, decision(anyCustomer.Draw(t, "decided"), fmt.Sprint(anySecond.Draw(t, "detail")), 1))
	}
	return ch
}

// fit makes changes legal for what was locked: only locked customers are
// written, each once, and half of what they have pending is consumed too.
func fit(ch crm.Changes, locked []crm.CustomerRow) *crm.Changes {
	writable := make(map[string]bool)
	for _, c := range locked {
		writable[c.ID] = true
	}
	var customers []crm.CustomerRow
	for _, c := range ch.Customers {
		if writable[c.ID] {
			customers = append(customers, c)
			writable[c.ID] = false
		}
	}
	ch.Customers = customers
	for i, entry := range entries(locked) {
		if i%2 == 0 {
			ch.Consumed = append(ch.Consumed[:len(ch.Consumed):len(ch.Consumed)], entry)
		}
	}
	return &ch
}

func (m *model) lease(t *rapid.T) {
	m.clock += rapid.IntRange(0, 10).Draw(t, "passes")
	req := crm.LeaseRequest{Now: at(m.clock), Until: at(m.clock + 5), Limit: rapid.IntRange(0, 4).Draw(t, "limit"),
		Lane: anyLane.Draw(t, "lane"), Share: anyShare.Draw(t, "share")}
	got, gotErr := m.probe.store.Lease(m.probe.Context(), m.probe.shop, req)
	want, wantErr := m.reference.Lease(m.probe.Context(), m.probe.shop, req)
	m.same(t, "Lease", got, want, gotErr, wantErr)
	m.leased = append(m.leased, want.Claimed...)
}

func (m *model) mark(t *rapid.T) {
	if len(m.leased) == 0 {
		t.Skip("nothing was leased")
	}
	var marks []crm.Mark
	for range rapid.IntRange(1, 3).Draw(t, "marks") {
		lease := rapid.SampledFrom(m.leased).Draw(t, "lease")
		mark := start(lease, m.clock)
		if rapid.Bool().Draw(t, "settles") {
			mark = crm.Mark{Message: lease.ID, Attempt: lease.Attempt, From: rapid.SliceOf(anyState).Draw(t, "from"), To: anyState.Draw(t, "state"),
				At: at(m.clock), Lease: at(m.clock + 7), SendAt: at(anySecond.Draw(t, "send again")), Failures: 1, Unknowns: 2, Reason: crm.ReasonTemporary}
		}
		if rapid.Bool().Draw(t, "logs") {
			d := decision(anyCustomer.Draw(t, "logged"), "mark", m.clock)
			mark.Decision = &d
		}
		marks = append(marks, mark)
	}
	got, gotErr := m.probe.store.Mark(m.probe.Context(), m.probe.shop, marks)
	want, wantErr := m.reference.Mark(m.probe.Context(), m.probe.shop, marks)
	m.same(t, "Mark", got, want, gotErr, wantErr)
}

func (m *model) define(t *rapid.T) {
	d := version(rapid.SampledFrom([]string{"journey", "template"}).Draw(t, "kind"), "x",
		rapid.SampledFrom([]string{"1", "2"}).Draw(t, "content"), m.clock)
	got, gotErr := m.probe.store.Define(m.probe.Context(), m.probe.shop, d)
	want, wantErr := m.reference.Define(m.probe.Context(), m.probe.shop, d)
	m.same(t, "Define", got, want, gotErr, wantErr)
}

func (m *model) imports(t *rapid.T) {
	store, ok := m.probe.store.(crm.Importer)
	if !ok {
		t.Skip("the store does not import")
	}
	from := int64(rapid.IntRange(0, 3).Draw(t, "from"))
	batch := crm.ImportBatch{ID: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "import"), From: from, To: from + 1, Facts: m.facts(t)}
	got := store.Import(m.probe.Context(), m.probe.shop, batch)
	want := m.reference.Import(m.probe.Context(), m.probe.shop, batch)
	m.same(t, "Import", nil, nil, got, want)
	position, gotErr := store.Imported(m.probe.Context(), m.probe.shop, batch.ID)
	wanted, wantErr := m.reference.Imported(m.probe.Context(), m.probe.shop, batch.ID)
	m.same(t, "Imported", position, wanted, gotErr, wantErr)
}

func (m *model) purge(t *rapid.T) {
	store, ok := m.probe.store.(crm.Purger)
	if !ok {
		t.Skip("the store does not purge")
	}
	before := func(what string) time.Time {
		return rapid.SampledFrom([]time.Time{{}, at(anySecond.Draw(t, what))}).Draw(t, "purge "+what)
	}
	req := crm.PurgeRequest{Facts: before("facts"), Consents: before("consents"), Contents: before("contents"), Decisions: before("decisions"),
		Evidence: rapid.SliceOfN(anyType, 0, 2).Draw(t, "evidence"), Limit: 1000}
	got, gotErr := store.Purge(m.probe.Context(), m.probe.shop, req)
	want, wantErr := m.reference.Purge(m.probe.Context(), m.probe.shop, req)
	m.same(t, "Purge", got, want, gotErr, wantErr)
}

func (m *model) read(t *rapid.T) {
	reference := m.probe.on(m.reference)
	until := at(anySecond.Draw(t, "until"))
	m.same(t, "Backlog", m.probe.backlog(until), reference.backlog(until), nil, nil)
	if _, ok := m.probe.store.(crm.Counter); ok {
		n, limit := anySecond.Draw(t, "counted at"), rapid.IntRange(0, 5).Draw(t, "counted up to")
		m.same(t, "Count", m.probe.counts(n, limit), reference.counted(n, limit), nil, nil)
	}
	customers := crm.CustomerQuery{After: rapid.SampledFrom([]string{"", "", "b"}).Draw(t, "after")}
	m.same(t, "Customers", m.probe.customers(customers), reference.customers(customers), nil, nil)
	whose := rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "whose")
	facts := crm.FactQuery{Customer: whose, SetAside: rapid.IntRange(0, 3).Draw(t, "only set aside") == 0}
	m.same(t, "Facts", m.probe.facts(facts), reference.facts(facts), nil, nil)
	messages := crm.MessageQuery{Customer: whose, Content: rapid.Bool().Draw(t, "with content")}
	if rapid.Bool().Draw(t, "by state") {
		messages.States = rapid.SliceOf(anyState).Draw(t, "states")
	}
	m.same(t, "Messages", m.probe.messages(messages), reference.messages(messages), nil, nil)
	decisions := crm.DecisionQuery{Customer: whose}
	m.same(t, "Decisions", m.probe.decisions(decisions), reference.decisions(decisions), nil, nil)
}
