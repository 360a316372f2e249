package crm

// order returns an order of hers for writing.
func (p *person) order(id string) *orderState {
	o := p.orders()[id]
	if o == nil {
		o = &orderState{ID: id}
		p.orders()[id] = o
		delete(p.state.Near, id)
	}
	p.changed[id] = true
	return o
}

// seeOrder takes in a fact about an order, her own or a neighbour's.
func (p *person) seeOrder(f sighting, ev event) {
	// An order in another currency is no revenue, but she has bought.
	_, saved := f.Body.(OrderSaved)
	if !p.inCurrency(f.Body) {
		if !f.near {
			p.out.SetAside[f.ID] = string(ReasonCurrency)
			p.log(Decision{At: ev.at, Kind: DecidedReport, Reason: ReasonCurrency, Detail: "order " + orderID(f.Body)})
		}
		if !saved {
			return
		}
	}
	var o *orderState
	if f.near {
		id := orderID(f.Body)
		if o = p.state.Near[id]; o == nil {
			o = &orderState{ID: id}
		}
	} else {
		o = p.order(orderID(f.Body))
	}
	failedBefore := !o.failed().IsZero()
	o.apply(f.Fact)
	if saved && o.At == f.stamp() {
		o.Foreign = !p.inCurrency(f.Body)
	}
	ev.order = o
	events := []event{ev}
	follow := func(kind FactType) {
		next := ev
		next.kind = kind
		events = append(events, next)
	}
	if failed := !o.failed().IsZero(); failed && !failedBefore {
		o.Placed, o.Counted = false, false
		follow(FactOrderFailed)
	}
	if o.accepted() && !o.Placed {
		o.Placed = true
		follow(FactOrderPlaced)
	}
	if _, counts := o.countsAt(latestTime); counts && o.sale() && !o.Counted {
		o.Counted = true
		follow(FactOrderCounted)
	}
	if f.near {
		put(&p.state.Near, o.ID, o.trimmed())
	}
	if !f.near {
		// First, so that what starts on the order sees the rank it brings.
		events = append(events, p.move(ev.at, f.ID)...)
	}
	p.announce(events...)
}

// inCurrency reports whether the amounts that a fact names, if any, are in the
// shop's currency.
func (p *person) inCurrency(b Body) bool {
	currency := ""
	switch b := b.(type) {
	case OrderSaved:
		currency = b.Order.Currency()
	case OrderRefunded:
		currency = b.Amount.Currency
	}
	return currency == "" || currency == p.d.settings.Currency
}

// apply takes in what a fact says of the order.
func (o *orderState) apply(f Fact) {
	at := f.stamp()
	switch body := f.Body.(type) {
	case OrderSaved:
		o.save(body.Order, at)
	case OrderPaid:
		o.pay(at.Time)
	case OrderShipped:
		o.Shipped = earliest(o.Shipped, at.Time)
	case OrderDelivered:
		o.Delivered = earliest(o.Delivered, at.Time)
	case OrderCancelled:
		o.Cancelled = earliest(o.Cancelled, at.Time)
	case OrderRefunded:
		o.refund(body, at)
	}
}

func orderID(b Body) string {
	switch b := b.(type) {
	case OrderSaved:
		return b.Order.ID
	case OrderPaid:
		return b.Order
	case OrderShipped:
		return b.Order
	case OrderDelivered:
		return b.Order
	case OrderCancelled:
		return b.Order
	case OrderRefunded:
		return b.Order
	}
	return ""
}
