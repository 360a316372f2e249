package rfc5322_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/internal/rfc5322"
	"github.com/goen-crm/crm/mailer/mailertest"
)

func message() *mailer.Message {
	return &mailer.Message{
		ID:      "1.cart@tea.example.jp",
		From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "山田 花子 様", Email: "hanako@example.jp"},
		Subject: "カートにお忘れ物はありませんか？",
		Text:    "山田 花子 様\n",
		Date:    time.Date(2026, 4, 1, 9, 30, 15, 0, time.FixedZone("JST", 9*60*60)),
	}
}

func compose(t *testing.T, m *mailer.Message) string {
	t.Helper()
	raw, err := rfc5322.Compose(m)
	require.NoError(t, err)
	wellFormed(t, raw)
	return string(raw)
}

// wellFormed checks what RFC 5322 asks of every message.
func wellFormed(t *testing.T, raw []byte) {
	t.Helper()
	require.True(t, bytes.HasSuffix(raw, []byte("\r\n")), "the last line ends, too")
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		require.NotContains(t, line, "\n")
		require.NotContains(t, line, "\r")
		require.LessOrEqual(t, len(line), 998)
	}
}

func TestComposeText(t *testing.T) {
	want := strings.ReplaceAll(`From: =?utf-8?b?5p2x5Lqs6Iy26IiX?= <shop@tea.example.jp>
To: =?utf-8?b?5bGx55SwIOiKseWtkCDmp5g=?= <hanako@example.jp>
Subject: =?utf-8?b?44Kr44O844OI44Gr44GK5b+Y44KM54mp44Gv44GC44KK44G+44Gb?=
 =?utf-8?b?44KT44GL77yf?=
Date: Wed, 01 Apr 2026 00:30:15 +0000
Message-ID: <1.cart@tea.example.jp>
MIME-Version: 1.0
Content-Transfer-Encoding: base64
Content-Type: text/plain; charset=UTF-8

5bGx55SwIOiKseWtkCDmp5gNCg==
`, "\n", "\r\n")
	assert.Equal(t, want, compose(t, message()))
}

func TestComposeAlternative(t *testing.T) {
	m := message()
	m.Text, m.HTML = "plain", "<p>rich</p>"
	raw := compose(t, m)
	_, rest, found := strings.Cut(raw, "boundary=")
	require.True(t, found)
	boundary, rest, _ := strings.Cut(rest, "\r\n")
	assert.Len(t, boundary, 40)
	assert.Equal(t, strings.ReplaceAll(`
--B
Content-Transfer-Encoding: quoted-printable
Content-Type: text/plain; charset=UTF-8

plain

--B
Content-Transfer-Encoding: quoted-printable
Content-Type: text/html; charset=UTF-8

<p>rich</p>

--B--
`, "\n", "\r\n"), strings.ReplaceAll(rest, boundary, "B"))
}

func TestComposeTellsNothingOfItsMaker(t *testing.T) {
	m := message()
	m.HTML = "<p>rich</p>"
	raw := strings.ToLower(compose(t, m))
	for _, leak := range []string{"user-agent", "x-mailer", "go-mail", "goen"} {
		assert.NotContains(t, raw, leak)
	}
}

func TestComposeIsDeterministic(t *testing.T) {
	m := message()
	m.HTML = "<p>rich</p>"
	for _, name := range []string{"X-C", "X-A", "X-B", "X-A"} {
		m.Headers = append(m.Headers, mailer.Header{Name: name, Value: "v"})
	}
	want := compose(t, m)
	for range 50 {
		require.Equal(t, want, compose(t, m))
	}
	assert.Contains(t, want, "X-C: v\r\nX-A: v\r\nX-B: v\r\nX-A: v\r\n", "extra headers keep order and repetition")

	m.Date = m.Date.UTC()
	m.Raw = []byte("ignored")
	assert.Equal(t, want, compose(t, m), "an instant is the same in every zone")

	m.Text += "!"
	assert.NotEqual(t, want, compose(t, m))
	boundary := func(raw string) string {
		_, rest, _ := strings.Cut(raw, "boundary=")
		return rest[:40]
	}
	assert.NotEqual(t, boundary(want), boundary(compose(t, m)), "another message has another boundary")
}

func TestComposeTextFromHTML(t *testing.T) {
	m := message()
	m.Text = ""
	m.HTML = `<html><head><title>no</title><style>p{}</style></head><body><h1>新茶の季節</h1>
<p>山田&nbsp;花子 様</p><p>お得な<a href="https://tea.example.jp/?a=1&amp;b=2">新茶</a>です。</p><ul><li>煎茶</li><li>玉露</li></ul></body></html>`
	d, err := mailertest.Parse([]byte(compose(t, m)))
	require.NoError(t, err)
	for _, want := range []string{"新茶の季節", "花子 様", "新茶 <https://tea.example.jp/?a=1&b=2>", "- 煎茶"} {
		assert.Contains(t, d.Text, want)
	}
	assert.NotContains(t, d.Text, "p{}")
	assert.NotContains(t, d.Text, "<p>")

	m.HTML = `<!--[if mso]><p>Outlook > all</p><![endif]--><p title="a > b">1 < 2 > 0 -> ok</p>` + strings.Repeat(">", 200_000)
	d, err = mailertest.Parse([]byte(compose(t, m)))
	require.NoError(t, err)
	assert.Equal(t, "1 < 2 > 0 -> ok\r\n\r\n"+strings.Repeat(">", 200_000)+"\r\n", d.Text)

	m.HTML = `<img src="banner.png">`
	raw := compose(t, m)
	assert.NotContains(t, raw, "multipart", "a picture alone has no text")
	assert.Contains(t, raw, "Content-Type: text/html")
}

