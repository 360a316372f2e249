package rfc5322

import (
	"strings"

	"golang.org/x/net/idna"

	"github.com/goen-crm/crm/mailer"
)

// Mailbox returns email as it is written in a header and, between angle
// brackets, in an SMTP command. A non-ASCII domain is turned into its ASCII
// form (RFC 5891). A local part that RFC 5322 allows only in quotes gets
// them: carriers in Japan gave out addresses such as a..b@docomo.ne.jp. What
// is not ASCII in the result needs SMTPUTF8 (RFC 6531).
//
// The error wraps mailer.ErrInvalid and holds no part of the address.
func Mailbox(email string) (string, error) {
	if err := mailer.ValidateEmail(email); err != nil {
		return "", err
	}
	at := strings.LastIndexByte(email, '@')
	local, domain := email[:at], email[at+1:]
	if !isASCII(domain) {
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil || len(ascii) > 253 {
			return "", invalid("Email", "has a domain without an ASCII form")
		}
		domain = ascii
	}
	// mailer.ValidateEmail let no character in that would need an escape.
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		local = `"` + local + `"`
	}
	return local + "@" + domain, nil
}
