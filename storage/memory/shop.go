package memory

import (
	"time"

	"github.com/goen-crm/crm"
)

// A shop holds the rows of one shop and what finds them. Rows are owned by the
// shop: they are copied on their way in and out. Byte slices in rows are never
// changed in place, so a shallow copy of a row stays as it was.
type shop struct {
	customers map[string]*customer
	facts     map[string]*crm.FactRow
	messages  map[string]*crm.Message
	decisions []crm.Decision // the log, in the order it was written
	owned     map[string]*belongings
	waiting   map[string]int   // in how many inboxes a fact is, by id
	imports   map[string]int64 // how far each import has come

	definitions map[definitionKey][]crm.Definition // by version
	revision    int64

	pending *schedule // customers with a fact in the inbox, longest waiting first
	timers  *schedule // customers with a timer, by NextDue
	reviews *schedule // customers with a review, by NextReview
	prompt  *schedule // messages queued in lane Prompt, by SendAt
	bulk    *schedule // messages queued in lane Bulk, by SendAt
	leased  *schedule // messages claimed or started, by LeaseUntil
	arrival int64     // counts customers that entered pending
}

// A customer is what a store knows of one key.
type customer struct {
	state               []byte
	nextDue, nextReview time.Time
	inbox               map[string]struct{} // ids of facts
}

// Belongings are the rows that carry a customer's key. A key may have some
// without there being a customer, after a Move.
type belongings struct {
	facts, messages map[string]struct{} // by id
	orders          map[string]crm.OrderRow
	decisions       []int // places in the log, ascending
}

type definitionKey struct{ kind, id string }

func newShop() *shop {
	return &shop{
		customers:   make(map[string]*customer),
		facts:       make(map[string]*crm.FactRow),
		messages:    make(map[string]*crm.Message),
		owned:       make(map[string]*belongings),
		waiting:     make(map[string]int),
		imports:     make(map[string]int64),
		definitions: make(map[definitionKey][]crm.Definition),
		pending:     newSchedule(),
		timers:      newSchedule(),
		reviews:     newSchedule(),
		prompt:      newSchedule(),
		bulk:        newSchedule(),
		leased:      newSchedule(),
	}
}

// belongingsOf returns the rows of a key, to read or to add to.
func (sh *shop) belongingsOf(key string) *belongings {
	b := sh.owned[key]
	if b == nil {
		b = &belongings{
			facts:    make(map[string]struct{}),
			messages: make(map[string]struct{}),
			orders:   make(map[string]crm.OrderRow),
		}
		sh.owned[key] = b
	}
	return b
}

// queued are the messages queued in a lane.
func (sh *shop) queued(lane crm.Lane) *schedule {
	if lane == crm.Bulk {
		return sh.bulk
	}
	return sh.prompt
}

// log appends a decision.
func (sh *shop) log(d crm.Decision) {
	d.At = exact(d.At)
	b := sh.belongingsOf(d.Customer)
	b.decisions = append(b.decisions, len(sh.decisions))
	sh.decisions = append(sh.decisions, d)
}

// reschedule puts a message where its state belongs, after every change.
func (sh *shop) reschedule(m *crm.Message) {
	queued := sh.queued(m.Lane)
	queued.remove(m.ID)
	sh.leased.remove(m.ID)
	switch m.State {
	case crm.MessageQueued:
		queued.set(m.ID, m.SendAt)
	case crm.MessageClaimed, crm.MessageStarted:
		sh.leased.set(m.ID, m.LeaseUntil)
	}
}
