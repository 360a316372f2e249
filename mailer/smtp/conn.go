package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"time"

	protocol "github.com/wneessen/go-mail/smtp"
)

// A conn is a connection to the server, from its greeting on. One goroutine
// uses it at a time.
type conn struct {
	net    net.Conn // net is the TCP connection: its deadline ends any phase.
	client *protocol.Client
	config *Config

	healthy bool        // healthy: client and server agree on what comes next.
	reused  bool        // reused: a message was sent over it before this one.
	expiry  *time.Timer // expiry belongs to the pool.
}

// dial opens a connection and brings it to where it takes MAIL. Every error is
// temporary: it is about the server, whatever the code.
func (m *Mailer) dial(ctx context.Context) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, m.config.Timeouts.Dial)
	nc, err := m.config.Dial(dialing, "tcp", m.addr)
	cancel()
	if err != nil {
		return nil, failure("dial", withCause(ctx, err))
	}
	c := &conn{net: nc, config: &m.config, healthy: true}
	if err := m.open(ctx, c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (m *Mailer) open(ctx context.Context, c *conn) error {
	t := m.config.Timeouts
	stream := c.net
	if m.config.TLS == TLSImplicit {
		secure := tls.Client(c.net, m.config.TLSConfig)
		if err := c.phase(ctx, "starttls", t.TLS, secure.Handshake); err != nil {
			return err
		}
		stream = secure
	}
	if err := c.phase(ctx, "greeting", t.Greeting, func() (err error) {
		c.client, err = protocol.NewClient(stream, m.host)
		return err
	}); err != nil {
		return err
	}
	if err := c.phase(ctx, "ehlo", t.EHLO, func() error {
		return c.client.Hello(c.localName())
	}); err != nil {
		return err
	}
	if err := m.startTLS(ctx, c); err != nil {
		return err
	}
	return m.login(ctx, c)
}

func (m *Mailer) startTLS(ctx context.Context, c *conn) error {
	if m.config.TLS == TLSNone || m.config.TLS == TLSImplicit {
		return nil
	}
	if offered, _ := c.client.Extension("STARTTLS"); !offered {
		if m.config.TLS == TLSOpportunistic {
			return nil
		}
		return failure("starttls", ErrNoTLS)
	}
	return c.phase(ctx, "starttls", m.config.Timeouts.TLS, func() error {
		return c.client.StartTLS(m.config.TLSConfig)
	})
}

// phase runs f, which talks to the server, for at most limit and until ctx
// ends. Its error is that of the phase for the message. A connection that did
// not come out of it with a proper reply is no longer healthy.
func (c *conn) phase(ctx context.Context, name string, limit time.Duration, f func() error) error {
	if ctx.Err() != nil {
		// Nothing was said: the connection stays as it is.
		return c.failed(name, context.Cause(ctx), false)
	}
	if err := c.net.SetDeadline(time.Now().Add(limit)); err != nil {
		c.healthy = false
		return c.failed(name, err, false)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) })
	err := f()
	if !stop() {
		// The deadline in the past may be set at any time from now on.
		c.healthy = false
	}
	if err == nil {
		return nil
	}
	if reply := replyOf(err); reply == nil || reply.Code < 400 || reply.Code == 421 {
		c.healthy = false
		err = withCause(ctx, err)
	}
	return c.failed(name, err, true)
}

// failed returns the error of a phase. said tells whether the phase's command
// may have reached the server.
func (c *conn) failed(phase string, err error, said bool) error {
	if !said && phase == "data" {
		return temporary(phase, err)
	}
	return failure(phase, err)
}

// localName returns the name for EHLO.
func (c *conn) localName() string {
	if c.config.LocalName != "" {
		return c.config.LocalName
	}
	host, _, err := net.SplitHostPort(c.net.LocalAddr().String())
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil:
		return "localhost"
	case ip.To4() != nil:
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// reset ends a transaction that is open, and finds out whether the server is
// still there.
func (c *conn) reset(ctx context.Context) error {
	return c.phase(ctx, "rset", c.config.Timeouts.Reset, c.client.Reset)
}

// quit says goodbye, if the server listens, and closes the connection.
func (c *conn) quit() {
	if c.net.SetDeadline(time.Now().Add(c.config.Timeouts.Reset)) == nil {
		_ = c.client.Quit() // The messages are accepted or refused already.
	}
	c.close()
}

func (c *conn) close() { _ = c.net.Close() }

// withCause returns err with why ctx ended, if it did: the error of a
// connection only tells of a deadline.
func withCause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
}

// replyOf returns the server's reply that err consists of, nil if it is
// another kind of error.
func replyOf(err error) *textproto.Error {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply
	}
	return nil
}
