package smtp_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

func TestConnectionsAreReused(t *testing.T) {
	server, m := pair(t, nil, nil)
	for i := range 5 {
		require.NoError(t, m.Send(t.Context(), message(fmt.Sprint(i))))
	}
	assert.Equal(t, 5, server.Len())
	assert.Equal(t, 1, server.Connections())
}

func TestConnectionSurvivesRefusals(t *testing.T) {
	server, m := pair(t, nil, nil)
	server.Fail(
		smtptest.Fault{Phase: smtptest.PhaseMail, Code: 452},
		smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 550},
		smtptest.Fault{Phase: smtptest.PhaseData, Code: 451},
		smtptest.Fault{Phase: smtptest.PhaseReply, Code: 554},
	)
	for i := range 4 {
		require.Error(t, m.Send(t.Context(), message(fmt.Sprint(i))))
	}
	require.NoError(t, m.Send(t.Context(), message("5")))
	assert.Equal(t, 1, server.Connections())
}

func TestServerClosedTheIdleConnection(t *testing.T) {
	server, m := pair(t, nil, nil)
	require.NoError(t, m.Send(t.Context(), message("1")))
	server.DropConnections()
	require.NoError(t, m.Send(t.Context(), message("2")))
	assert.Equal(t, 2, server.Len())
	assert.Equal(t, 2, server.Connections())
}

func TestServerLeavesAtMail(t *testing.T) {
	for name, fault := range map[string]smtptest.Fault{
		"421":  {Phase: smtptest.PhaseMail, Code: 421},
		"drop": {Phase: smtptest.PhaseMail, Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			server, m := pair(t, nil, nil)
			require.NoError(t, m.Send(t.Context(), message("1")))
			// It is tired of a connection it has kept, not of the message.
			server.Fail(fault)
			require.NoError(t, m.Send(t.Context(), message("2")))
			assert.Equal(t, 2, server.Connections())

			fault.Times = 2
			server.Fail(fault)
			err := m.Send(t.Context(), message("3"))
			assert.True(t, mailer.IsTemporary(err), "a fresh connection is not given up for another")
			assert.Equal(t, 3, server.Connections())
		})
	}
}

func TestIdleConnectionFellSilent(t *testing.T) {
	server, m := pair(t, nil, &smtp.Config{Timeouts: smtp.Timeouts{Reset: 20 * time.Millisecond}})
	require.NoError(t, m.Send(t.Context(), message("1")))
	server.Fail(smtptest.Fault{Phase: smtptest.PhaseReset, Stall: true})
	require.NoError(t, m.Send(t.Context(), message("2")))
	assert.Equal(t, 2, server.Connections())
}

func TestQuitDoesNotMatter(t *testing.T) {
	server, m := pair(t, nil, &smtp.Config{IdleTimeout: -1})
	server.Fail(
		smtptest.Fault{Phase: smtptest.PhaseQuit, Drop: true},
		smtptest.Fault{Phase: smtptest.PhaseQuit, Code: 500},
	)
	require.NoError(t, m.Send(t.Context(), message("1")))
	require.NoError(t, m.Send(t.Context(), message("2")))
	assert.Equal(t, 2, server.Len())
	assert.Equal(t, 2, server.Connections(), "with a negative IdleTimeout nothing is kept")
}

func TestIdleConnectionExpires(t *testing.T) {
	quit := make(chan struct{})
	_, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		if p == smtptest.PhaseQuit {
			close(quit)
		}
	}}, &smtp.Config{IdleTimeout: time.Millisecond})
	require.NoError(t, m.Send(t.Context(), message("1")))
	select {
	case <-quit:
	case <-time.After(5 * time.Second):
		t.Fatal("the idle connection is still open")
	}
}

func TestNoMoreThanConnections(t *testing.T) {
	var inside, most atomic.Int32
	server, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		switch p {
		case smtptest.PhaseMail:
			n := inside.Add(1)
			for {
				old := most.Load()
				if n <= old || most.CompareAndSwap(old, n) {
					break
				}
			}
		case smtptest.PhaseReply:
			inside.Add(-1)
		}
	}}, &smtp.Config{Connections: 3})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() { assert.NoError(t, m.Send(t.Context(), message(fmt.Sprint(i)))) })
	}
	wg.Wait()
	assert.Equal(t, 40, server.Len())
	assert.LessOrEqual(t, most.Load(), int32(3))
	assert.LessOrEqual(t, server.Connections(), 3)
}

func TestWaitingForAConnection(t *testing.T) {
	stalled := make(chan struct{})
	server, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		if p == smtptest.PhaseMail {
			close(stalled)
		}
	}}, &smtp.Config{Connections: 1})
	server.Fail(smtptest.Fault{Phase: smtptest.PhaseMail, Stall: true})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { first <- m.Send(ctx, message("1")) }()
	<-stalled

	impatient, cancelImpatient := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancelImpatient()
	err := m.Send(impatient, message("2"))
	assert.Equal(t, "mailer: temporary failure at pool", err.Error())
	require.ErrorIs(t, err, context.DeadlineExceeded)

	cancel()
	assert.True(t, mailer.IsTemporary(<-first))
}

func TestCloseWhileSending(t *testing.T) {
	var m *smtp.Mailer
	server, m := pair(t, &smtptest.Config{OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) {
		if p == smtptest.PhaseReply {
			_ = m.Close()
		}
	}}, nil)
	require.NoError(t, m.Send(t.Context(), message("1")), "a message on its way is finished")
	assert.Equal(t, 1, server.Len())
}

func TestDialOption(t *testing.T) {
	server := smtptest.NewServer(nil)
	defer server.Close()
	var asked string
	m := newMailer(t, "mail.example.jp:25", &smtp.Config{
		TLS: smtp.TLSNone,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			asked = addr
			return new(net.Dialer).DialContext(ctx, network, server.Addr)
		},
	})
	require.NoError(t, m.Send(t.Context(), message("1")))
	assert.Equal(t, "mail.example.jp:25", asked)
}
