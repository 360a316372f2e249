// Package rfc5322 renders a mailer.Message as the bytes that go over the wire.
//
// The MIME part of the work (content types, transfer encodings, the
// multipart/alternative) is done by github.com/wneessen/go-mail. The other
// fields of the header are written here: go-mail keeps them in maps, so that
// repeated fields are lost, its folding drops runs of spaces and moves a long
// Message-ID to a line of its own, where not every server finds it.
package rfc5322

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/goen-crm/crm/mailer"
)

// Compose validates m and returns it as RFC 5322 bytes: lines end in CRLF, the
// last one too, and none is longer than 998 bytes. Everything but a non-ASCII
// local part of an address is ASCII. Equal messages give equal bytes; Raw
// plays no part.
//
// A message with only HTML gets a text alternative made from it, unless
// nothing readable is left. Line ends of the bodies become CRLF.
//
// Every error is a permanent mailer.SendError, and wraps mailer.ErrInvalid.
func Compose(m *mailer.Message) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, mailer.Permanent(err)
	}
	if err := check(m); err != nil {
		return nil, mailer.Permanent(err)
	}
	room := rooms.Get().(*bytes.Buffer)
	defer rooms.Put(room)
	room.Reset()
	content, err := entity(room, m)
	if err != nil {
		return nil, mailer.Permanent(fmt.Errorf("%w: %w", mailer.ErrInvalid, err))
	}
	var b bytes.Buffer
	b.Grow(usualHeader + len(content))
	if err := writeHeader(&b, m); err != nil {
		return nil, mailer.Permanent(err)
	}
	b.Write(content)
	return b.Bytes(), nil
}

// rooms are where go-mail writes entities.
var rooms = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// usualHeader is how long the header of most mails is at most.
const usualHeader = 1 << 10

// check refuses what mailer.Message.Validate leaves to the wire format.
func check(m *mailer.Message) error {
	if !isASCII(m.ID) || len(m.ID) > maxWord-len("<>") {
		return invalid("ID", "is not ASCII or too long")
	}
	if year := m.Date.UTC().Year(); m.Date.IsZero() || year < 1900 || year > 9999 {
		return invalid("Date", "must be set, to a year from 1900 to 9999")
	}
	for i, h := range m.Headers {
		if err := checkField(h); err != nil {
			return invalid(fmt.Sprintf("Headers[%d]", i), err.Error())
		}
	}
	return nil
}

func writeHeader(b *bytes.Buffer, m *mailer.Message) error {
	for _, a := range []struct {
		field   string
		address mailer.Address
	}{{"From", m.From}, {"To", m.To}, {"Reply-To", m.ReplyTo}} {
		if a.address.IsZero() {
			continue
		}
		mailbox, err := Mailbox(a.address.Email)
		if err != nil {
			return err
		}
		writeField(b, a.field, append(phrase(a.field, a.address.Name), "<"+mailbox+">"))
	}
	writeField(b, "Subject", text("Subject", m.Subject))
	// A zone would make two messages of one instant.
	writeField(b, "Date", []string{m.Date.UTC().Format(time.RFC1123Z)})
	writeField(b, "Message-ID", []string{"<" + m.ID + ">"})
	writeField(b, "MIME-Version", []string{"1.0"})
	for _, h := range m.Headers {
		writeField(b, h.Name, text(h.Name, h.Value))
	}
	return nil
}

// entity writes m into b and returns what is there of the Content fields, the
// empty line and the body.
func entity(b *bytes.Buffer, m *mailer.Message) ([]byte, error) {
	parts := bodies(m)
	options := []mail.MsgOption{mail.WithNoDefaultUserAgent(), mail.WithCharset(mail.CharsetUTF8)}
	if len(parts) > 1 {
		// One boundary is enough: there is at most one multipart.
		options = append(options, mail.WithBoundary(boundary(m)))
	}
	e := mail.NewMsg(options...)
	// What is not set here go-mail makes up, from the clock and the host.
	e.SetDateWithValue(m.Date)
	e.SetMessageIDWithValue(m.ID)
	size := 0
	for _, p := range parts {
		size += len(p.content)
		e.AddAlternativeString(p.contentType, p.content, mail.WithPartEncoding(transferEncoding(p.content)))
	}
	b.Grow(usualHeader + size + size/2) // the shorter encoding adds less than half to most texts
	if _, err := e.WriteTo(b); err != nil {
		return nil, err
	}
	const lineEnd = "\r\n"
	start := bytes.Index(b.Bytes(), []byte(lineEnd+"Content-"))
	if start < 0 {
		return nil, errors.New("go-mail wrote no Content field")
	}
	return b.Bytes()[start+len(lineEnd):], nil
}

// A body is one alternative of the text.
type body struct {
	contentType mail.ContentType
	content     string
}

// bodies returns the alternatives of m, the richest last (RFC 2046, section
// 5.1.4).
func bodies(m *mailer.Message) []body {
	text := m.Text
	if text == "" {
		text = plain(m.HTML)
	}
	var parts []body
	if text != "" {
		parts = append(parts, body{mail.TypeTextPlain, lines(text)})
	}
	if m.HTML != "" {
		parts = append(parts, body{mail.TypeTextHTML, lines(m.HTML)})
	}
	return parts
}

// lineFeeds are the ends of lines as Go writes them.
var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// lines returns s with each line, the last one too, ended by CRLF.
func lines(s string) string {
	if strings.Contains(s, "\r") { // hardly any has one
		s = lineFeeds.Replace(s)
	}
	if !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return strings.ReplaceAll(s, "\n", "\r\n")
}

// transferEncoding returns the shorter encoding: quoted-printable takes three
// bytes for a non-ASCII one, base64 four for every three.
func transferEncoding(s string) mail.Encoding {
	wide := 0
	for i := range len(s) {
		if s[i] >= 0x80 {
			wide++
		}
	}
	if 5*wide > len(s)-wide {
		return mail.EncodingB64
	}
	return mail.EncodingQP
}

// boundary derives a multipart boundary from all that is in m, so that it is
// the same for equal messages and occurs in none: a body that holds its own
// boundary would be a fixed point of SHA-256.
func boundary(m *mailer.Message) string {
	fields := []string{
		m.ID, m.From.Name, m.From.Email, m.ReplyTo.Name, m.ReplyTo.Email, m.To.Name, m.To.Email,
		m.Subject, m.Text, m.HTML, m.Date.UTC().Format(time.RFC3339),
	}
	for _, h := range m.Headers {
		fields = slices.Concat(fields, []string{h.Name, h.Value})
	}
	hash := sha256.New()
	for _, f := range fields {
		_, _ = fmt.Fprintf(hash, "%d:%s,", len(f), f)
	}
	return hex.EncodeToString(hash.Sum(nil)[:20])
}

func invalid(field, problem string) error {
	return fmt.Errorf("%w: %s %s", mailer.ErrInvalid, field, problem)
}
