package history

// A sale is an order with what is left of it after the refunds so far.
type sale struct {
	order Order
	left  []Line // left are goods and shipping; what came back has quantity 0.
}

// newSale makes an order of an invoice. Without goods it has no lines.
func newSale(inv *invoice) *sale {
	s := &sale{order: Order{ID: inv.number, Time: inv.at}}
	for _, l := range inv.lines {
		s.left = merge(s.left, l)
	}
	for _, l := range s.left {
		if shipping[l.StockCode] {
			s.order.Shipping += l.Amount()
		} else {
			s.order.Lines = append(s.order.Lines, l)
		}
	}
	return s
}

// has reports whether at least as many of the stock code are left.
func (s *sale) has(code string, quantity int) bool {
	for _, l := range s.left {
		if l.StockCode == code {
			quantity -= l.Quantity
		}
	}
	return quantity <= 0
}

// take takes what came back out of what is left, which must be enough, and
// returns it at the prices that are credited. What was sold at the very price
// goes first. It also reports whether a price was lowered to what was paid.
func (s *sale) take(back Line) (credit []Line, capped bool) {
	for _, same := range []bool{true, false} {
		for i := range s.left {
			l := &s.left[i]
			if l.StockCode != back.StockCode || same != (l.UnitPrice == back.UnitPrice) {
				continue
			}
			n := min(l.Quantity, back.Quantity)
			if n == 0 {
				continue
			}
			l.Quantity -= n
			back.Quantity -= n
			capped = capped || back.UnitPrice > l.UnitPrice
			credit = append(credit, Line{
				StockCode:   l.StockCode,
				Description: l.Description,
				Quantity:    n,
				UnitPrice:   min(l.UnitPrice, back.UnitPrice),
			})
		}
	}
	return credit, capped
}

// whole reports whether all goods have come back.
func (s *sale) whole() bool {
	for _, l := range s.left {
		if l.Quantity > 0 && !shipping[l.StockCode] {
			return false
		}
	}
	return true
}

// cancel makes refunds of a cancellation, one for each of the sales it touches,
// and takes out of them what came back. Sales are by time.
func cancel(inv *invoice, sales []*sale, stats *Stats) []Refund {
	touched := make([]*Refund, len(sales))
	for _, back := range inv.lines {
		i := len(sales) - 1
		for i >= 0 && !sales[i].has(back.StockCode, back.Quantity) {
			i--
		}
		if i < 0 {
			stats.Dropped[Unmatched]++
			continue
		}
		stats.Returned++
		if touched[i] == nil {
			touched[i] = &Refund{ID: inv.number, OrderID: sales[i].order.ID, Time: inv.at}
		}
		credit, capped := sales[i].take(back)
		if capped {
			stats.Capped++
		}
		for _, l := range credit {
			if shipping[l.StockCode] {
				touched[i].Shipping += l.Amount()
			} else {
				touched[i].Lines = merge(touched[i].Lines, l)
			}
		}
	}
	var refunds []Refund
	for i, r := range touched {
		if r != nil {
			r.Whole = sales[i].whole()
			refunds = append(refunds, *r)
		}
	}
	if len(refunds) > 1 {
		for i := range refunds {
			refunds[i].ID += "-" + refunds[i].OrderID
		}
	}
	return refunds
}
