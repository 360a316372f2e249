package crm

import (
	"cmp"
	"slices"
	"time"
	_ "time/tzdata" // shops' zones must not depend on the host
)

// A stamp says when, and by which fact, a value was set. Of two values the one
// with the later stamp holds, so that facts may arrive in any order.
type stamp struct {
	Time time.Time `json:"t"`
	Fact string    `json:"f,omitempty"`
}

func (f Fact) stamp() stamp { return stamp{instant(f.Time), f.ID} }

func (s stamp) compare(o stamp) int {
	return cmp.Or(s.Time.Compare(o.Time), cmp.Compare(s.Fact, o.Fact))
}

func (s stamp) after(o stamp) bool { return s.compare(o) > 0 }

func (s stamp) zero() bool { return s.Time.IsZero() }

// earliest returns the earlier of two instants, of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// sortedKeys are the keys of m in their order, in which every walk through a map
// goes whose outcome is kept.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// loadZone returns a time zone by its IANA name. Unlike time.LoadLocation it
// does not take "Local", which differs from machine to machine.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, &FieldError{Field: "TimeZone", Err: ErrUnknown}
	}
	return time.LoadLocation(name)
}
