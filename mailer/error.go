package mailer

import (
	"errors"
	"fmt"
)

// A SendError says that a mail system definitely did not take a message.
// Its text holds no address: what a server answered, which may repeat one, is
// behind Unwrap.
type SendError struct {
	Permanent bool   // Permanent: the same message will be refused again.
	Code      int    // Code is the SMTP or HTTP status, zero if there was none.
	Enhanced  string // Enhanced is the RFC 3463 status such as "5.1.1", or "".
	Phase     string // Phase is where it happened: "dial", "auth", "mail", "rcpt", "data", …, or "".
	Err       error  // Err is the cause.
}

// Error describes the failure without quoting the mail system.
func (e *SendError) Error() string {
	kind := "temporary"
	if e.Permanent {
		kind = "permanent"
	}
	s := fmt.Sprintf("mailer: %s failure", kind)
	if e.Phase != "" {
		s += " at " + e.Phase
	}
	if e.Code != 0 {
		s += fmt.Sprintf(" (%d", e.Code)
		if e.Enhanced != "" {
			s += " " + e.Enhanced
		}
		s += ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Temporary returns an error that says: not taken, may be taken later.
func Temporary(err error) error { return &SendError{Err: err} }

// Permanent returns an error that says: not taken, and never will be.
func Permanent(err error) error { return &SendError{Permanent: true, Err: err} }

// IsTemporary reports whether err or anything it wraps is a temporary [SendError].
func IsTemporary(err error) bool {
	var e *SendError
	return errors.As(err, &e) && !e.Permanent
}

// IsPermanent reports whether err or anything it wraps is a permanent [SendError].
func IsPermanent(err error) bool {
	var e *SendError
	return errors.As(err, &e) && e.Permanent
}
