package smtptest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"strings"

	"github.com/emersion/go-sasl"
	smtpserver "github.com/emersion/go-smtp"
)

// A login decides about a user by a check of the stored password.
type login func(user string, check func(password string) bool) error

// newAuth returns the server's side of a SASL mechanism.
func newAuth(mech string, ok login) (sasl.Server, error) {
	switch mech {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, user, password string) error {
			return ok(user, func(want string) bool { return password == want })
		}), nil
	case sasl.Login:
		return &loginAuth{ok: ok}, nil
	case "CRAM-MD5":
		return &cramAuth{ok: ok}, nil
	case "XOAUTH2":
		return &xoauth2Auth{ok: ok}, nil
	}
	return nil, smtpserver.ErrAuthUnknownMechanism
}

// loginAuth is LOGIN: user name and password, each asked for.
type loginAuth struct {
	ok   login
	user *string
	step int
}

// Next asks for the name, then the password, then decides.
func (a *loginAuth) Next(response []byte) ([]byte, bool, error) {
	a.step++
	switch {
	case a.step == 1 && response == nil:
		return []byte("Username:"), false, nil
	case a.user == nil:
		user := string(response)
		a.user = &user
		return []byte("Password:"), false, nil
	}
	return nil, true, a.ok(*a.user, func(want string) bool { return string(response) == want })
}

// cramAuth is CRAM-MD5, RFC 2195.
type cramAuth struct {
	ok        login
	challenge string
}

// Next sends a challenge, then checks the digest.
func (a *cramAuth) Next(response []byte) ([]byte, bool, error) {
	if a.challenge == "" {
		a.challenge = "<" + rand.Text() + "@smtptest.example>"
		return []byte(a.challenge), false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	return nil, true, a.ok(user, func(want string) bool {
		mac := hmac.New(md5.New, []byte(want))
		mac.Write([]byte(a.challenge))
		return digest == hex.EncodeToString(mac.Sum(nil))
	})
}

// xoauth2Auth is the bearer-token mechanism of Google and Microsoft.
type xoauth2Auth struct{ ok login }

// Next checks the token. The failure is told at once, without the challenge
// in JSON that the real servers send first.
func (a *xoauth2Auth) Next(response []byte) ([]byte, bool, error) {
	user, rest, _ := strings.Cut(strings.TrimPrefix(string(response), "user="), "\x01")
	token := strings.TrimSuffix(strings.TrimPrefix(rest, "auth=Bearer "), "\x01\x01")
	return nil, true, a.ok(user, func(want string) bool { return token == want })
}
