package mailer

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// An Address is a mailbox with an optional display name.
type Address struct {
	Name  string `json:"name,omitempty"`  // Name is shown to the reader. UTF-8, no line breaks.
	Email string `json:"email,omitempty"` // Email is the bare address: local part, @, domain.
}

// IsZero reports whether a has no mailbox.
func (a Address) IsZero() bool { return a.Email == "" }

// A Header is one additional field of a message's header.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Message is one mail to one recipient. It holds plain values: encoding them
// for the wire is the mailer's work.
type Message struct {
	// ID is the Message-ID without angle brackets. It is the same on every
	// attempt, so a provider may use it as its idempotency key.
	ID string `json:"id"`
	// Shop is the shop in whose name the message is sent.
	Shop string `json:"shop,omitempty"`
	// Class is "transactional", "service" or "marketing".
	Class string `json:"class,omitempty"`

	From    Address  `json:"from"`
	ReplyTo Address  `json:"reply_to,omitzero"` // ReplyTo is left out of the mail if zero.
	To      Address  `json:"to"`
	Subject string   `json:"subject"`
	Text    string   `json:"text,omitempty"` // Text is the plain-text body. One of Text and HTML is set.
	HTML    string   `json:"html,omitempty"` // HTML is the HTML body; with Text, an alternative to it.
	Headers []Header `json:"headers,omitempty"`
	// Date is the Date header, the same on every attempt.
	Date time.Time `json:"date"`

	// Raw, if not nil, is the complete message as a [Composer] rendered it
	// before. A Composer's Send transmits these bytes and renders nothing.
	Raw []byte `json:"-"`

	started func(context.Context) error
}

// Started tells goen that the next step cannot be taken back: a [Marker]
// calls it once, right before that step, and gives up if it returns an error.
// It has been stored durably when Started returns nil.
func (m *Message) Started(ctx context.Context) error {
	if m.started == nil {
		return nil
	}
	return m.started(ctx)
}

// OnStarted returns a copy of m whose Started method calls f.
func (m *Message) OnStarted(f func(context.Context) error) *Message {
	c := *m
	c.started = f
	return &c
}

// ErrInvalid is wrapped by every error of [Message.Validate].
var ErrInvalid = errors.New("mailer: invalid message")

// Validate reports the first field of m that no mail may have: a missing
// id, sender, recipient or body, an address that does not parse, a line break
// or control character in anything that becomes a header, text that is not
// UTF-8. The error wraps [ErrInvalid] and names the field, not its value.
func (m *Message) Validate() error {
	if m.ID == "" || strings.ContainsAny(m.ID, "<> \t") {
		return invalid("ID", "must be set, without brackets or spaces")
	}
	for _, f := range []struct{ name, value string }{
		{"ID", m.ID}, {"Subject", m.Subject},
		{"From.Name", m.From.Name}, {"ReplyTo.Name", m.ReplyTo.Name}, {"To.Name", m.To.Name},
	} {
		if err := headerText(f.name, f.value); err != nil {
			return err
		}
	}
	for i, h := range m.Headers {
		if !fieldName(h.Name) {
			return invalid(fmt.Sprintf("Headers[%d].Name", i), "is not a header name")
		}
		if err := headerText(fmt.Sprintf("Headers[%d].Value", i), h.Value); err != nil {
			return err
		}
	}
	for _, a := range []struct {
		name  string
		value Address
	}{{"From", m.From}, {"To", m.To}, {"ReplyTo", m.ReplyTo}} {
		if a.value.IsZero() && a.name == "ReplyTo" {
			continue
		}
		if err := ValidateEmail(a.value.Email); err != nil {
			return invalid(a.name+".Email", "is not a mail address")
		}
	}
	if m.Text == "" && m.HTML == "" {
		return invalid("Text", "or HTML must be set")
	}
	if !utf8.ValidString(m.Text) {
		return invalid("Text", "is not UTF-8")
	}
	if !utf8.ValidString(m.HTML) {
		return invalid("HTML", "is not UTF-8")
	}
	return nil
}

// ValidateEmail reports whether email can be written in an SMTP command:
// one local part, one @, one domain, no control characters, at most 254 bytes.
// It accepts local parts that RFC 5321 forbids and Japanese carriers gave out
// (a..b@docomo.ne.jp, a.@ezweb.ne.jp). The error holds no part of the address.
func ValidateEmail(email string) error {
	at := strings.LastIndexByte(email, '@')
	switch {
	case len(email) > 254:
		return invalid("Email", "is longer than 254 bytes")
	case !utf8.ValidString(email):
		return invalid("Email", "is not UTF-8")
	case at <= 0 || at > 64:
		return invalid("Email", "has no local part of 1 to 64 bytes")
	case strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) }):
		return invalid("Email", "holds a space or control character")
	case strings.ContainsAny(email[:at], `"(),:;<>[\]@`):
		return invalid("Email", "holds a character that needs quoting")
	}
	domain := email[at+1:]
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return invalid("Email", "has no valid domain")
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r < 0x80 && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return invalid("Email", "has no valid domain")
		}
	}
	// What is left of ASCII is for no parser to judge. The local part is replaced:
	// carriers' consecutive dots are not, either.
	if strings.ContainsFunc(domain, func(r rune) bool { return r >= 0x80 }) {
		if _, err := mail.ParseAddress("a@" + domain); err != nil {
			return invalid("Email", "has no valid domain")
		}
	}
	return nil
}

func headerText(field, s string) error {
	if !utf8.ValidString(s) {
		return invalid(field, "is not UTF-8")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid(field, "holds a line break or control character")
	}
	return nil
}

func fieldName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
}

func invalid(field, problem string) error {
	return fmt.Errorf("%w: %s %s", ErrInvalid, field, problem)
}
