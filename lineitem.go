package crm

// A LineItem is a product in an order or a cart, as it was then: title, price
// and pictures are a snapshot, so that a mail about it stays true.
type LineItem struct {
	Product  string   `json:"product"`            // Product is the product's id.
	Variant  string   `json:"variant,omitempty"`  // Variant is the id of the variant, such as a size.
	SKU      string   `json:"sku,omitempty"`      // SKU is the stock-keeping unit.
	Title    string   `json:"title"`              // Title is what the customer saw.
	Category string   `json:"category,omitempty"` // Category is the product's category at the time.
	Quantity int      `json:"quantity"`           // Quantity is 0 to [MaxQuantity].
	Price    Money    `json:"price"`              // Price is for one piece, not negative.
	Image    string   `json:"image,omitempty"`    // Image is the URL of a picture.
	URL      string   `json:"url,omitempty"`      // URL is the product's page.
	Tags     []string `json:"tags,omitempty"`     // Tags are the shop's own labels.
}

// Total is the price of all pieces.
func (l LineItem) Total() Money {
	m, _ := l.Price.times(l.Quantity)
	m.Currency = l.Price.Currency
	return m
}

// Validate reports the first field that cannot be stored.
func (l LineItem) Validate() error {
	var c check
	l.check(&c)
	return c.err()
}

func (l LineItem) check(c *check) {
	c.label("Product", l.Product, MaxID)
	c.label("Variant", l.Variant, MaxID)
	c.label("SKU", l.SKU, MaxID)
	c.label("Title", l.Title, MaxText)
	c.label("Category", l.Category, MaxName)
	c.quantity("Quantity", l.Quantity)
	c.price("Price", l.Price)
	if _, ok := l.Price.times(l.Quantity); !ok && l.Quantity >= 0 && l.Quantity <= MaxQuantity {
		c.add("Price", ErrRange)
	}
	c.label("Image", l.Image, MaxURL)
	c.label("URL", l.URL, MaxURL)
	if len(l.Tags) > MaxAttributes {
		c.add("Tags", ErrTooLong)
		return
	}
	for _, tag := range l.Tags {
		c.label("Tags", tag, MaxName)
	}
}

// checkLines checks lines, and that they and the other amounts share one
// currency.
func checkLines(c *check, field string, lines []LineItem, others ...Money) {
	if len(lines) > MaxLines {
		c.addf(field, ErrTooLong, "has more than %d entries", MaxLines)
		return
	}
	code := ""
	same := func(m Money) bool {
		if m.Currency == "" {
			return true
		}
		if code == "" {
			code = m.Currency
		}
		return m.Currency == code
	}
	for _, m := range others {
		if !same(m) {
			c.add("Currency", ErrCurrencies)
		}
	}
	var sum int64
	c.each(field, len(lines), func(i int) {
		before := len(c.problems)
		lines[i].check(c)
		if !same(lines[i].Price) {
			c.add("Price.Currency", ErrCurrencies)
		}
		if lines[i].Price.Currency == "" {
			c.add("Price.Currency", ErrCurrency)
		}
		if len(c.problems) == before {
			sum += lines[i].Total().Minor // at most 1,000 × 10¹⁵: fits
		}
	})
	if sum > maxMinor {
		c.add(field, ErrRange)
	}
}
