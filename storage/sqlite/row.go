package sqlite

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/goen-crm/crm"
)

// ordered is a time by which rows are sorted: never NULL.
func ordered(t time.Time) int64 { return t.UnixMicro() }

// exact is a time as it comes back from the database.
func exact(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// optional is a time that may be missing.
func optional(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// An instant reads a time, NULL as the zero time.
type instant struct{ into *time.Time }

// Scan implements [sql.Scanner].
func (i instant) Scan(value any) error {
	if micros, ok := value.(int64); ok {
		*i.into = time.UnixMicro(micros).UTC()
		return nil
	}
	*i.into = time.Time{}
	return nil
}

var _ sql.Scanner = instant{}

// text is JSON as SQLite's JSON functions want it; NULL if there is none.
func text(body []byte) any {
	if body == nil {
		return nil
	}
	return string(body)
}

func optionalText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// blob is a column that is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// optionalBlob is NULL if there is nothing.
func optionalBlob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// list is a parameter for json_each.
func list[S ~string](values []S) string {
	if values == nil {
		return "[]"
	}
	data, _ := json.Marshal(values) // strings always marshal
	return string(data)
}

// named is a lane as it is written: one of two.
func named(lane crm.Lane) string {
	if lane == crm.Bulk {
		return string(crm.Bulk)
	}
	return string(crm.Prompt)
}

// shares are the parameters of bucket % ? = ?, for all and for a share of them.
func shares(s crm.Share) (of, part int) {
	if s.Of < 2 {
		return 1, 0
	}
	return s.Of, s.Part
}

// Columns in the order in which the scan functions below read them.
const (
	factColumns    = `f.fact_id, f.customer_id, f.type, f.event_at, f.recorded_at, f.hash, f.body, coalesce(f.set_aside, '')`
	orderColumns   = `o.order_id, o.customer_id, o.status, o.currency, o.total, o.refunded, o.placed_at, o.counted_at, o.state`
	messageColumns = `m.message_id, m.enrollment, m.journey, m.version, m.step, m.visit, m.template, m.template_version, m.class,
		m.customer_id, m.address_key, m.cart_key, m.order_id, m.recipient, m.send_at, m.deadline, m.state, m.reason, m.stopped, m.attempt,
		m.lease_until, m.failures, m.unknowns, m.started_at, m.settled_at, m.lane`
	decisionColumns = `customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail`
)

type scanner = func(into ...any) error

func scanFact(scan scanner, f *crm.FactRow, more ...any) error {
	return scan(append([]any{&f.ID, &f.Customer, &f.Type, instant{&f.Time}, instant{&f.RecordedAt}, &f.Hash, &f.Body, &f.SetAside}, more...)...)
}

func scanOrder(scan scanner, o *crm.OrderRow) error {
	return scan(&o.ID, &o.Customer, &o.Status, &o.Currency, &o.Total, &o.Refunded, instant{&o.PlacedAt}, instant{&o.CountedAt}, &o.State)
}

func scanMessage(scan scanner, m *crm.Message) error {
	return scan(&m.ID, &m.Enrollment, &m.Journey, &m.Version, &m.Step, &m.Visit, &m.Template, &m.TemplateVersion, &m.Class,
		&m.Customer, &m.AddressKey, &m.CartKey, &m.Order, &m.To, instant{&m.SendAt}, instant{&m.Deadline}, &m.State, &m.Reason, &m.Stopped, &m.Attempt,
		instant{&m.LeaseUntil}, &m.Failures, &m.Unknowns, instant{&m.StartedAt}, instant{&m.SettledAt}, &m.Lane, &m.Content)
}

func scanDecision(scan scanner, d *crm.Decision, more ...any) error {
	return scan(append([]any{&d.Customer, instant{&d.At}, &d.Kind, &d.Journey, &d.Version, &d.Enrollment, &d.Step, &d.Message, &d.Reason, &d.Detail}, more...)...)
}
