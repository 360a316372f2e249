package crm

import "time"

// A Cart is what somebody is about to buy, as it is after a change. An empty
// cart has no items.
type Cart struct {
	ID       string     `json:"id"`
	Revision int        `json:"revision,omitempty"` // Revision orders changes that carry the same time.
	Items    []LineItem `json:"items"`
	// RecoveryURL is the link that brings the cart back.
	RecoveryURL string `json:"recovery_url,omitempty"`

	// UpdatedAt is when it last changed. Set by goen.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Total is the price of all items.
func (c Cart) Total() Money { return sumLines(c.Items) }

// Validate reports the first field that cannot be stored.
func (c Cart) Validate() error {
	var k check
	c.check(&k)
	return k.err()
}

func (c Cart) check(k *check) {
	k.id("ID", c.ID)
	if len(c.ID) > MaxID-len(cartPrefix) {
		k.add("ID", ErrTooLong)
	}
	if c.Revision < 0 {
		k.add("Revision", ErrNegative)
	}
	k.time("UpdatedAt", c.UpdatedAt)
	checkLines(k, "Items", c.Items)
	k.label("RecoveryURL", c.RecoveryURL, MaxURL)
}

// empty reports whether nothing can be bought with c.
func (c Cart) empty() bool {
	for _, item := range c.Items {
		if item.Quantity > 0 {
			return false
		}
	}
	return true
}

func sumLines(lines []LineItem) Money {
	var sum Money
	for _, l := range lines {
		sum.Minor += l.Total().Minor
		sum.Currency = l.Price.Currency
	}
	return sum
}
