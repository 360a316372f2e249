package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns a server and a mailer that sends to it.
func pair(t *testing.T, sc *smtptest.Config, c *smtp.Config) (*smtptest.Server, *smtp.Mailer) {
	t.Helper()
	server := smtptest.NewServer(sc)
	t.Cleanup(server.Close)
	if c == nil {
		c = &smtp.Config{}
	}
	c.LocalName = "shop.example.jp"
	return server, newMailer(t, server.Addr, c)
}

func newMailer(t *testing.T, addr string, c *smtp.Config) *smtp.Mailer {
	t.Helper()
	m, err := smtp.New(addr, c)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, m.Close()) })
	return m
}

func message(id string) *mailer.Message {
	return &mailer.Message{
		ID:      id + "@tea.example.jp",
		From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "山田 花子 様", Email: "hanako@example.jp"},
		Subject: "ご注文の確認",
		Text:    "ありがとうございます。\n",
		Date:    time.Date(2026, 4, 1, 0, 30, 0, 0, time.UTC),
	}
}

func TestConformance(t *testing.T) {
	mailertest.Run(t, mailertest.Harness{New: func(t *testing.T) (mailer.Mailer, func() []*mailertest.Delivery) {
		server, m := pair(t, nil, nil)
		return m, func() []*mailertest.Delivery {
			var all []*mailertest.Delivery
			for _, mail := range server.Messages() {
				d, err := mailertest.Parse(mail.Raw)
				require.NoError(t, err)
				all = append(all, d)
			}
			return all
		}
	}})
}

func TestNilConfig(t *testing.T) {
	server := smtptest.NewServer(nil)
	defer server.Close()
	m := newMailer(t, server.Addr, nil)
	require.NoError(t, m.Send(t.Context(), message("1")))
	assert.Equal(t, 1, server.Len())
}

func TestNewRefuses(t *testing.T) {
	for _, addr := range []string{"", "smtp.example.jp", ":25", "smtp.example.jp:", "a:b:c"} {
		_, err := smtp.New(addr, nil)
		assert.Error(t, err, addr)
	}
	token := func(context.Context) (string, error) { return "", nil }
	for field, c := range map[string]smtp.Config{
		"TLS":         {TLS: 9},
		"Auth":        {Username: "u", Auth: "NTLM"},
		"Username":    {Password: "p"},
		"Token":       {Username: "u", Auth: smtp.AuthPlain, Token: token},
		"Token is":    {Username: "u", Auth: smtp.AuthXOAUTH2},
		"ReturnPath":  {ReturnPath: "nobody"},
		"LocalName":   {LocalName: "a\r\nMAIL"},
		"Connections": {Connections: -1},
		"Timeouts":    {Timeouts: smtp.Timeouts{Reply: -1}},
	} {
		_, err := smtp.New("127.0.0.1:25", &c)
		assert.ErrorContains(t, err, "config: "+field)
	}
}

func TestEnvelope(t *testing.T) {
	server, m := pair(t, nil, &smtp.Config{ReturnPath: "bounce@tea.example.jp"})
	msg := message("1")
	msg.To.Email = "a..b@docomo.ne.jp"
	require.NoError(t, m.Send(t.Context(), msg))
	mail := server.Messages()[0]
	assert.Equal(t, "bounce@tea.example.jp", mail.From)
	assert.Equal(t, []string{"a..b@docomo.ne.jp"}, mail.To)
	assert.Equal(t, msg.ID, mail.ID)
}

func TestRawIsUnchanged(t *testing.T) {
	server, m := pair(t, nil, nil)
	for i, raw := range []string{
		"Subject: dots\r\n\r\n.\r\n..\r\n...x\r\n\r\n.\r\n",
		"Subject: big\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 400),
		"Subject: command\r\n\r\nQUIT\r\nDATA\r\nMAIL FROM:<x@y.jp>\r\n",
		"Subject: eight bits\r\n\r\nお茶\r\n",
	} {
		msg := message(fmt.Sprint(i))
		msg.Raw = []byte(raw)
		require.NoError(t, m.Send(t.Context(), msg))
		assert.Equal(t, raw, string(server.Messages()[i].Raw))
	}
	assert.Equal(t, 1, server.Connections())
}

