package mailertest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/emersion/go-message/mail"

	"github.com/goen-crm/crm/mailer"
)

// A Delivery is a message as its reader gets it.
type Delivery struct {
	ID      string // ID is the Message-ID without brackets.
	From    mailer.Address
	ReplyTo mailer.Address
	To      mailer.Address
	Subject string
	Text    string // Text is the decoded plain-text body, "" if there is none.
	HTML    string // HTML is the decoded HTML body, "" if there is none.
	// Headers are all fields of the header in their order, decoded.
	Headers []mailer.Header
	// Raw is what was transmitted, nil if that cannot be known.
	Raw []byte
}

// Parse decodes RFC 5322 bytes, as a mail program would.
func Parse(raw []byte) (*Delivery, error) {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("mailertest: parse: %w", err)
	}
	defer func() { _ = r.Close() }()
	d := &Delivery{Raw: slices.Clone(raw)}
	if err := d.readHeader(&r.Header); err != nil {
		return nil, fmt.Errorf("mailertest: parse header: %w", err)
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("mailertest: parse body: %w", err)
		}
		if err := d.readPart(part); err != nil {
			return nil, fmt.Errorf("mailertest: parse body: %w", err)
		}
	}
}

// Deliver returns the delivery of a message that was handed over as it is, by
// a mailer such as [Recorder].
func Deliver(m *mailer.Message) *Delivery {
	return &Delivery{
		ID: m.ID, From: m.From, ReplyTo: m.ReplyTo, To: m.To, Subject: m.Subject,
		Text: m.Text, HTML: m.HTML, Headers: slices.Clone(m.Headers), Raw: slices.Clone(m.Raw),
	}
}

func (d *Delivery) readHeader(h *mail.Header) (err error) {
	if d.ID, err = h.MessageID(); err != nil {
		return err
	}
	if d.Subject, err = h.Subject(); err != nil {
		return err
	}
	for _, a := range []struct {
		field   string
		address *mailer.Address
	}{{"From", &d.From}, {"Reply-To", &d.ReplyTo}, {"To", &d.To}} {
		list, err := h.AddressList(a.field)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			*a.address = mailer.Address{Name: list[0].Name, Email: list[0].Address}
		}
	}
	for fields := h.Fields(); fields.Next(); {
		value, err := fields.Text()
		if err != nil {
			return err
		}
		d.Headers = append(d.Headers, mailer.Header{Name: fields.Key(), Value: value})
	}
	return nil
}

func (d *Delivery) readPart(part *mail.Part) error {
	h, ok := part.Header.(*mail.InlineHeader)
	if !ok {
		return nil
	}
	mediaType, _, err := h.ContentType()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(part.Body)
	if err != nil {
		return err
	}
	switch mediaType {
	case "text/plain":
		d.Text = string(content)
	case "text/html":
		d.HTML = string(content)
	}
	return nil
}
