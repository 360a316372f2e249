package smtp_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
)

// scripted starts a server that answers each command of one connection as the
// script says, by its first word; "." is the end of a message. It returns the
// address.
func scripted(t *testing.T, script map[string]string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, script["greeting"])
		inBody := false
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			verb, _, _ := strings.Cut(lines.Text(), " ")
			if inBody && verb != "." {
				continue
			}
			inBody = verb == "DATA" && strings.HasPrefix(script[verb], "354")
			_, _ = io.WriteString(conn, script[verb])
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func TestOddServers(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer string
		want         string
		text         string
	}{
		"another success":           {".", "252 2.0.0 probably\r\n", "sent", ""},
		"three lines":               {".", "550-5.7.1 No\r\n550-5.7.1 thanks\r\n550 5.7.1 <hanako@example.jp>\r\n", "permanent", "mailer: permanent failure at reply (550 5.7.1)"},
		"status of another class":   {".", "550 4.2.2 No\r\n", "permanent", "mailer: permanent failure at reply (550)"},
		"no status":                 {".", "451 Try later\r\n", "temporary", "mailer: temporary failure at reply (451)"},
		"intermediate after dot":    {".", "354 Go on\r\n", "unknown", "mailer/smtp: the conversation broke off at reply: the server may have the message"},
		"nonsense after dot":        {".", "OK hanako@example.jp\r\n", "unknown", "mailer/smtp: the conversation broke off at reply: the server may have the message"},
		"success instead of 354":    {"DATA", "250 OK\r\n", "temporary", "mailer: temporary failure at data (250)"},
		"nonsense instead of 354":   {"DATA", "hello\r\n", "unknown", "mailer/smtp: the conversation broke off at data: the server may have the message"},
		"nonsense at MAIL":          {"MAIL", "hello hanako@example.jp\r\n", "temporary", "mailer: temporary failure at mail"},
		"commands out of order":     {"MAIL", "503 5.5.1 Bad sequence\r\n", "temporary", "mailer: temporary failure at mail (503 5.5.1)"},
		"login wanted":              {"RCPT", "530 5.7.0 Authentication required\r\n", "temporary", "mailer: temporary failure at rcpt (530 5.7.0)"},
		"forwarded":                 {"RCPT", "251 2.1.5 Will forward\r\n", "sent", ""},
		"no service":                {"greeting", "554 No SMTP service here\r\n", "temporary", "mailer: temporary failure at greeting (554)"},
		"too small":                 {"EHLO", "250-hi\r\n250 SIZE 10\r\n", "permanent", "mailer: permanent failure at mail"},
		"no limit":                  {"EHLO", "250-hi\r\n250 SIZE 0\r\n", "sent", ""},
		"only HELO":                 {"EHLO", "502 5.5.1 What?\r\n", "sent", ""},
		"closing after the message": {"QUIT", "421 Too busy to say goodbye\r\n", "sent", ""},
	} {
		t.Run(name, func(t *testing.T) {
			script := map[string]string{
				"greeting": "220 odd.example.jp\r\n",
				"EHLO":     "250 odd.example.jp\r\n",
				"HELO":     "250 odd.example.jp\r\n",
				"MAIL":     "250 OK\r\n",
				"RCPT":     "250 OK\r\n",
				"DATA":     "354 Go ahead\r\n",
				".":        "250 OK\r\n",
				"QUIT":     "221 Bye\r\n",
			}
			script[c.verb] = c.answer
			m := newMailer(t, scripted(t, script), nil)
			err := m.Send(t.Context(), message("1"))
			require.Equal(t, c.want, class(err), "%v", err)
			if c.text != "" {
				assert.Equal(t, c.text, err.Error())
			}
			require.NoError(t, m.Close())
		})
	}
}

func TestEightBitNeedsTheExtension(t *testing.T) {
	m := newMailer(t, scripted(t, map[string]string{
		"greeting": "220 old.example.jp\r\n", "EHLO": "250 old.example.jp\r\n", "QUIT": "221 Bye\r\n",
	}), nil)
	msg := message("1")
	msg.Raw = []byte("Subject: x\r\n\r\nお茶\r\n")
	err := m.Send(t.Context(), msg)
	assert.True(t, mailer.IsPermanent(err))
	require.NoError(t, m.Close())
}