// What a server reads between DATA and its dot is what was given, whatever the
// lines look like.
func TestRawPropertiesOnTheWire(t *testing.T) {
	server, m := pair(t, nil, nil)
	line := rapid.OneOf(
		rapid.SampledFrom([]string{"", ".", "..", ".x", "x.", "QUIT", "RSET", "DATA", "MAIL FROM:<a@b.jp>", "From x"}),
		rapid.StringMatching(`[ -~]{0,80}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		raw := strings.Join(append(rapid.SliceOf(line).Draw(t, "lines"), ""), "\r\n")
		if raw == "" {
			raw = "\r\n"
		}
		msg := message("1")
		msg.Raw = []byte(raw)
		if err := m.Send(context.Background(), msg); err != nil {
			t.Fatal(err)
		}
		all := server.Messages()
		if got := string(all[len(all)-1].Raw); got != raw {
			t.Fatalf("got %q, want %q", got, raw)
		}
	})
	assert.Equal(t, 1, server.Connections())
}

func TestSmugglingIsRefused(t *testing.T) {
	server, m := pair(t, nil, nil)
	for _, raw := range []string{
		"Subject: a\r\n\r\nx\n.\nMAIL FROM:<evil@x.jp>\r\n",
		"Subject: a\r\n\r\nx\r\n.\nMAIL FROM:<evil@x.jp>\r\n",
		"Subject: a\r\n\r\nx\n.\r\nMAIL FROM:<evil@x.jp>\r\n",
		"Subject: a\r\n\r\nx\r.\r\r\n",
		"Subject: a\r\n\r\nx\r",
		"\nSubject: a\r\n\r\nx\r\n",
		"Subject: a\r\n\r\n\x00\r\n",
		"Subject: a\r\n\r\n" + strings.Repeat("x", 999) + "\r\n",
		"",
	} {
		msg := message("1")
		msg.Raw = []byte(raw)
		err := m.Send(t.Context(), msg)
		assert.True(t, mailer.IsPermanent(err), "%q", raw)
		assert.ErrorIs(t, err, mailer.ErrInvalid)
	}
	assert.Zero(t, server.Connections(), "it is known before any connection")
}

func TestServerLimits(t *testing.T) {
	server, m := pair(t, &smtptest.Config{MaxBytes: 1000}, nil)
	started := false
	mark := func(context.Context) error { started = true; return nil }

	large := message("large")
	large.Text = strings.Repeat("x", 2000)
	err := m.Send(t.Context(), large.OnStarted(mark))
	require.ErrorIs(t, err, smtp.ErrTooLarge)
	assert.True(t, mailer.IsPermanent(err))

	utf8 := message("utf8")
	utf8.To.Email = "花子@example.jp"
	err = m.Send(t.Context(), utf8.OnStarted(mark))
	require.ErrorIs(t, err, smtp.ErrNoUTF8)
	assert.True(t, mailer.IsPermanent(err))

	assert.False(t, started)
	assert.Zero(t, server.Len())
	require.NoError(t, m.Send(t.Context(), message("1")))
	assert.Equal(t, 1, server.Connections(), "the connection is as good as before")
}

func TestSMTPUTF8(t *testing.T) {
	server, m := pair(t, &smtptest.Config{SMTPUTF8: true}, nil)
	msg := message("1")
	msg.To.Email = "花子@日本語.jp"
	require.NoError(t, m.Send(t.Context(), msg))
	assert.Equal(t, []string{"花子@xn--wgv71a119e.jp"}, server.Messages()[0].To)
}

func TestStartedFails(t *testing.T) {
	var phases []smtptest.Phase
	server, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		phases = append(phases, p)
	}}, nil)
	cause := errors.New("no database")
	err := m.Send(t.Context(), message("1").OnStarted(func(context.Context) error { return cause }))
	require.ErrorIs(t, err, cause)
	assert.True(t, mailer.IsTemporary(err))
	assert.Equal(t, "mailer: temporary failure at start", err.Error())
	assert.Zero(t, server.Len())
	server.Close()
	assert.Equal(t, []smtptest.Phase{"greeting", "ehlo", "mail", "rcpt", "rset"}, phases)
}

func TestStartedRightBeforeData(t *testing.T) {
	marked := make(chan struct{})
	order := make(chan bool, 1)
	_, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		if p == smtptest.PhaseData {
			select {
			case <-marked:
				order <- true
			default:
				order <- false
			}
		}
	}}, nil)
	require.NoError(t, m.Send(t.Context(), message("1").OnStarted(func(context.Context) error {
		close(marked)
		return nil
	})))
	assert.True(t, <-order, "the mark is there when the server sees DATA")
}

func TestClosedMailer(t *testing.T) {
	server, m := pair(t, nil, nil)
	require.NoError(t, m.Send(t.Context(), message("1")))
	require.NoError(t, m.Close())
	err := m.Send(t.Context(), message("2"))
	require.ErrorIs(t, err, smtp.ErrClosed)
	assert.True(t, mailer.IsTemporary(err))
	require.NoError(t, m.Close())
	assert.Equal(t, 1, server.Len())
}

func TestDialFailure(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	m := newMailer(t, addr, nil)
	err = m.Send(t.Context(), message("1"))
	assert.True(t, mailer.IsTemporary(err))
	assert.Equal(t, "mailer: temporary failure at dial", err.Error())

	m = newMailer(t, addr, &smtp.Config{
		Timeouts: smtp.Timeouts{Dial: 10 * time.Millisecond},
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	err = m.Send(t.Context(), message("1"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.True(t, mailer.IsTemporary(err))
}
