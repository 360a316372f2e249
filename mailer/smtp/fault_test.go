package smtp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// class is what an error of Send says about the message.
func class(err error) string {
	switch {
	case err == nil:
		return "sent"
	case mailer.IsTemporary(err):
		return "temporary"
	case mailer.IsPermanent(err):
		return "permanent"
	}
	return "unknown"
}

// shortTimeouts makes stalls short. The phases that precede the stall must not
// run into them on a busy machine.
func shortTimeouts(p smtptest.Phase) smtp.Timeouts {
	var t smtp.Timeouts
	const short = 50 * time.Millisecond
	switch p {
	case smtptest.PhaseGreeting:
		t.Greeting = short
	case smtptest.PhaseEHLO:
		t.EHLO = short
	case smtptest.PhaseSTARTTLS:
		t.TLS = short
	case smtptest.PhaseAuth:
		t.Auth = short
	case smtptest.PhaseMail:
		t.Mail = short
	case smtptest.PhaseRcpt:
		t.Rcpt = short
	case smtptest.PhaseData:
		t.Data = short
	case smtptest.PhaseBody, smtptest.PhaseReply:
		t.Body, t.Reply = short, short
	}
	return t
}

func TestFaultClasses(t *testing.T) {
	const (
		temporary = "temporary"
		permanent = "permanent"
		unknown   = "unknown"
	)
	// What the message's fate is after each way to fail at each phase.
	table := []struct {
		phase                           smtptest.Phase
		code451, code550, code421, drop string
		stall, cancelled, session530    string
	}{
		{smtptest.PhaseGreeting, temporary, temporary, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseEHLO, temporary, temporary, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseSTARTTLS, temporary, temporary, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseAuth, temporary, temporary, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseMail, temporary, permanent, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseRcpt, temporary, permanent, temporary, temporary, temporary, temporary, temporary},
		{smtptest.PhaseData, temporary, permanent, temporary, unknown, unknown, unknown, temporary},
		{smtptest.PhaseBody, temporary, permanent, temporary, unknown, unknown, unknown, temporary},
		{smtptest.PhaseReply, temporary, permanent, temporary, unknown, unknown, unknown, temporary},
	}
	for _, row := range table {
		for name, c := range map[string]struct {
			fault  smtptest.Fault
			cancel bool
			want   string
		}{
			"451":       {fault: smtptest.Fault{Code: 451, Enhanced: "4.3.2"}, want: row.code451},
			"550":       {fault: smtptest.Fault{Code: 550, Enhanced: "5.1.1", Message: "<hanako@example.jp> unknown"}, want: row.code550},
			"421":       {fault: smtptest.Fault{Code: 421}, want: row.code421},
			"530":       {fault: smtptest.Fault{Code: 530}, want: row.session530},
			"drop":      {fault: smtptest.Fault{Drop: true}, want: row.drop},
			"stall":     {fault: smtptest.Fault{Stall: true}, want: row.stall},
			"cancelled": {fault: smtptest.Fault{Stall: true}, cancel: true, want: row.cancelled},
		} {
			t.Run(string(row.phase)+"/"+name, func(t *testing.T) {
				t.Parallel()
				c.fault.Phase = row.phase
				testFault(t, c.fault, c.cancel, c.want)
			})
		}
	}
}

func testFault(t *testing.T, fault smtptest.Fault, cancel bool, want string) {
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	cause := errors.New("the shop closes")
	sc := &smtptest.Config{StartTLS: true, Users: map[string]string{"shop": "secret"}}
	c := &smtp.Config{Username: "shop", Password: "secret"}
	if cancel {
		sc.OnPhase = func(p smtptest.Phase, _ smtptest.Envelope) {
			if p == fault.Phase {
				stop(cause)
			}
		}
	} else if fault.Stall {
		c.Timeouts = shortTimeouts(fault.Phase)
	}
	server := smtptest.NewServer(sc)
	defer server.Close()
	c.TLSConfig = server.ClientTLS()
	relay := newMailer(t, server.Addr, c)

	fault.Times = -1 // EHLO is followed by HELO.
	server.Fail(fault)
	started := false
	err := relay.Send(ctx, message("1").OnStarted(func(context.Context) error {
		started = true
		return nil
	}))
	require.Equal(t, want, class(err), "%v: %v", err, errors.Unwrap(err))
	checkFaultError(t, fault, err, cancel, cause)

	afterStart := fault.Phase == smtptest.PhaseData || fault.Phase == smtptest.PhaseBody || fault.Phase == smtptest.PhaseReply
	assert.Equal(t, afterStart, started, "Started is called right before DATA")

	delivered := 0
	if fault.Phase == smtptest.PhaseReply && fault.Code == 0 {
		delivered = 1 // The server has it, and only the answer was lost.
	}
	// After a cancelled Send the server may still be at it.
	require.Eventually(t, func() bool { return server.Len() == delivered }, 5*time.Second, time.Millisecond)

	server.ClearFaults()
	require.NoError(t, relay.Send(t.Context(), message("2")), "the mailer works on after any failure")
	assert.Equal(t, delivered+1, server.Len())
}

// A message larger than what the sockets buffer is cut off in its middle.
func TestFaultsInLargeBody(t *testing.T) {
	for name, fault := range map[string]smtptest.Fault{
		"drop":  {Phase: smtptest.PhaseBody, Drop: true},
		"stall": {Phase: smtptest.PhaseBody, Stall: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, m := pair(t, nil, &smtp.Config{
				Timeouts: shortTimeouts(fault.Phase),
				Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, addr)
					if err != nil {
						return nil, err
					}
					return conn, conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
				},
			})
			server.Fail(fault)
			large := message("large")
			large.Raw = []byte("Subject: large\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 3000))
			err := m.Send(t.Context(), large)
			assert.Equal(t, "unknown", class(err))
			assert.ErrorContains(t, err, "at body")
			assert.Zero(t, server.Len())
			require.NoError(t, m.Send(t.Context(), message("2")))
		})
	}
}

func checkFaultError(t *testing.T, fault smtptest.Fault, err error, cancel bool, cause error) {
	t.Helper()
	for _, secret := range []string{"hanako", "shop@", "unknown>", "secret"} {
		assert.NotContains(t, err.Error(), secret, "no address in the text")
	}
	var sendError *mailer.SendError
	if errors.As(err, &sendError) {
		phases := []string{string(fault.Phase)}
		switch {
		case fault.Phase == smtptest.PhaseBody:
			phases = []string{"reply"} // A server that refuses the body says so after it.
		case fault.Phase == smtptest.PhaseGreeting && cancel:
			phases = append(phases, "dial") // The server may accept before the client knows.
		}
		assert.Contains(t, phases, sendError.Phase)
		assert.Equal(t, fault.Code, sendError.Code)
		assert.Equal(t, fault.Enhanced, strings.Replace(sendError.Enhanced, ".0.0", "", 1)[:len(fault.Enhanced)])
	}
	switch {
	case cancel:
		assert.ErrorIs(t, err, cause)
	case fault.Stall:
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case fault.Drop:
		var network net.Error
		assert.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network), "%v", err)
	}
}
