package crm

// A Product is something that a shop sells, in one variant. goen keeps no
// catalogue: what a mail needs to know of a product stands in the order or cart
// that holds it, as it was then. See [Product.Line].
type Product struct {
	ID       string   `json:"id"`
	Variant  string   `json:"variant,omitempty"`  // Variant is the id of the variant, such as a size.
	SKU      string   `json:"sku,omitempty"`      // SKU is the stock-keeping unit.
	Title    string   `json:"title"`              // Title is what customers see.
	Category string   `json:"category,omitempty"` // Category is what rules ask for.
	Price    Money    `json:"price"`              // Price is for one piece, not negative.
	Image    string   `json:"image,omitempty"`    // Image is the URL of a picture.
	URL      string   `json:"url,omitempty"`      // URL is the product's page.
	Tags     []string `json:"tags,omitempty"`     // Tags are the shop's own labels.
}

// Validate reports the first field that cannot be stored.
func (p Product) Validate() error {
	var c check
	c.id("ID", p.ID)
	p.Line(1).check(&c)
	return c.err()
}

// Line returns n pieces of p as a line of an order or an item of a cart.
func (p Product) Line(n int) LineItem {
	return LineItem{
		Product: p.ID, Variant: p.Variant, SKU: p.SKU, Title: p.Title, Category: p.Category,
		Quantity: n, Price: p.Price, Image: p.Image, URL: p.URL, Tags: p.Tags,
	}
}
