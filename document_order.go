package crm

func (o *orderState) fields(d *document) {
	d.text("id", &o.ID, always)
	field(d, "snapshot", &o.Snapshot, o.Snapshot == nil, pointer[Order])
	d.flag("foreign", &o.Foreign, optional)
	d.stamp("at", &o.At, optional)
	d.moment("saved", &o.Saved, optional)
	d.moment("authorised", &o.Authorised, optional)
	d.moment("paid", &o.Paid, optional)
	d.moment("shipped", &o.Shipped, optional)
	d.moment("delivered", &o.Delivered, optional)
	d.moment("cancelled", &o.Cancelled, optional)
	d.moment("paid_last", &o.PaidLast, optional)
	dict(d, "refunds", &o.Refunds, object[refundState])
	d.flag("told_placed", &o.Placed, optional)
	d.flag("told_counted", &o.Counted, optional)
	list(d, "runs", &o.Runs, optional, (*document).string)
}

func (r *refundState) fields(d *document) {
	r.Refund.fields(d)
	d.stamp("fact", &r.Fact, always)
}

func (r *Refund) fields(d *document) {
	d.text("id", &r.ID, always)
	d.money("amount", &r.Amount, always)
	d.flag("whole", &r.Whole, optional)
	d.moment("at", &r.At, always)
}

func (o *Order) fields(d *document) {
	d.text("id", &o.ID, always)
	d.text("number", &o.Number, optional)
	d.number("revision", &o.Revision, optional)
	d.text("kind", (*string)(&o.Kind), optional)
	d.text("channel", &o.Channel, optional)
	d.text("cart", &o.Cart, optional)
	d.moment("placed_at", &o.PlacedAt, optional)
	d.moment("promised", &o.Promised, optional)
	d.flag("gift", &o.Gift, optional)
	d.text("method", (*string)(&o.Method), optional)
	d.text("payment", (*string)(&o.Payment), optional)
	list(d, "lines", &o.Lines, always, object[LineItem])
	d.money("discount", &o.Discount, optional)
	d.money("shipping", &o.Shipping, optional)
	d.money("fees", &o.Fees, optional)
	d.money("points_used", &o.PointsUsed, optional)
	d.money("tax", &o.Tax, optional)
}

func (l *LineItem) fields(d *document) {
	d.text("product", &l.Product, always)
	d.text("variant", &l.Variant, optional)
	d.text("sku", &l.SKU, optional)
	d.text("title", &l.Title, always)
	d.text("category", &l.Category, optional)
	d.number("quantity", &l.Quantity, always)
	d.money("price", &l.Price, always)
	d.text("image", &l.Image, optional)
	d.text("url", &l.URL, optional)
	list(d, "tags", &l.Tags, optional, (*document).string)
}

func (d *document) money(name string, v *Money, omit bool) {
	field(d, name, v, omit && v.IsZero(), object[Money])
}

func (m *Money) fields(d *document) {
	field(d, "minor", &m.Minor, always, integer[int64])
	d.text("currency", &m.Currency, optional)
}
