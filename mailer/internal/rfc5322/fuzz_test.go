package rfc5322_test

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/internal/rfc5322"
	"github.com/goen-crm/crm/mailer/mailertest"
)

// FuzzCompose checks that whatever a shop writes, a mail program reads exactly
// that, and no header besides.
func FuzzCompose(f *testing.F) {
	f.Add("ご注文の確認", "山田 花子 様", "X-Tag", "お茶", "本文です。", "<p>本文です。</p>")
	f.Add("a\r\nBcc: x@y.jp", `"quoted" \ name`, "Bcc", "x", ".\n..\r\n", "")
	f.Add("=?utf-8?b?44GC?=", "=?utf-8?q?x?=", "List-Id", "<a.b>", "", "<a href='&#0;'>x</a>&#xFFFFFF;")
	f.Add("  spaces  ", " ", "x-", " \u00a0", "\x00\xff", "\r\r\n")
	f.Add(strings.Repeat("長", 99), strings.Repeat("n", 500), "N", strings.Repeat("v ", 200), strings.Repeat("t", 3000), "")
	f.Fuzz(func(t *testing.T, subject, name, field, value, text, html string) {
		m := &mailer.Message{
			ID:   "1@x.jp",
			From: mailer.Address{Name: name, Email: "shop@x.jp"}, To: mailer.Address{Name: name, Email: "a..b@x.jp"},
			Subject: subject, Text: text, HTML: html,
			Headers: []mailer.Header{{Name: field, Value: value}},
			Date:    time.Unix(1_775_000_000, 0),
		}
		raw, err := rfc5322.Compose(m)
		if err != nil {
			if !mailer.IsPermanent(err) {
				t.Fatalf("error %v is not permanent", err)
			}
			return
		}
		wellFormed(t, raw)
		if again, err := rfc5322.Compose(m); err != nil || !bytes.Equal(raw, again) {
			t.Fatalf("not deterministic: %v", err)
		}

		parsed, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("net/mail: %v\n%s", err, raw)
		}
		fields := 0
		for _, values := range parsed.Header {
			fields += len(values)
		}
		want := 8 // From, To, Subject, Date, Message-ID, MIME-Version, the extra one, Content-Type.
		if parsed.Header.Get("Content-Transfer-Encoding") != "" {
			want++
		}
		if fields != want {
			t.Fatalf("%d header fields, want %d\n%s", fields, want, raw)
		}

		d, err := mailertest.Parse(raw)
		if err != nil {
			t.Fatalf("go-message: %v\n%s", err, raw)
		}
		if d.Subject != subject || d.To.Name != name || d.From.Name != name || d.To.Email != "a..b@x.jp" {
			t.Fatalf("subject %q, want %q; name %q, want %q; to %q", d.Subject, subject, d.To.Name, name, d.To.Email)
		}
		if text != "" && d.Text != wireLines(text) {
			t.Fatalf("text %q, want %q", d.Text, wireLines(text))
		}
		if html != "" && d.HTML != wireLines(html) {
			t.Fatalf("html %q, want %q", d.HTML, wireLines(html))
		}
	})
}

// wireLines returns s with the line ends that every mail has.
func wireLines(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.ReplaceAll(strings.TrimSuffix(s, "\n")+"\n", "\n", "\r\n")
}
