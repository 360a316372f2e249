package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm/mailer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func message() *mailer.Message {
	return &mailer.Message{
		ID:      "1.cart@tea.example.jp",
		From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "山田 花子 様", Email: "hanako@example.jp"},
		Subject: "カートにお忘れ物はありませんか？",
		Text:    "山田 花子 様\n",
	}
}

func TestValidate(t *testing.T) {
	require.NoError(t, message().Validate())
	for field, change := range map[string]func(*mailer.Message){
		"ID must":            func(m *mailer.Message) { m.ID = "" },
		"ID must be":         func(m *mailer.Message) { m.ID = "<1@x>" },
		"ID holds":           func(m *mailer.Message) { m.ID = "1\n@x" },
		"Subject holds":      func(m *mailer.Message) { m.Subject = "a\nb" },
		"Subject is not":     func(m *mailer.Message) { m.Subject = "\xff" },
		"From.Name":          func(m *mailer.Message) { m.From.Name = "a\rb" },
		"To.Name":            func(m *mailer.Message) { m.To.Name = "a\x00b" },
		"ReplyTo.Name":       func(m *mailer.Message) { m.ReplyTo.Name = "a\x7fb" },
		"From.Email":         func(m *mailer.Message) { m.From.Email = "" },
		"To.Email":           func(m *mailer.Message) { m.To.Email = "hanako" },
		"ReplyTo.Email":      func(m *mailer.Message) { m.ReplyTo.Email = "@" },
		"Headers[1].Name":    func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "X"}, {Name: "X Y"}} },
		"Headers[0].Value":   func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "X", Value: "a\tb"}} },
		"Text or HTML":       func(m *mailer.Message) { m.Text = "" },
		"Text is not UTF-8":  func(m *mailer.Message) { m.Text = "\xff" },
		"HTML is not UTF-8":  func(m *mailer.Message) { m.HTML = "\xff" },
		"Headers[0].Name is": func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "Überschrift"}} },
	} {
		m := message()
		change(m)
		err := m.Validate()
		require.ErrorIs(t, err, mailer.ErrInvalid, field)
		assert.Contains(t, err.Error(), field)
		assert.NotContains(t, err.Error(), "hanako", "no value in the text")
	}
}

func TestValidateEmail(t *testing.T) {
	for _, email := range []string{
		"hanako@example.jp", "a..b@docomo.ne.jp", "a.@ezweb.ne.jp", ".a@softbank.ne.jp", "a+b=c@example.jp",
		"o'hara@example.jp", "花子@日本語.jp", "root@localhost", strings.Repeat("a", 64) + "@example.jp",
	} {
		assert.NoError(t, mailer.ValidateEmail(email), email)
	}
	for _, email := range []string{
		"", "hanako", "@example.jp", "hanako@", "a@b@example.jp", "a b@example.jp", "a\r\n@example.jp", "<a@example.jp>",
		`"a b"@example.jp`, "a,b@example.jp", "hanako@-example.jp", "hanako@example-.jp", "hanako@example..jp", "hanako@.jp",
		"hanako@example.jp.", "hanako@exam_ple.jp", "hanako@[127.0.0.1]", "hanako@example.jp>", "a\x00@example.jp",
		"\xff@example.jp", strings.Repeat("a", 65) + "@example.jp", "a@" + strings.Repeat("b", 64) + ".jp",
		"a@" + strings.Repeat("b.", 130) + "jp", "hanako@exa mple.jp", "a\u0085@example.jp",
	} {
		err := mailer.ValidateEmail(email)
		assert.ErrorIs(t, err, mailer.ErrInvalid, "%q", email)
	}
}

func TestSendError(t *testing.T) {
	cause := errors.New("<hanako@example.jp> unknown")
	err := fmt.Errorf("sending: %w", &mailer.SendError{Permanent: true, Code: 550, Enhanced: "5.1.1", Phase: "rcpt", Err: cause})
	assert.Equal(t, "sending: mailer: permanent failure at rcpt (550 5.1.1)", err.Error())
	assert.ErrorIs(t, err, cause)
	assert.True(t, mailer.IsPermanent(err))
	assert.False(t, mailer.IsTemporary(err))

	assert.True(t, mailer.IsTemporary(mailer.Temporary(cause)))
	assert.EqualError(t, mailer.Temporary(cause), "mailer: temporary failure")
	assert.True(t, mailer.IsPermanent(mailer.Permanent(cause)))
	for _, unknown := range []error{nil, cause} {
		assert.False(t, mailer.IsTemporary(unknown))
		assert.False(t, mailer.IsPermanent(unknown))
	}
}

func TestStarted(t *testing.T) {
	m := message()
	require.NoError(t, m.Started(t.Context()), "nobody asked to be told")
	cause := errors.New("no")
	marked := m.OnStarted(func(context.Context) error { return cause })
	assert.ErrorIs(t, marked.Started(t.Context()), cause)
	assert.NoError(t, m.Started(t.Context()), "OnStarted makes a copy")
}
