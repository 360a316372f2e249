package crm

import (
	"cmp"
	"slices"
	"time"
)

// purchase is an order that counts, at some instant.
type purchase struct {
	at   time.Time
	net  int64
	id   string
	sale bool // she decided on it: it is no renewal
}

// purchasesAt returns the orders that are purchases at t, earliest first.
// Renewals are revenue, so they are among them, marked as no sale.
func purchasesAt(orders map[string]*orderState, t time.Time) []purchase {
	var list []purchase
	for _, o := range orders {
		if net, ok := o.countsAt(t); ok {
			list = append(list, purchase{o.counted(), net, o.ID, o.sale()})
		}
	}
	slices.SortFunc(list, func(a, b purchase) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	return list
}

// summarize sums up what a customer has bought at t.
func summarize(orders map[string]*orderState, base Baseline, currency string, t time.Time) Purchases {
	list := purchasesAt(orders, t)
	sum := Purchases{
		Count: base.Orders, Amount: Money{base.Amount.Minor, currency},
		First: base.FirstOrder, Last: base.LastOrder,
	}
	for i, p := range list {
		if p.sale {
			sum.Count++
		}
		sum.Amount.Minor += p.net
		sum.First = earliest(sum.First, p.at)
		if p.at.After(sum.Last) {
			sum.Last = p.at
		}
		if i == 0 || p.net < sum.Smallest.Minor {
			sum.Smallest = Money{p.net, currency}
		}
		if p.net > sum.Largest.Minor {
			sum.Largest = Money{p.net, currency}
		}
	}
	return sum
}
