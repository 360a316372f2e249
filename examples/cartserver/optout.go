package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// A link to opt out names the message it stands in, and carries a signature:
// whoever has the mail can opt its reader out, nobody else can, and nothing in
// the link is personal.
//
// goen writes the link without the signature. It is put in where mails are
// composed, before they are stored and sent, together with the header by which
// mail programs opt out with one click (RFC 8058).

// A signer signs the links of the mails that it hands on.
type signer struct {
	mailer.Composer
	links links
}

// Compose signs the links of a mail and composes it.
func (s signer) Compose(msg *mailer.Message) ([]byte, error) {
	id, _, _ := strings.Cut(msg.ID, "@")
	sign := strings.NewReplacer(s.links.bare(id), s.links.signed(id))
	signed := *msg
	signed.Text, signed.HTML = sign.Replace(msg.Text), sign.Replace(msg.HTML)
	signed.Headers = slices.Clone(msg.Headers)
	for i, h := range msg.Headers {
		signed.Headers[i].Value = sign.Replace(h.Value)
		if h.Name == "List-Unsubscribe" {
			signed.Headers = append(signed.Headers, mailer.Header{Name: "List-Unsubscribe-Post", Value: "List-Unsubscribe=One-Click"})
		}
	}
	return s.Composer.Compose(&signed)
}

// Unwrap lets goen see what else the mailer can do.
func (s signer) Unwrap() mailer.Mailer { return s.Composer }

// links makes links to opt out, and reads them.
type links struct{ base, key string }

// pattern is the form in which goen wants it: see crm.Legal.
func (l links) pattern() string { return l.bare("{message}") }

func (l links) bare(message string) string { return l.base + "/opt-out/" + message }

func (l links) signed(message string) string { return l.bare(l.token(message)) }

// token is a message's id with its signature.
func (l links) token(message string) string {
	mac := hmac.New(sha256.New, []byte(l.key))
	mac.Write([]byte("opt-out\n" + message))
	return message + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// message returns the message that a token is about, or errNotFound.
func (l links) message(token string) (string, error) {
	id, _, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(token), []byte(l.token(id))) {
		return "", errNotFound
	}
	return id, nil
}

// askOptOut is where the link in a mail leads. It changes nothing: programs
// follow links too, to look for viruses.
func (s *server) askOptOut(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if _, err := s.links.message(r.PathValue("token")); err != nil {
		return err
	}
	return s.show(w, v, "opt-out", map[string]any{"Token": r.PathValue("token")})
}

// optOut is the button on that page, and the one click of a mail program. When
// it answers, no marketing mail will go out to the address any more.
func (s *server) optOut(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	id, err := s.links.message(r.PathValue("token"))
	if err != nil {
		return err
	}
	m, err := s.message(ctx, crm.MessageQuery{ID: id})
	if err != nil {
		return err
	}
	email, err := s.recipient(r, m)
	if err != nil {
		return err
	}
	if email != "" { // else she was erased, and gets no mail anyway
		err = s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
			if _, err := tx.ExecContext(ctx, `UPDATE account SET newsletter = 0 WHERE email = $1`, crm.NormalizeEmail(email)); err != nil {
				return err
			}
			return s.shop.RecordIn(ctx, goen, crm.Fact{
				ID: "opt-out-" + rand.Text(), Time: s.now(), Email: email,
				Body: crm.ConsentChanged{Consent: crm.Consent{Granted: false, Source: "link"}},
			})
		})
	}
	if err != nil {
		return err
	}
	return s.show(w, v, "opt-out", map[string]any{"Done": true})
}

// recipient is the address that a message went to, "" if it is forgotten.
func (s *server) recipient(r *http.Request, m crm.Message) (string, error) {
	if m.To != "" {
		return m.To, nil
	}
	customer, err := s.shop.Customer(r.Context(), m.Customer)
	if errors.Is(err, crm.ErrErased) || errors.Is(err, crm.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return customer.Email, nil
}
