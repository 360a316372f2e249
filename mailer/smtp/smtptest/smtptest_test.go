package smtptest_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	stdsmtp "net/smtp"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const raw = "Message-ID: <1@tea.example.jp>\r\nSubject: x\r\n\r\n.dot\r\n"

// send speaks the standard library's SMTP, which is not ours.
func send(addr string, to ...string) error {
	return stdsmtp.SendMail(addr, nil, "shop@tea.example.jp", to, []byte(raw))
}

func start(t *testing.T, c *smtptest.Config) *smtptest.Server {
	t.Helper()
	s := smtptest.NewServer(c)
	t.Cleanup(s.Close)
	return s
}

func codeOf(err error) int {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply.Code
	}
	return 0
}

func TestRecords(t *testing.T) {
	s := start(t, nil)
	require.NoError(t, send(s.Addr, "a@example.jp", "b@example.jp"))
	require.NoError(t, send(s.Addr, "c@example.jp"))
	require.Equal(t, 2, s.Len())
	assert.Equal(t, 2, s.Connections())
	m := s.Messages()[0]
	assert.Equal(t, "shop@tea.example.jp", m.From)
	assert.Equal(t, []string{"a@example.jp", "b@example.jp"}, m.To)
	assert.Equal(t, "1@tea.example.jp", m.ID)
	assert.Equal(t, raw, string(m.Raw))
	assert.False(t, m.TLS)
	assert.False(t, m.Received.IsZero())
	assert.Equal(t, []string{"c@example.jp"}, s.Messages()[1].To)
}

func TestFaultsAreUsedUpInOrder(t *testing.T) {
	s := start(t, nil)
	s.Fail(
		smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 450, Times: 2},
		smtptest.Fault{Phase: smtptest.PhaseMail, Code: 552},
		smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 550, Match: func(e smtptest.Envelope) bool {
			return e.To[0] == "gone@example.jp"
		}},
	)
	var codes []int
	for _, to := range []string{"a@example.jp", "a@example.jp", "a@example.jp", "a@example.jp", "gone@example.jp", "gone@example.jp"} {
		codes = append(codes, codeOf(send(s.Addr, to)))
	}
	assert.Equal(t, []int{552, 450, 450, 0, 550, 0}, codes)

	s.Fail(smtptest.Fault{Phase: smtptest.PhaseMail, Code: 451, Times: -1})
	for range 3 {
		assert.Equal(t, 451, codeOf(send(s.Addr, "a@example.jp")))
	}
	s.ClearFaults()
	assert.NoError(t, send(s.Addr, "a@example.jp"))
}

func TestDecide(t *testing.T) {
	s := start(t, &smtptest.Config{Decide: func(p smtptest.Phase, e smtptest.Envelope) *smtptest.Fault {
		if p == smtptest.PhaseReply && strings.Contains(string(e.Raw), "Subject: x") {
			return &smtptest.Fault{Code: 554, Enhanced: "5.7.1", Message: "spam", Phase: p}
		}
		return nil
	}})
	reply, ok := errors.AsType[*textproto.Error](send(s.Addr, "a@example.jp"))
	require.True(t, ok)
	assert.Equal(t, textproto.Error{Code: 554, Msg: "5.7.1 spam"}, *reply)
	assert.Zero(t, s.Len())
}

func TestDropAtEachPhase(t *testing.T) {
	for _, p := range []smtptest.Phase{
		smtptest.PhaseGreeting, smtptest.PhaseEHLO, smtptest.PhaseMail, smtptest.PhaseRcpt,
		smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply,
	} {
		s := start(t, nil)
		s.Fail(smtptest.Fault{Phase: p, Drop: true, Times: -1})
		err := send(s.Addr, "a@example.jp")
		assert.Error(t, err, p)
		assert.Zero(t, codeOf(err), p)
		want := 0
		if p == smtptest.PhaseReply {
			want = 1
		}
		assert.Equal(t, want, s.Len(), p)
	}
}

func TestCloseReleasesStalls(t *testing.T) {
	for _, p := range []smtptest.Phase{smtptest.PhaseGreeting, smtptest.PhaseEHLO, smtptest.PhaseRcpt, smtptest.PhaseData, smtptest.PhaseBody, smtptest.PhaseReply} {
		stalled := make(chan struct{})
		s := start(t, &smtptest.Config{OnPhase: func(at smtptest.Phase, _ smtptest.Envelope) {
			if at == p {
				close(stalled)
			}
		}})
		s.Fail(smtptest.Fault{Phase: p, Stall: true})
		done := make(chan error)
		go func() { done <- send(s.Addr, "a@example.jp") }()
		<-stalled
		s.Close()
		assert.Error(t, <-done, p)
		s.Close()
	}
}