func TestComposeAddresses(t *testing.T) {
	for email, want := range map[string]string{
		"a..b@docomo.ne.jp":     `<"a..b"@docomo.ne.jp>`,
		"hana.@ezweb.ne.jp":     `<"hana."@ezweb.ne.jp>`,
		".hana@softbank.ne.jp":  `<".hana"@softbank.ne.jp>`,
		"a.b+tag@example.jp":    `<a.b+tag@example.jp>`,
		"hanako@日本語.jp":         `<hanako@xn--wgv71a119e.jp>`,
		"hanako@EXAMPLE.jp":     `<hanako@EXAMPLE.jp>`,
		"花子@日本語.jp":             `<花子@xn--wgv71a119e.jp>`,
		"o'hara/x=y@example.jp": `<o'hara/x=y@example.jp>`,
	} {
		m := message()
		m.To.Email = email
		assert.Contains(t, compose(t, m), want+"\r\n", email)
	}
	m := message()
	m.To.Email = "hanako@\u2488.jp" // A digit with a full stop in it, which IDNA forbids.
	_, err := rfc5322.Compose(m)
	require.ErrorIs(t, err, mailer.ErrInvalid)
	assert.NotContains(t, err.Error(), "hanako")
}

func TestComposeRefuses(t *testing.T) {
	for name, change := range map[string]func(*mailer.Message){
		"no date":             func(m *mailer.Message) { m.Date = time.Time{} },
		"a date long gone":    func(m *mailer.Message) { m.Date = time.Date(1899, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a Japanese ID":       func(m *mailer.Message) { m.ID = "注文@x" },
		"an endless ID":       func(m *mailer.Message) { m.ID = strings.Repeat("x", 1000) },
		"a second Subject":    func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "sUbject", Value: "x"}} },
		"a Bcc":               func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "BCC", Value: "a@b.jp"}} },
		"a Content-Type":      func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "Content-Type", Value: "x/y"}} },
		"an unspeakable name": func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "X(Y", Value: "x"}} },
		"an endless name":     func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: strings.Repeat("X", 65), Value: "x"}} },
		"an endless URL": func(m *mailer.Message) {
			m.Headers = []mailer.Header{{Name: "List-Unsubscribe", Value: "<https://x.jp/" + strings.Repeat("x", 1000) + ">"}}
		},
		"a newline": func(m *mailer.Message) { m.Subject = "a\r\nBcc: b@c.jp" },
	} {
		m := message()
		change(m)
		_, err := rfc5322.Compose(m)
		assert.True(t, mailer.IsPermanent(err), name)
		assert.ErrorIs(t, err, mailer.ErrInvalid, name)
	}
}

func TestComposeHeaderText(t *testing.T) {
	for _, s := range []string{
		"", " ", "  two  spaces  ", "=?utf-8?q?not_encoded?=", "plain", `quotes " and \ backslash`, "a, b; c <d@e.jp> (f)",
		strings.Repeat("x", 1500), strings.Repeat("word ", 300) + "end", strings.Repeat("漢", 400), "mixed 漢字 and ascii " + strings.Repeat("y", 100),
		strings.Repeat("👨‍👩‍👧‍👦", 40), "\u2028line separator", "a\u00a0b",
	} {
		m := message()
		m.Subject, m.To.Name = s, s
		m.Headers = []mailer.Header{{Name: "X-Text", Value: strings.TrimSpace(s)}}
		raw, err := rfc5322.Compose(m)
		if len(s) == 1500 {
			require.ErrorIs(t, err, mailer.ErrInvalid) // The extra header holds an endless word.
			m.Headers = nil
			raw, err = rfc5322.Compose(m)
		}
		require.NoError(t, err, s)
		wellFormed(t, raw)
		d, err := mailertest.Parse(raw)
		require.NoError(t, err, s)
		assert.Equal(t, s, d.Subject)
		assert.Equal(t, s, d.To.Name)
		header, _, _ := strings.Cut(string(raw), "\r\n\r\n")
		for line := range strings.SplitSeq(header, "\r\n") {
			assert.NotEmpty(t, strings.TrimSpace(line))
			if strings.Contains(line, "=?") {
				assert.LessOrEqual(t, len(line), 76, "RFC 2047, section 2")
			}
		}
	}
}
