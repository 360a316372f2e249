package crm

func (s *customerState) fields(d *document) {
	d.number("core", &s.Core, always)
	d.text("owner", &s.Owner, optional)
	dict(d, "links", &s.Links, object[stamp])
	d.number("tell", &s.Tell, optional)
	dict(d, "places", &s.Places, object[stamp])
	d.stamp("erased", &s.Erased, optional)
	list(d, "said", (*[]*saying)(&s.Said), optional, pointer[saying])
	dict(d, "consents", &s.Consents, object[consentState])
	dict(d, "carts", &s.Carts, pointer[cartState])
	dict(d, "given", &s.Given, object[givenRank])
	dict(d, "near", &s.Near, pointer[orderState])
	d.text("rank", &s.Rank, optional)
	d.moment("ranked", &s.Ranked, optional)
	field(d, "place", &s.Place, s.Place == nil, pointer[place])
	dict(d, "runs", &s.Runs, object[runMemory])
	list(d, "enrollments", &s.Enrollments, optional, pointer[enrollment])
}

func (d *document) stamp(name string, v *stamp, omit bool) {
	field(d, name, v, omit && *v == stamp{}, object[stamp])
}

func (s *stamp) fields(d *document) {
	d.moment("t", &s.Time, always)
	d.text("f", &s.Fact, optional)
}

func (s *saying) fields(d *document) {
	d.stamp("at", &s.At, always)
	dict(d, "v", &s.Values, (*document).raw)
}

func (c *consentState) fields(d *document) {
	c.Consent.fields(d)
	d.stamp("at", &c.At, always)
}

func (c *Consent) fields(d *document) {
	d.text("email", &c.Email, optional)
	d.text("topic", &c.Topic, optional)
	d.flag("granted", &c.Granted, always)
	d.text("source", &c.Source, optional)
	d.text("form", &c.Form, optional)
	d.text("wording", &c.Wording, optional)
	d.flag("pre_ticked", &c.PreTicked, optional)
}

func (c *cartState) fields(d *document) {
	c.Cart.fields(d)
	d.stamp("at", &c.At, always)
	d.flag("gone", &c.Gone, optional)
	d.moment("known", &c.Known, optional)
	d.flag("imported", &c.Imported, optional)
	d.moment("emptied", &c.Emptied, optional)
	dict(d, "fired", &c.Fired, (*document).time)
}

func (c *Cart) fields(d *document) {
	d.text("id", &c.ID, always)
	d.number("revision", &c.Revision, optional)
	list(d, "items", &c.Items, always, object[LineItem])
	d.text("recovery_url", &c.RecoveryURL, optional)
	d.moment("updated_at", &c.UpdatedAt, optional)
}

func (g *givenRank) fields(d *document) {
	d.moment("t", &g.Time, always)
	d.text("rank", &g.Rank, always)
}

func (p *place) fields(d *document) {
	field(d, "defs", &p.Defs, always, integer[int64])
	d.text("rank", &p.Rank, optional)
	d.moment("review", &p.Review, optional)
}

func (r *runMemory) fields(d *document) {
	d.number("n", &r.Count, always)
	d.moment("ended", &r.Ended, optional)
	d.text("order", &r.Order, optional)
}

func (e *enrollment) fields(d *document) {
	d.text("id", &e.ID, always)
	d.text("journey", &e.Journey, always)
	d.number("version", &e.Version, always)
	d.text("order", &e.Order, optional)
	d.text("cart", &e.Cart, optional)
	d.text("cart_key", &e.CartKey, optional)
	d.moment("from", &e.From, always)
	d.moment("since", &e.Since, always)
	d.text("step", &e.Step, optional)
	d.moment("due", &e.Due, optional)
	dict(d, "visits", &e.Visits, integer[int])
	d.number("mails", &e.Mails, optional)
	d.flag("done", &e.Done, optional)
}
