// Package smtp sends mail through an SMTP server (RFC 5321).
//
//	relay, err := smtp.New("smtp.example.jp:587", &smtp.Config{
//		Username: "shop",
//		Password: password,
//	})
//
// A [Mailer] keeps a few connections and uses each for many messages. It is a
// mailer.Composer and a mailer.Marker: what Compose returned is sent unchanged,
// and mailer.Message.Started is called when the server has taken sender and
// recipient and only the DATA command is left.
//
// # Errors
//
// What Send returns says what is true of the message:
//
//   - permanent: the server refused the message with a 5xx reply, or it cannot
//     be sent by any server (mailer.ErrInvalid, [ErrNoUTF8], [ErrTooLarge]).
//   - temporary: the server said 4xx; or it refused us and not the message (any
//     refusal up to AUTH, and later the codes 503, 530, 534, 535 and 538 that
//     speak of the session); or the connection failed before the DATA command
//     was written.
//   - neither: the connection failed, timed out or was cancelled after the DATA
//     command was written and before the final reply was read. The server may
//     have the message.
//
// A mailer.SendError has the reply's code, its RFC 3463 status, and the phase:
// "compose", "pool", "dial", "greeting", "ehlo", "starttls", "auth", "mail",
// "rcpt", "start", "data", "body" or "reply". No error's text repeats a mail
// address or what the server said; that is behind Unwrap.
package smtp

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/internal/rfc5322"
)

var (
	// ErrClosed is wrapped by the temporary error of a Send after Close.
	ErrClosed = errors.New("mailer/smtp: mailer is closed")
	// ErrNoTLS is wrapped by the temporary error of a Send to a server that
	// does not offer STARTTLS where it is required.
	ErrNoTLS = errors.New("mailer/smtp: server does not offer STARTTLS")
	// ErrNoAuth is wrapped by the temporary error of a Send to a server that
	// offers no way to log in that the configuration and the security of the
	// connection allow.
	ErrNoAuth = errors.New("mailer/smtp: no usable authentication mechanism")
	// ErrNoUTF8 is wrapped by the permanent error of a Send whose header or
	// addresses are not ASCII to a server without SMTPUTF8 (RFC 6531), or whose
	// body is not to one without 8BITMIME (RFC 6152).
	ErrNoUTF8 = errors.New("mailer/smtp: server takes only ASCII")
	// ErrTooLarge is wrapped by the permanent error of a Send of more bytes
	// than the server announced to take (RFC 1870).
	ErrTooLarge = errors.New("mailer/smtp: message is larger than the server takes")
)

var (
	_ mailer.Composer = (*Mailer)(nil)
	_ mailer.Marker   = (*Mailer)(nil)
)

// A Mailer sends through one SMTP server. It is safe for concurrent use: as
// many messages are sent at once as it has connections, others wait.
type Mailer struct {
	config   Config
	addr     string
	host     string
	loopback bool // loopback: no network is between us and the server.
	pool     *pool
}

// New returns a mailer that sends through the server at addr, a host and port
// such as "smtp.example.jp:587". A nil config is the zero [Config]; New keeps a
// copy. It does no I/O: the first Send connects. The error names the field that
// is wrong.
func New(addr string, config *Config) (*Mailer, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" || port == "" {
		return nil, errors.New("mailer/smtp: the address needs a host and a port")
	}
	var c Config
	if config != nil {
		c = *config
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	m := &Mailer{addr: addr, host: host, loopback: isLoopback(host)}
	m.config = c.withDefaults(host, port, m.loopback)
	m.pool = newPool(m.config.Connections, m.config.IdleTimeout)
	return m, nil
}

// Close closes the connections that no message is using; the others are closed
// when their message is done, and Close does not wait for that. It takes at most
// Timeouts.Reset to say goodbye. A Send after Close returns a temporary error
// that wraps [ErrClosed]. Closing again does nothing. The error is always nil.
func (m *Mailer) Close() error {
	var quitting sync.WaitGroup
	for _, c := range m.pool.close() {
		quitting.Go(c.quit)
	}
	quitting.Wait()
	return nil
}

// MarksStart makes m a mailer.Marker.
func (m *Mailer) MarksStart() {}

// Compose returns msg as RFC 5322 bytes: UTF-8 text and HTML as
// multipart/alternative, a missing text made from the HTML. Apart from
// addresses with a non-ASCII local part the bytes are ASCII. The error is
// permanent and wraps mailer.ErrInvalid.
//
// Beyond what mailer.Message.Validate asks, the ID must be ASCII, the Date set,
// and no extra header may repeat a field that goen writes itself.
func (m *Mailer) Compose(msg *mailer.Message) ([]byte, error) {
	return rfc5322.Compose(msg)
}

// Send sends msg to its one recipient: msg.Raw, or what Compose makes of msg if
// Raw is nil. With Raw only the addresses From and To are read besides it.
//
// Send returns when the server has taken or refused msg, at the latest when ctx
// ends or a phase took longer than [Timeouts] allows. The package comment says
// what the error means.
func (m *Mailer) Send(ctx context.Context, msg *mailer.Message) error {
	t, err := m.transaction(msg)
	if err != nil {
		return err
	}
	if err := m.pool.enter(ctx); err != nil {
		return failure("pool", err)
	}
	defer m.pool.leave()
	for {
		c, err := m.connection(ctx)
		if err != nil {
			return err
		}
		err = c.send(ctx, t)
		retry := c.reused && !c.healthy && atMail(err) && ctx.Err() == nil
		m.release(c)
		if !retry {
			return err
		}
		// The server ended a connection that it had kept open for us. It has
		// heard nothing of this message, and a fresh one says more.
	}
}

// transaction checks and composes msg.
func (m *Mailer) transaction(msg *mailer.Message) (*transaction, error) {
	raw := msg.Raw
	if raw == nil {
		var err error
		if raw, err = m.Compose(msg); err != nil {
			return nil, refusal("compose", err)
		}
	}
	if err := checkRaw(raw); err != nil {
		return nil, refusal("compose", err)
	}
	sender := m.config.ReturnPath
	if sender == "" {
		sender = msg.From.Email
	}
	from, err := rfc5322.Mailbox(sender)
	if err != nil {
		return nil, refusal("compose", err)
	}
	to, err := rfc5322.Mailbox(msg.To.Email)
	if err != nil {
		return nil, refusal("compose", err)
	}
	return &transaction{from: from, to: to, raw: raw, started: msg.Started}, nil
}

// connection returns a connection that is ready for MAIL: one that was used
// before and still answers, or a new one.
func (m *Mailer) connection(ctx context.Context) (*conn, error) {
	for {
		c, err := m.pool.take()
		if err != nil {
			return nil, failure("pool", err)
		}
		if c == nil {
			return m.dial(ctx)
		}
		if c.reset(ctx) == nil {
			return c, nil
		}
		c.close()
		if ctx.Err() != nil {
			return nil, failure("pool", context.Cause(ctx))
		}
	}
}

// release gives a connection back after a message.
func (m *Mailer) release(c *conn) {
	switch {
	case !c.healthy:
		c.close()
	case !m.pool.put(c):
		c.quit()
	}
}
