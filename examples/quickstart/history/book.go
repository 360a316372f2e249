package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A book collects the lines of a file by customer and invoice.
type book struct {
	stats     Stats
	customers map[string]*account
	invoices  map[string]*invoice
}

// An account is what one customer was invoiced.
type account struct {
	id       string
	invoices []*invoice
}

// An invoice is an order or a cancellation as the file has it.
type invoice struct {
	number   string
	at       time.Time // at is the earliest of its lines, which may differ by a minute.
	customer string
	country  string
	lines    []Line // lines are all positive, also those of a cancellation.
}

// newBook returns an empty book.
func newBook() *book {
	return &book{
		stats:     Stats{Dropped: map[Reason]int{}},
		customers: map[string]*account{},
		invoices:  map[string]*invoice{},
	}
}

// add enters one line. It fails if the line's invoice is another customer's, or
// has too many lines.
func (b *book) add(e entry) error {
	b.stats.Lines++
	if e.customer == "" {
		b.stats.Dropped[NoCustomer]++
		return nil
	}
	customer := b.customers[e.customer]
	if customer == nil {
		customer = &account{id: e.customer}
		b.customers[e.customer] = customer
	}
	if cancels(e.invoice) {
		e.line.Quantity = -e.line.Quantity
	}
	switch {
	case adjustments[e.line.StockCode]:
		b.stats.Dropped[Adjustment]++
		return nil
	case e.line.UnitPrice < 1:
		b.stats.Dropped[NoPrice]++
		return nil
	case e.line.Quantity < 1:
		b.stats.Dropped[WrongSign]++
		return nil
	}
	inv := b.invoices[e.invoice]
	if inv == nil {
		inv = &invoice{number: e.invoice, at: e.at, customer: e.customer, country: e.country}
		b.invoices[e.invoice] = inv
		customer.invoices = append(customer.invoices, inv)
	}
	if inv.customer != e.customer {
		return fmt.Errorf("invoice %s is that of customer %s, not %s", e.invoice, inv.customer, e.customer)
	}
	if len(inv.lines) == maxLines {
		return fmt.Errorf("invoice %s has more than %d lines", e.invoice, maxLines)
	}
	if e.at.Before(inv.at) {
		inv.at = e.at
	}
	inv.lines = append(inv.lines, e.line)
	return nil
}

// history closes the book.
func (b *book) history() *History {
	h := &History{}
	for _, a := range b.customers {
		customer := a.customer(&b.stats)
		if len(customer.Orders) == 0 {
			b.stats.WithoutOrders++
			continue
		}
		h.Customers = append(h.Customers, customer)
	}
	slices.SortFunc(h.Customers, func(a, b Customer) int { return strings.Compare(a.ID, b.ID) })
	h.Stats = b.stats
	return h
}

// customer goes through the invoices by time and makes orders and refunds of
// them. Within a minute orders come first, whose numbers are digits.
func (a *account) customer(stats *Stats) Customer {
	slices.SortFunc(a.invoices, func(a, b *invoice) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.number, b.number))
	})
	c := Customer{ID: a.id}
	var sales []*sale
	for _, inv := range a.invoices {
		if cancels(inv.number) {
			c.Refunds = append(c.Refunds, cancel(inv, sales, stats)...)
			continue
		}
		s := newSale(inv)
		if len(s.order.Lines) == 0 {
			stats.Dropped[NoGoods] += len(inv.lines)
			continue
		}
		stats.Sold += len(inv.lines)
		sales = append(sales, s)
		c.Orders = append(c.Orders, s.order)
		c.Country = inv.country
	}
	return c
}
