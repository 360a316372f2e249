package history

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a line and an invoice may hold at most. With them no sum over a file of
// [maxBytes] overflows, and the largest of the data set are well within.
const (
	maxQuantity = 100_000
	maxPence    = 100_000_00
	maxLines    = 10_000
)

// An entry is one line of the file. Its strings are its own.
type entry struct {
	invoice  string
	at       time.Time
	customer string // customer is empty if there is none.
	country  string
	line     Line // line has a negative quantity if goods came back.
}

// cancels reports whether an invoice number is that of a cancellation.
func cancels(invoice string) bool { return strings.HasPrefix(invoice, "C") }

// entry parses a record.
func (c columns) entry(record []string, loc *time.Location) (entry, error) {
	field := func(place int) string { return strings.Clone(strings.TrimSpace(record[place])) }
	e := entry{
		invoice:  field(c.invoice),
		customer: field(c.customer),
		country:  field(c.country),
		line:     Line{StockCode: field(c.code), Description: field(c.description)},
	}
	if e.invoice == "" {
		return entry{}, errors.New("InvoiceNo is empty")
	}
	if e.line.StockCode == "" {
		return entry{}, errors.New("StockCode is empty")
	}
	var err error
	if e.line.Quantity, err = parseQuantity(field(c.quantity)); err != nil {
		return entry{}, fmt.Errorf("column Quantity: %w", err)
	}
	if e.line.UnitPrice, err = parsePence(field(c.price)); err != nil {
		return entry{}, fmt.Errorf("column UnitPrice: %w", err)
	}
	if e.at, err = time.ParseInLocation(time.DateTime, field(c.date), loc); err != nil {
		return entry{}, fmt.Errorf("InvoiceDate %q is not like %s", field(c.date), time.DateTime)
	}
	return e, nil
}

// parseQuantity parses a whole number with an optional sign.
func parseQuantity(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", s)
	}
	if n < -maxQuantity || n > maxQuantity {
		return 0, fmt.Errorf("%q is beyond %d either way", s, maxQuantity)
	}
	return n, nil
}

// parsePence parses pounds such as "2.55", "2.5" or "-2" without rounding. A
// price below one penny gives 0; one above it in broken pence is an error.
func parsePence(s string) (int64, error) {
	unsigned, negative := strings.CutPrefix(s, "-")
	pounds, fraction, _ := strings.Cut(unsigned, ".")
	padded := fraction + "00"
	hundredths, beyond := padded[:2], strings.TrimRight(padded[2:], "0")
	n, err := strconv.ParseUint(pounds+hundredths, 10, 64)
	if pounds == "" || err != nil || n > maxPence || strings.Trim(beyond, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a price of up to %d", s, maxPence/100)
	}
	if beyond != "" && n > 0 {
		return 0, fmt.Errorf("%q is not in whole pence", s)
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}
