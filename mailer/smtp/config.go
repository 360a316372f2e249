package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// A Config says how to talk to the server. The zero value is right for a relay
// that asks for no login.
type Config struct {
	// TLS says when the connection is encrypted. Defaults to [TLSAuto].
	TLS TLSPolicy
	// TLSConfig is used for the handshake; New keeps a clone. Defaults to TLS
	// 1.2 or later and the system's roots. An empty ServerName is replaced by
	// the host of the address.
	TLSConfig *tls.Config

	// Username logs in. Defaults to "": no login.
	Username string
	// Password is the user's password. Defaults to "".
	Password string
	// Token, if set, returns an OAuth 2.0 access token in place of the
	// password. It is called for each new connection, also concurrently, and
	// should cache. Defaults to nil.
	Token func(ctx context.Context) (string, error)
	// Auth is the SASL mechanism. PLAIN, LOGIN and XOAUTH2 are used only over
	// TLS or to a loopback address. Defaults to [AuthAuto].
	Auth Mechanism

	// ReturnPath is the envelope sender, where bounces go. Defaults to the
	// address in each message's From.
	ReturnPath string
	// LocalName is the name given in EHLO. Defaults to the host's name if it is
	// a fully qualified one, else the connection's own address as a literal
	// (RFC 5321, section 4.1.3).
	LocalName string

	// Connections is how many connections are open, and messages being sent, at
	// once. Defaults to 2.
	Connections int
	// IdleTimeout is how long a connection waits for the next message before it
	// is closed. Negative: a connection is never kept. Defaults to 30 seconds.
	IdleTimeout time.Duration
	// Timeouts bound each phase of a conversation. The zero value of a field is
	// its default.
	Timeouts Timeouts
	// Dial opens the TCP connection, for a proxy or a socket. Defaults to a
	// net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Timeouts say how long each phase may take. A context's deadline counts as
// well, whichever is earlier. RFC 5321, section 4.5.3.2, asks for minutes where
// these defaults have seconds, for they are safe to be short about: before DATA
// a message that timed out is simply sent later. After DATA it is not, and the
// defaults are those of the RFC.
type Timeouts struct {
	Dial     time.Duration // Dial is for the TCP connection. Defaults to 10 seconds.
	Greeting time.Duration // Greeting is for the server's first line. Defaults to 30 seconds.
	EHLO     time.Duration // EHLO is for the answer to EHLO, and to HELO if that is tried next. Defaults to 30 seconds.
	TLS      time.Duration // TLS is for STARTTLS and the handshake. Defaults to 30 seconds.
	Auth     time.Duration // Auth is for the whole login, without Config.Token. Defaults to 30 seconds.
	Mail     time.Duration // Mail is for the answer to MAIL. Defaults to 30 seconds.
	Rcpt     time.Duration // Rcpt is for the answer to RCPT. Defaults to 30 seconds.
	Reset    time.Duration // Reset is for the answer to RSET, QUIT and the like. Defaults to 5 seconds.
	Data     time.Duration // Data is for the answer to the DATA command. Defaults to 2 minutes.
	Body     time.Duration // Body is for each 64 KiB of the message. Defaults to 3 minutes.
	Reply    time.Duration // Reply is for the answer to the final dot. Defaults to 10 minutes.
}

// A TLSPolicy says when a connection is encrypted.
type TLSPolicy int

const (
	// TLSAuto is TLSImplicit on port 465 (RFC 8314), TLSOpportunistic to a
	// loopback address, and TLSMandatory to any other.
	TLSAuto TLSPolicy = iota
	// TLSMandatory upgrades with STARTTLS and sends nothing if the server does
	// not offer it.
	TLSMandatory
	// TLSOpportunistic upgrades with STARTTLS if the server offers it, and goes
	// on in plaintext if not. The certificate must be valid all the same.
	TLSOpportunistic
	// TLSNone never encrypts.
	TLSNone
	// TLSImplicit speaks TLS from the first byte.
	TLSImplicit
)

// A Mechanism is a way to log in.
type Mechanism string

const (
	// AuthAuto is XOAUTH2 if Config.Token is set, else the first of PLAIN, LOGIN
	// and CRAM-MD5 that the server offers and that is safe on the connection.
	AuthAuto Mechanism = ""
	// AuthPlain sends the password, RFC 4616.
	AuthPlain Mechanism = "PLAIN"
	// AuthLogin sends the password; for servers that know no PLAIN.
	AuthLogin Mechanism = "LOGIN"
	// AuthCRAMMD5 proves knowledge of the password by a digest, RFC 2195.
	AuthCRAMMD5 Mechanism = "CRAM-MD5"
	// AuthXOAUTH2 sends the access token of Config.Token.
	AuthXOAUTH2 Mechanism = "XOAUTH2"
)

func (c *Config) validate() error {
	if c.TLS < TLSAuto || c.TLS > TLSImplicit {
		return invalidConfig("TLS is no policy of this package")
	}
	switch c.Auth {
	case AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthXOAUTH2:
	default:
		return invalidConfig("Auth is no mechanism of this package")
	}
	if c.Username == "" && (c.Password != "" || c.Token != nil || c.Auth != AuthAuto) {
		return invalidConfig("Username must be set to log in")
	}
	if (c.Auth == AuthXOAUTH2 && c.Token == nil) || (c.Auth != AuthXOAUTH2 && c.Auth != AuthAuto && c.Token != nil) {
		return invalidConfig("Token is for AuthXOAUTH2, which needs it")
	}
	if c.ReturnPath != "" {
		if err := mailer.ValidateEmail(c.ReturnPath); err != nil {
			return fmt.Errorf("mailer/smtp: config: ReturnPath: %w", err)
		}
	}
	if strings.ContainsFunc(c.LocalName, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return invalidConfig("LocalName holds a space or what is not ASCII")
	}
	if c.Connections < 0 {
		return invalidConfig("Connections is negative")
	}
	for _, d := range c.Timeouts.defaults() {
		if *d.field < 0 {
			return invalidConfig("Timeouts holds a negative duration")
		}
	}
	return nil
}

func (c Config) withDefaults(host, port string, loopback bool) Config {
	if c.TLS == TLSAuto {
		switch {
		case port == "465" || port == "smtps" || port == "submissions":
			c.TLS = TLSImplicit
		case loopback:
			c.TLS = TLSOpportunistic
		default:
			c.TLS = TLSMandatory
		}
	}
	if c.TLSConfig == nil {
		c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	} else {
		c.TLSConfig = c.TLSConfig.Clone()
	}
	if c.TLSConfig.ServerName == "" {
		c.TLSConfig.ServerName = host
	}
	if c.Auth == AuthAuto && c.Token != nil {
		c.Auth = AuthXOAUTH2
	}
	if c.LocalName == "" {
		c.LocalName = qualifiedHostname()
	}
	if c.Connections == 0 {
		c.Connections = 2
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 30 * time.Second
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	for _, d := range c.Timeouts.defaults() {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

type defaultDuration struct {
	field *time.Duration
	value time.Duration
}

func (t *Timeouts) defaults() []defaultDuration {
	return []defaultDuration{
		{&t.Dial, 10 * time.Second},
		{&t.Greeting, 30 * time.Second},
		{&t.EHLO, 30 * time.Second},
		{&t.TLS, 30 * time.Second},
		{&t.Auth, 30 * time.Second},
		{&t.Mail, 30 * time.Second},
		{&t.Rcpt, 30 * time.Second},
		{&t.Reset, 5 * time.Second},
		{&t.Data, 2 * time.Minute},
		{&t.Body, 3 * time.Minute},
		{&t.Reply, 10 * time.Minute},
	}
}

// qualifiedHostname returns the host's name if other hosts may know it by that,
// else "".
func qualifiedHostname() string {
	name, err := os.Hostname()
	if err != nil || !strings.Contains(name, ".") || mailer.ValidateEmail("postmaster@"+name) != nil {
		return ""
	}
	return name
}

// isLoopback reports whether host means this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback())
}

func invalidConfig(problem string) error {
	return errors.New("mailer/smtp: config: " + problem)
}
