package crm

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on what a fact may hold, in bytes unless said otherwise. They are
// generous for real shops and keep one bad integration from filling a database.
const (
	MaxID         = 255    // ids of any kind
	MaxName       = 255    // names, labels, codes
	MaxText       = 4096   // titles, wordings, attribute values
	MaxURL        = 2048   // links
	MaxLines      = 1000   // lines of an order or items of a cart
	MaxAttributes = 100    // attributes or tags of one fact
	MaxFact       = 262144 // a fact as JSON
	MaxQuantity   = 1_000_000
	// MaxAhead is how far a fact's time may lie ahead of goen's clock.
	MaxAhead = 24 * time.Hour
)

// check collects what is wrong with a value, in the order it is asked.
type check struct {
	path     string
	problems []*FieldError
}

// at returns the path of field.
func (c *check) at(field string) string {
	switch {
	case c.path == "":
		return field
	case field == "":
		return c.path
	}
	if strings.HasPrefix(field, "[") {
		return c.path + field
	}
	return c.path + "." + field
}

func (c *check) add(field string, kind error) {
	c.problems = append(c.problems, &FieldError{Field: c.at(field), Err: kind})
}

func (c *check) addf(field string, kind error, format string, args ...any) {
	c.problems = append(c.problems, &FieldError{Field: c.at(field), Problem: fmt.Sprintf(format, args...), Err: kind})
}

// in runs f with field added to the path.
func (c *check) in(field string, f func()) {
	outer := c.path
	c.path = c.at(field)
	f()
	c.path = outer
}

// each runs f for i from 0 to n-1 with field[i] added to the path.
func (c *check) each(field string, n int, f func(i int)) {
	for i := range n {
		c.in(fmt.Sprintf("%s[%d]", field, i), func() { f(i) })
	}
}

// err returns the first problem, or nil.
func (c *check) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return c.problems[0]
}

// label checks text that may end up in a header: one line, UTF-8.
func (c *check) label(field, s string, limit int) {
	switch {
	case len(s) > limit:
		c.addf(field, ErrTooLong, "is longer than %d bytes", limit)
	case !utf8.ValidString(s):
		c.add(field, ErrNotUTF8)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 }):
		c.add(field, ErrControl)
	}
}

// text checks text that may have several lines.
func (c *check) text(field, s string, limit int) {
	switch {
	case len(s) > limit:
		c.addf(field, ErrTooLong, "is longer than %d bytes", limit)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		c.add(field, ErrNotUTF8)
	}
}

func (c *check) id(field, s string) {
	if s == "" {
		c.add(field, ErrRequired)
		return
	}
	c.label(field, s, MaxID)
}

// time checks an instant that may be left out: JSON has room for four digits
// of year.
func (c *check) time(field string, t time.Time) {
	if year := t.UTC().Year(); !t.IsZero() && (year < 1 || year > 9999) {
		c.add(field, ErrRange)
	}
}

func (c *check) money(field string, m Money) {
	if m == (Money{}) {
		return
	}
	if _, err := currencyDigits(m.Currency); err != nil {
		c.add(field+".Currency", ErrCurrency)
	}
	if m.Minor > maxMinor || m.Minor < -maxMinor {
		c.add(field, ErrRange)
	}
}

func (c *check) price(field string, m Money) {
	if m.Minor < 0 {
		c.add(field, ErrNegative)
	}
	c.money(field, m)
}

func (c *check) quantity(field string, n int) {
	switch {
	case n < 0:
		c.add(field, ErrNegative)
	case n > MaxQuantity:
		c.add(field, ErrRange)
	}
}

func (c *check) attributes(field string, attributes map[string]string) {
	if len(attributes) > MaxAttributes {
		c.addf(field, ErrTooLong, "has more than %d entries", MaxAttributes)
		return
	}
	for _, name := range sortedKeys(attributes) {
		c.label(field, name, MaxName)
		if utf8.ValidString(name) && len(name) <= MaxName {
			c.text(fmt.Sprintf("%s[%q]", field, name), attributes[name], MaxText)
		}
	}
}

func indexed(i int) string { return fmt.Sprintf("[%d]", i) }

// instant brings a time into the form that stores keep: UTC, microseconds.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
