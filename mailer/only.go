package mailer

import (
	"context"
	"errors"
	"strings"
)

// ErrNotAllowed is wrapped by the permanent error for a recipient that [Only]
// does not let through.
var ErrNotAllowed = errors.New("mailer: recipient is not on the allow-list")

// Only returns a mailer that hands m only the messages to allowed recipients,
// for a staging system with a copy of real customers. An entry is an address,
// or a domain written "@example.jp", which is not its subdomains; case does not
// matter. Any other recipient gets a permanent error that wraps
// [ErrNotAllowed], and m hears nothing of the message. Without entries nobody
// is allowed.
//
// [As] sees through it. Compose may be called on what As finds, but Send only
// on the mailer that Only returned: the list is checked nowhere else.
func Only(m Mailer, allow ...string) Mailer {
	o := &only{next: m, allow: make(map[string]bool, len(allow))}
	for _, entry := range allow {
		o.allow[strings.ToLower(strings.TrimSpace(entry))] = true
	}
	return o
}

type only struct {
	next  Mailer
	allow map[string]bool
}

// Send hands msg on if its recipient is allowed.
func (o *only) Send(ctx context.Context, msg *Message) error {
	if !o.allows(msg.To.Email) {
		return Permanent(ErrNotAllowed)
	}
	return o.next.Send(ctx, msg)
}

// Unwrap returns the mailer that o guards.
func (o *only) Unwrap() Mailer { return o.next }

func (o *only) allows(email string) bool {
	email = strings.ToLower(email)
	at := strings.LastIndexByte(email, '@')
	return at > 0 && (o.allow[email] || o.allow[email[at:]])
}
