package crm

import "encoding/json"

func (j *factJSON) fields(d *document) {
	j.head(d)
	field(d, "data", &j.Data, always, (*document).unread)
}

func (j *factJSON) head(d *document) {
	d.text("id", &j.ID, always)
	d.text("type", (*string)(&j.Type), always)
	d.moment("time", &j.Time, always)
	d.text("customer", &j.Customer, optional)
	d.text("email", &j.Email, optional)
	d.moment("recorded_at", &j.RecordedAt, optional)
	d.flag("imported", &j.Imported, optional)
}

// A factForm is a fact on its way out. Its data is body, or what stands in Data
// if that is nil.
type factForm struct {
	factJSON
	body documented
}

func (f *factForm) fields(d *document) {
	if f.body == nil {
		f.factJSON.fields(d)
		return
	}
	f.head(d)
	d.out.name("data")
	d.object(f.body)
}

// factSize is room enough for most.
const factSize = 1536

// encode writes f after a heading.
func (f *factForm) encode(heading string) ([]byte, error) {
	d := &document{writing: true, out: jsonWriter{b: append(make([]byte, 0, factSize), heading...)}}
	d.object(f)
	return d.out.b, d.out.err
}

// data sets the data of f. The bodies of many fields, which come most often, are
// documents.
func (f *factForm) data(b Body) (err error) {
	switch b := b.(type) {
	case OrderSaved:
		f.body = &b
	case CartUpdated:
		f.body = &b
	case ConsentChanged:
		f.body = &b
	default:
		f.Data, err = json.Marshal(b)
	}
	return err
}

// decodeBody reads the data of a fact that goen has stored.
func decodeBody(data []byte, body any) error {
	if d, ok := body.(documented); ok {
		return decodeDocument(data, d)
	}
	return json.Unmarshal(data, body)
}
