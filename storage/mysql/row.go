package mysql

import (
	"bytes"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// Times are DATETIME(6) in UTC, because people query these tables with SQL's
// date functions. They are passed and read as text, so that no setting of the
// connection moves them.
const timeLayout = "2006-01-02 15:04:05.000000"

// ordered is a time by which rows are sorted: never NULL.
func ordered(t time.Time) string { return exact(t).Format(timeLayout) }

// exact is a time as it comes back from the database.
func exact(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// optional is a time that may be missing.
func optional(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return ordered(t)
}

// An instant reads a time, NULL as the zero time.
type instant struct{ into *time.Time }

var _ sql.Scanner = instant{}

// Scan implements [sql.Scanner].
func (i instant) Scan(value any) (err error) {
	switch value := value.(type) {
	case nil:
		*i.into = time.Time{}
	case []byte:
		*i.into, err = time.Parse(timeLayout, string(value))
	case string:
		*i.into, err = time.Parse(timeLayout, value)
	default:
		err = fmt.Errorf("a time comes as %T", value)
	}
	return err
}

// text is JSON; NULL if there is none. As bytes it would be passed as binary,
// which is no text to the server.
func text(body []byte) any {
	if body == nil {
		return nil
	}
	return string(body)
}

// room is what the length of a document that changes is rounded up to.
const room = 256

// document is JSON that is replaced again and again; NULL if there is none. It
// is filled up with spaces, so that it mostly stays as long as it was: InnoDB
// then changes it where it is. One of another length moves, often with its whole
// page, and twice as much goes to the redo log.
func document(body []byte) any {
	if body == nil {
		return nil
	}
	return string(body) + spaces[:(room-len(body)%room)%room]
}

var spaces = strings.Repeat(" ", room)

// A documentOf reads a document as it was given.
type documentOf struct{ into *[]byte }

var _ sql.Scanner = documentOf{}

// Scan implements [sql.Scanner].
func (d documentOf) Scan(value any) error {
	switch value := value.(type) {
	case nil:
		*d.into = nil
	case []byte:
		*d.into = bytes.Clone(bytes.TrimRight(value, " "))
	default:
		return fmt.Errorf("a document comes as %T", value)
	}
	return nil
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

// isDue reports whether a time has come; the zero time never does.
func isDue(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// Columns in the order in which the scan functions below read them.
const (
	factColumns = `f.fact_id, f.customer_id, f.type, CAST(f.event_at AS CHAR), CAST(f.recorded_at AS CHAR), f.hash, f.body, COALESCE(f.set_aside, '')`

	orderColumns = `o.order_id, o.customer_id, o.status, o.currency, o.total, o.refunded, CAST(o.placed_at AS CHAR), CAST(o.counted_at AS CHAR), o.state`

	messageColumns = `m.message_id, m.enrollment, m.journey, m.version, m.step, m.visit, m.template, m.template_version, m.class, m.lane,
		m.customer_id, m.address_key, m.cart_key, m.order_id, m.recipient, CAST(m.send_at AS CHAR) AS due_at, CAST(m.deadline AS CHAR), m.state, m.reason,
		m.stopped, m.attempt, CAST(m.lease_until AS CHAR), m.failures, m.unknowns, CAST(m.started_at AS CHAR), CAST(m.settled_at AS CHAR)`

	decisionColumns = `customer_id, CAST(at AS CHAR), kind, journey, version, enrollment, step, message_id, reason, detail`
)

func scanFact(scan scanner, f *crm.FactRow, more ...any) error {
	return scan(append([]any{&f.ID, &f.Customer, &f.Type, instant{&f.Time}, instant{&f.RecordedAt}, &f.Hash, &f.Body, &f.SetAside}, more...)...)
}

func scanOrder(scan scanner, o *crm.OrderRow) error {
	return scan(&o.ID, &o.Customer, &o.Status, &o.Currency, &o.Total, &o.Refunded, instant{&o.PlacedAt}, instant{&o.CountedAt}, documentOf{&o.State})
}

func scanMessage(scan scanner, m *crm.Message) error {
	return scan(&m.ID, &m.Enrollment, &m.Journey, &m.Version, &m.Step, &m.Visit, &m.Template, &m.TemplateVersion, &m.Class, &m.Lane,
		&m.Customer, &m.AddressKey, &m.CartKey, &m.Order, &m.To, instant{&m.SendAt}, instant{&m.Deadline}, &m.State, &m.Reason,
		&m.Stopped, &m.Attempt, instant{&m.LeaseUntil}, &m.Failures, &m.Unknowns, instant{&m.StartedAt}, instant{&m.SettledAt}, &m.Content)
}

func scanDecision(scan scanner, d *crm.Decision, more ...any) error {
	return scan(append([]any{&d.Customer, instant{&d.At}, &d.Kind, &d.Journey, &d.Version, &d.Enrollment, &d.Step, &d.Message, &d.Reason, &d.Detail}, more...)...)
}
