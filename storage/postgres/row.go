package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/goen-crm/crm"
)

// An instant reads a time, NULL as the zero time.
type instant struct{ into *time.Time }

// ScanTimestamptz implements [pgtype.TimestamptzScanner].
func (i instant) ScanTimestamptz(v pgtype.Timestamptz) error {
	*i.into = time.Time{}
	if v.Valid {
		*i.into = v.Time.UTC()
	}
	return nil
}

// optional is a time that may be missing.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Columns in the order in which the scan functions below read them.
const (
	customerColumns = `c.customer_id, c.state, c.next_due, c.next_review`
	factColumns     = `f.fact_id, f.customer_id, f.type, f.event_at, f.recorded_at, f.hash, f.body, coalesce(f.set_aside, '')`
	orderColumns    = `o.order_id, o.customer_id, o.status, o.currency, o.total, o.refunded, o.placed_at, o.counted_at, o.state`
	messageFields   = `m.message_id, m.enrollment, m.journey, m.version, m.step, m.visit, m.template, m.template_version, m.class, m.lane,
		m.customer_id, m.address_key, m.cart_key, m.order_id, m.recipient, m.send_at, m.deadline, m.state, m.reason, m.stopped, m.attempt,
		m.lease_until, m.failures, m.unknowns, m.started_at, m.settled_at`
	messageColumns        = messageFields + `, m.content`
	messageWithoutContent = messageFields + `, NULL::bytea`
	decisionColumns       = `customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail`
)

func scanCustomer(rows pgx.Rows, c *crm.CustomerRow, more ...any) error {
	return rows.Scan(append([]any{&c.ID, &c.State, instant{&c.NextDue}, instant{&c.NextReview}}, more...)...)
}

func scanFact(rows pgx.Rows, f *crm.FactRow, more ...any) error {
	return rows.Scan(append([]any{&f.ID, &f.Customer, &f.Type, instant{&f.Time}, instant{&f.RecordedAt}, &f.Hash, &f.Body, &f.SetAside}, more...)...)
}

func scanOrder(rows pgx.Rows, o *crm.OrderRow) error {
	return rows.Scan(&o.ID, &o.Customer, &o.Status, &o.Currency, &o.Total, &o.Refunded, instant{&o.PlacedAt}, instant{&o.CountedAt}, &o.State)
}

func scanMessage(rows pgx.Rows, m *crm.Message, more ...any) error {
	return rows.Scan(append([]any{
		&m.ID, &m.Enrollment, &m.Journey, &m.Version, &m.Step, &m.Visit, &m.Template, &m.TemplateVersion, (*string)(&m.Class), (*string)(&m.Lane),
		&m.Customer, &m.AddressKey, &m.CartKey, &m.Order, &m.To, instant{&m.SendAt}, instant{&m.Deadline}, (*string)(&m.State), (*string)(&m.Reason), (*string)(&m.Stopped), &m.Attempt,
		instant{&m.LeaseUntil}, &m.Failures, &m.Unknowns, instant{&m.StartedAt}, instant{&m.SettledAt}, &m.Content,
	}, more...)...)
}

func scanDecision(rows pgx.Rows, d *crm.Decision, more ...any) error {
	return rows.Scan(append([]any{&d.Customer, instant{&d.At}, (*string)(&d.Kind), &d.Journey, &d.Version, &d.Enrollment, &d.Step, &d.Message, (*string)(&d.Reason), &d.Detail}, more...)...)
}
