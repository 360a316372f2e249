package memory

import (
	"bytes"
	"cmp"
	"time"

	"github.com/goen-crm/crm"
)

// exact is a time as a store keeps it: UTC, with microseconds.
func exact(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Microsecond).UTC()
}

// isDue reports whether a time has come; the zero time never does.
func isDue(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

func compare(a, b string) int { return cmp.Compare(a, b) }

// compareAt orders by (time, id).
func compareAt(at time.Time, id string, otherAt time.Time, otherID string) int {
	if c := at.Compare(otherAt); c != 0 {
		return c
	}
	return cmp.Compare(id, otherID)
}

func compareFacts(a, b crm.FactRow) int { return compareAt(a.Time, a.ID, b.Time, b.ID) }

func compareMessages(a, b crm.Message) int { return compareAt(a.SendAt, a.ID, b.SendAt, b.ID) }

func copyFact(f crm.FactRow) crm.FactRow {
	f.Keys = nil
	f.Time, f.RecordedAt = exact(f.Time), exact(f.RecordedAt)
	f.Hash, f.Body = bytes.Clone(f.Hash), bytes.Clone(f.Body)
	return f
}

func copyOrder(o crm.OrderRow) crm.OrderRow {
	o.PlacedAt, o.CountedAt = exact(o.PlacedAt), exact(o.CountedAt)
	o.State = bytes.Clone(o.State)
	return o
}

func copyMessage(m crm.Message) crm.Message {
	m.SendAt, m.Deadline, m.LeaseUntil = exact(m.SendAt), exact(m.Deadline), exact(m.LeaseUntil)
	m.StartedAt, m.SettledAt = exact(m.StartedAt), exact(m.SettledAt)
	m.Content = bytes.Clone(m.Content)
	if len(m.Content) == 0 {
		m.Content = nil // no content and empty content are one
	}
	return m
}

// withoutContent is a message as it is handed out where nobody asked for its content.
func withoutContent(m crm.Message) crm.Message {
	m.Content = nil
	return m
}

func copyDefinition(d crm.Definition) crm.Definition {
	d.PublishedAt = exact(d.PublishedAt)
	d.Hash, d.Body = bytes.Clone(d.Hash), bytes.Clone(d.Body)
	return d
}