func TestOnPhase(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	s := start(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, e smtptest.Envelope) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %v %d", p, e.From, e.To, len(e.Raw)))
	}})
	require.NoError(t, send(s.Addr, "a@example.jp"))
	s.Close()
	assert.Equal(t, []string{
		"greeting  [] 0",
		"ehlo  [] 0",
		"mail shop@tea.example.jp [] 0",
		"rcpt shop@tea.example.jp [a@example.jp] 0",
		"data shop@tea.example.jp [a@example.jp] 0",
		"body shop@tea.example.jp [a@example.jp] 0",
		fmt.Sprintf("reply shop@tea.example.jp [a@example.jp] %d", len(raw)),
		"quit  [] 0",
	}, seen)
}

func TestLog(t *testing.T) {
	var logged []string
	full := false
	s := start(t, &smtptest.Config{Log: func(m *smtptest.Mail) error {
		if full {
			return errors.New("disk full")
		}
		logged = append(logged, m.ID)
		return nil
	}})
	s.Fail(smtptest.Fault{Phase: smtptest.PhaseReply, Drop: true}, smtptest.Fault{Phase: smtptest.PhaseBody, Code: 451})
	require.Error(t, send(s.Addr, "a@example.jp")) // Logged, and the answer lost.
	require.Error(t, send(s.Addr, "a@example.jp")) // Refused, not logged.
	require.NoError(t, send(s.Addr, "a@example.jp"))
	assert.Equal(t, []string{"1@tea.example.jp", "1@tea.example.jp"}, logged)
	full = true
	assert.Equal(t, 451, codeOf(send(s.Addr, "a@example.jp")))
	assert.Equal(t, 2, s.Len())
}

func TestTLSAndLogin(t *testing.T) {
	s := start(t, &smtptest.Config{StartTLS: true, Users: map[string]string{"shop": "secret"}})
	assert.Equal(t, 530, codeOf(plainSend(s.Addr)))

	c, err := stdsmtp.Dial(s.Addr)
	require.NoError(t, err)
	config := s.ClientTLS()
	config.ServerName = "mail.example.jp"
	require.NoError(t, c.StartTLS(config))
	offered, _ := c.Extension("STARTTLS")
	assert.False(t, offered, "not again")
	require.NoError(t, c.Auth(stdsmtp.PlainAuth("", "shop", "secret", "127.0.0.1")))
	require.NoError(t, c.Mail("shop@tea.example.jp"))
	require.NoError(t, c.Rcpt("a@example.jp"))
	w, err := c.Data()
	require.NoError(t, err)
	_, err = w.Write([]byte(raw))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, c.Quit())
	assert.True(t, s.Messages()[0].TLS)
	assert.Equal(t, "shop", s.Messages()[0].User)
}

// plainSend gets as far as MAIL, without TLS or login.
func plainSend(addr string) error {
	c, err := stdsmtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Mail("shop@tea.example.jp")
}

func TestImplicitTLS(t *testing.T) {
	s := start(t, &smtptest.Config{ImplicitTLS: true})
	conn, err := tls.Dial("tcp", s.Addr, s.ClientTLS())
	require.NoError(t, err)
	c, err := stdsmtp.NewClient(conn, "127.0.0.1")
	require.NoError(t, err)
	require.NoError(t, c.Hello("localhost"))
	require.NoError(t, c.Quit())
}

func TestDropConnections(t *testing.T) {
	s := start(t, nil)
	c, err := stdsmtp.Dial(s.Addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Noop())
	s.DropConnections()
	require.Error(t, c.Noop())
	require.NoError(t, send(s.Addr, "a@example.jp"))
}

func TestFailPanics(t *testing.T) {
	s := start(t, nil)
	for _, f := range []smtptest.Fault{
		{},
		{Phase: smtptest.PhaseMail},
		{Code: 450},
		{Phase: smtptest.PhaseMail, Code: 250},
		{Phase: smtptest.PhaseMail, Code: 450, Drop: true},
		{Phase: smtptest.PhaseMail, Drop: true, Stall: true},
	} {
		assert.Panics(t, func() { s.Fail(f) }, "%+v", f)
	}
}

func TestNothingListensAfterClose(t *testing.T) {
	s := smtptest.NewServer(nil)
	s.Close()
	_, err := net.Dial("tcp", s.Addr)
	assert.Error(t, err)
}
