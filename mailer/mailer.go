// Package mailer defines what goen asks of a mail system: one method that
// takes one message.
//
// [Mailer] is all that a provider must implement. Two optional interfaces make
// sending more exact: a [Composer] renders the wire bytes of a message before
// it is sent, so that they can be stored and sent again unchanged, and a
// [Marker] says itself when the point of no return is reached. Package
// mailer/smtp implements all three.
//
// # Errors
//
// After an attempt there are four things that can be true, and the error says
// which: nil, the mail system took the message; [Temporary], it did not and
// may later; [Permanent], it never will; anything else, nobody knows. Return a
// typed error only where the mail system gave a definite answer: a message
// whose fate is unknown may have been delivered, and sending it again would
// deliver it twice.
package mailer

import "context"

// A Mailer hands messages to a mail system.
//
// Send returns nil once the mail system has taken responsibility for msg. It
// returns an error made by [Temporary] or [Permanent] if the system definitely
// did not take it, and any other error if that is not known. It honours ctx,
// does not change or keep msg, and is safe for concurrent use.
type Mailer interface {
	Send(ctx context.Context, msg *Message) error
}

// A Composer is a Mailer that can render the complete message ahead of
// sending it.
//
// Compose returns the RFC 5322 bytes, with CRLF line ends, that Send will
// transmit when they are given back in [Message.Raw]. It does no I/O, and
// equal messages give equal bytes.
type Composer interface {
	Mailer
	Compose(msg *Message) ([]byte, error)
}

// A Marker is a Mailer whose Send calls [Message.Started] itself, right before
// the point of no return (SMTP: the DATA command), and sends nothing if that
// fails. A message given to a mailer that is no Marker counts as started as
// soon as Send is entered.
type Marker interface {
	Mailer
	MarksStart()
}

// A Func is a Mailer made of a function.
type Func func(ctx context.Context, msg *Message) error

// Send calls f.
func (f Func) Send(ctx context.Context, msg *Message) error { return f(ctx, msg) }

// As returns the first mailer in m's chain that is a T. The chain is m, then
// what its Unwrap() Mailer method returns, and so on: wrappers such as [Only]
// have one, so that the optional interfaces of what they wrap stay visible.
func As[T Mailer](m Mailer) (T, bool) {
	for m != nil {
		if t, ok := m.(T); ok {
			return t, true
		}
		w, ok := m.(interface{ Unwrap() Mailer })
		if !ok {
			break
		}
		m = w.Unwrap()
	}
	var zero T
	return zero, false
}
