package crm

import "time"

// A cart is abandoned for a journey once it has lain untouched for the
// trigger's After: it holds something, and nothing was ordered since by its
// owner, from her address, or out of the cart itself. A change begins the time
// anew and ends a run that is about the cart as it was; emptying it or an order
// ends the run for good. If the order's payment fails, the cart is open again
// from that moment. A cart that nobody had a name for lies idle from the moment
// that it is known whose it is; one that was emptied after its order may be
// filled again under the same id.

// proposeIdle proposes her timers of carts going idle.
func (p *person) proposeIdle(propose func(timer)) {
	if len(p.state.Carts) == 0 {
		return
	}
	for _, prog := range p.d.newest {
		trigger, ok := prog.Trigger.(CartAbandoned)
		if !ok {
			continue
		}
		for _, id := range sortedKeys(p.state.Carts) {
			c := p.state.Carts[id]
			since, open := p.open(c)
			if open && !c.Imported && p.live(prog, since) && !c.Fired[prog.ID].Equal(since) {
				propose(timer{since.Add(trigger.After), Prompt, func() { p.abandon(prog, c, since) }})
			}
		}
	}
}

// open reports whether a cart waits to be bought, and since when nothing has
// happened to it.
func (p *person) open(c *cartState) (since time.Time, ok bool) {
	if c.empty() {
		return time.Time{}, false
	}
	since = c.At.Time
	if c.Known.After(since) {
		since = c.Known // nobody could be told before
	}
	for _, orders := range []map[string]*orderState{p.orders(), p.state.Near} {
		for _, o := range orders {
			if !o.sale() {
				continue
			}
			same := o.Snapshot.Cart == c.ID && !c.Emptied.After(o.placedAt())
			if !same && o.placedAt().Before(c.At.Time) {
				continue
			}
			failed := o.failed()
			if failed.IsZero() {
				return time.Time{}, false
			}
			if failed.After(since) {
				since = failed
			}
		}
	}
	return since, true
}

// abandon begins a run for a cart that has lain untouched since an instant.
func (p *person) abandon(prog *program, c *cartState, since time.Time) {
	put(&c.Fired, prog.ID, since)
	trigger := prog.Trigger.(CartAbandoned)
	at := since.Add(trigger.After)
	e := &enrollment{
		ID:      keyedID("enrollment", p.d.shop, prog.ID, "cart", c.ID, since.Format(time.RFC3339Nano), p.key),
		Journey: prog.ID, Version: prog.version, Cart: c.ID, CartKey: cartKey(c.ID), From: since, Since: at,
	}
	if !prog.If.holds(p.scope(at, nil, c.ID)) {
		return
	}
	if reason := p.refusal(prog, e); reason != "" {
		p.refuse(prog, e, reason)
		return
	}
	p.enroll(prog, e)
}

// seeCart takes in a cart, her own or one that somebody else went on with.
func (p *person) seeCart(c Cart, f sighting) {
	newer := p.state.cart(c, f.stamp(), f.near)
	mine := p.state.Carts[c.ID]
	if at := instant(f.Time); c.empty() && at.After(mine.Emptied) {
		mine.Emptied = at
	}
	if f.known.After(mine.Known) {
		mine.Known = f.known
	}
	if !newer {
		return
	}
	mine.Imported = f.Imported
	reason := ReasonCartChanged
	if c.empty() {
		reason = ReasonCartEmptied
	}
	for _, e := range p.state.Enrollments {
		if e.Cart == c.ID && e.CartKey != "" {
			p.end(e, reason, instant(f.Time))
		}
	}
}
