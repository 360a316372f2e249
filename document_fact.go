package crm

import "encoding/json"

func (j *factJSON) fields(d *document) {
	d.text("id", &j.ID, always)
	d.text("type", (*string)(&j.Type), always)
	d.moment("time", &j.Time, always)
	d.text("customer", &j.Customer, optional)
	d.text("email", &j.Email, optional)
	d.moment("recorded_at", &j.RecordedAt, optional)
	d.flag("imported", &j.Imported, optional)
	field(d, "data", &j.Data, always, (*document).unread)
}

// decodeBody reads the data of a fact that goen has stored. The bodies of many
// fields, which come most often, are documents.
func decodeBody(data []byte, body any) error {
	if d, ok := body.(documented); ok {
		return decodeDocument(data, d)
	}
	return json.Unmarshal(data, body)
}
