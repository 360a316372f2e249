// Package history reads the order history that the quickstart tells its shop:
// invoice lines in the form of the UCI Online Retail data set. It makes of them
// customers with orders and refunds, in plain types of its own, and accounts
// for every line: what is not in an order or a refund is counted by the reason
// why not.
//
// What the data set does not say, it does not say here either. In particular a
// cancellation names no order, so that the order it belongs to is inferred; see
// [Refund].
package history

import "time"

// A History is what a shop knows about its customers' orders.
type History struct {
	Customers []Customer // Customers are those with at least one order, by ID.
	Stats     Stats
}

// A Customer is one buyer with everything she bought and gave back.
type Customer struct {
	ID      string
	Country string   // Country is where her latest order went.
	Orders  []Order  // Orders are by time, and by ID within a minute.
	Refunds []Refund // Refunds are by time, and by ID within a minute.
}

// An Order is one invoice.
type Order struct {
	ID       string    // ID is the invoice number.
	Time     time.Time // Time is when it was made out, to the minute.
	Lines    []Line    // Lines are the goods, at least one.
	Shipping int64     // Shipping is the fee for postage and carriage, in pence.
}

// Total returns what was paid, shipping included, in pence.
func (o Order) Total() int64 { return total(o.Lines) + o.Shipping }

// A Refund is what one cancellation gave back of one order.
//
// A cancellation holds negative quantities of goods. Each of its lines belongs
// to the customer's latest order up to that minute of which enough of the same
// stock code has not come back yet, and is credited at the price it names, but
// at no more than was paid: the refunds of an order never exceed the order.
type Refund struct {
	ID       string    // ID is the cancellation's number, with "-" and OrderID if it touches several orders.
	OrderID  string    // OrderID is the order it is inferred to belong to.
	Time     time.Time // Time is when the cancellation was made out, to the minute.
	Lines    []Line    // Lines are the goods that came back, in positive quantities; none if it was shipping alone.
	Shipping int64     // Shipping is what was credited of the shipping fee, in pence.
	Whole    bool      // Whole: by then, all goods of the order have come back, whatever became of the shipping fee.
}

// Amount returns what was credited, shipping included, in pence.
func (r Refund) Amount() int64 { return total(r.Lines) + r.Shipping }

// A Line is one article of an order or a refund. There is one for each stock
// code and price: what an invoice lists in several lines is added up.
type Line struct {
	StockCode   string
	Description string
	Quantity    int   // Quantity is at least 1.
	UnitPrice   int64 // UnitPrice is in pence, at least 1.
}

// Amount returns quantity times price, in pence.
func (l Line) Amount() int64 { return int64(l.Quantity) * l.UnitPrice }

// total returns the sum of the lines' amounts.
func total(lines []Line) int64 {
	var sum int64
	for _, l := range lines {
		sum += l.Amount()
	}
	return sum
}

// merge adds a line to lines: to the one of the same stock code and price, if
// there is one, whose description stays.
func merge(lines []Line, line Line) []Line {
	for i, l := range lines {
		if l.StockCode == line.StockCode && l.UnitPrice == line.UnitPrice {
			lines[i].Quantity += line.Quantity
			return lines
		}
	}
	return append(lines, line)
}
