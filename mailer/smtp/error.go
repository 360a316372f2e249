package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"

	"github.com/goen-crm/crm/mailer"
)

// failure returns what an error of a phase means for the message. It is the
// one place where that is decided.
func failure(phase string, err error) error {
	reply := replyOf(err)
	switch phase {
	case "mail", "rcpt", "data", "body", "reply":
		if reply != nil && reply.Code/100 == 5 && !aboutSession(reply.Code) {
			return sendError(phase, true, reply, err)
		}
	}
	switch phase {
	case "data":
		// An answer other than 354, whatever it means, keeps the body here.
		if reply == nil {
			return &uncertainError{phase: phase, err: err}
		}
	case "body", "reply":
		if reply == nil || (reply.Code/100 != 4 && reply.Code/100 != 5) {
			return &uncertainError{phase: phase, err: err}
		}
	}
	return sendError(phase, false, reply, err)
}

// temporary returns an error for a message that was not sent.
func temporary(phase string, err error) error { return sendError(phase, false, nil, err) }

// refusal returns an error for a message that no attempt will send.
func refusal(phase string, err error) error { return sendError(phase, true, nil, err) }

func sendError(phase string, permanent bool, reply *textproto.Error, err error) error {
	e := &mailer.SendError{Permanent: permanent, Phase: phase, Err: err}
	if reply != nil {
		e.Code, e.Enhanced = reply.Code, enhanced(reply)
	}
	return e
}

// aboutSession reports whether a 5xx is a verdict on the session and not on
// the message: commands out of order, or a login or encryption that the server
// wants first (RFC 4954, section 6). Another server, or the same one after the
// configuration is mended, will take the message.
func aboutSession(code int) bool {
	switch code {
	case 503, 530, 534, 535, 538:
		return true
	}
	return false
}

var enhancedCode = regexp.MustCompile(`^([245])\.\d{1,3}\.\d{1,3}\b`)

// enhanced returns the RFC 3463 status that a reply begins with, "" if it has
// none of its own class.
func enhanced(reply *textproto.Error) string {
	m := enhancedCode.FindStringSubmatch(reply.Msg)
	if m == nil || int(m[1][0]-'0') != reply.Code/100 {
		return ""
	}
	return m[0]
}

// atMail reports whether err is a temporary failure at MAIL.
func atMail(err error) bool {
	e, ok := errors.AsType[*mailer.SendError](err)
	return ok && !e.Permanent && e.Phase == "mail"
}

// An uncertainError says that the server may have taken the message. It is no
// mailer.SendError on purpose.
type uncertainError struct {
	phase string
	err   error
}

// Error tells the phase and the kind of the failure, without quoting the
// server.
func (e *uncertainError) Error() string {
	what := "the conversation broke off"
	var network net.Error
	switch {
	case errors.Is(e.err, context.Canceled), errors.Is(e.err, context.DeadlineExceeded):
		what = "the context ended"
	case errors.As(e.err, &network) && network.Timeout():
		what = "the server did not answer in time"
	case errors.Is(e.err, io.EOF), errors.Is(e.err, io.ErrUnexpectedEOF), errors.As(e.err, &network):
		what = "the connection was lost"
	}
	return fmt.Sprintf("mailer/smtp: %s at %s: the server may have the message", what, e.phase)
}

// Unwrap returns the cause.
func (e *uncertainError) Unwrap() error { return e.err }
