// Package smtptest is an SMTP server for tests, in the style of
// net/http/httptest: it listens on a loopback port of its own, keeps every
// mail it accepts, and misbehaves on request.
//
//	server := smtptest.NewServer(nil)
//	defer server.Close()
//	server.Fail(smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 450})
//	relay, err := smtp.New(server.Addr, nil)
//
// The protocol is spoken by github.com/emersion/go-smtp. The faults that it
// cannot produce (no greeting, a connection cut at DATA, a lost answer) are
// made on the connection below it.
package smtptest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	smtpserver "github.com/emersion/go-smtp"
)

// closeTimeout bounds how long Close waits for a hook of the test that hangs.
const closeTimeout = 5 * time.Second

// A Config sets a [Server] up. The zero value is a server that accepts
// everything, in plaintext and from anyone.
type Config struct {
	// StartTLS offers STARTTLS with a certificate made for the test; see
	// [Server.ClientTLS]. Defaults to false.
	StartTLS bool
	// ImplicitTLS speaks TLS from the first byte, as port 465 does.
	// Defaults to false.
	ImplicitTLS bool
	// Users are the passwords by user name. With any, a client must log in
	// before MAIL. For XOAUTH2 the password is the access token. Defaults to
	// none: AUTH is not offered.
	Users map[string]string
	// Mechanisms are the SASL mechanisms offered with Users. Defaults to PLAIN,
	// LOGIN, CRAM-MD5 and XOAUTH2.
	Mechanisms []string
	// SMTPUTF8 offers the extension of RFC 6531, which addresses with a
	// non-ASCII local part need. Defaults to false.
	SMTPUTF8 bool
	// MaxBytes is the largest message accepted, announced with SIZE (RFC 1870).
	// Defaults to no limit.
	MaxBytes int64

	// Decide, if set, is asked at each phase, before the faults given to
	// [Server.Fail]. It returns nil to behave. Times is ignored. Calls may be
	// concurrent. Defaults to nil.
	Decide func(Phase, Envelope) *Fault
	// OnPhase, if set, is called at each phase before anything is answered, so
	// that a test can look at the world as it is at exactly that point: at
	// [PhaseData] the client waits for the answer to its DATA command. Calls
	// may be concurrent, one for each connection. Defaults to nil.
	OnPhase func(Phase, Envelope)
	// Log, if set, is called with each mail before its 250 is sent, one call at
	// a time. A Log that writes to a file lets another process count what was
	// accepted, whoever is killed. If it fails the mail is not accepted and the
	// client is told 451. Defaults to nil.
	Log func(*Mail) error
}

// A Mail is a message that the server accepted.
type Mail struct {
	From     string    // From is the envelope sender, without brackets.
	To       []string  // To are the envelope recipients, unquoted: a..b@docomo.ne.jp.
	ID       string    // ID is the Message-ID without brackets, "" if there is none.
	User     string    // User is who was logged in, "" if nobody.
	TLS      bool      // TLS reports whether the connection was encrypted.
	Raw      []byte    // Raw is the message, byte for byte.
	Received time.Time // Received is when the server accepted it.
}

// A Server is an SMTP server on a loopback port. Its methods are safe for
// concurrent use.
type Server struct {
	// Addr is the host and port to send to, such as "127.0.0.1:2525".
	Addr string

	config   Config
	smtp     *smtpserver.Server
	listener net.Listener
	serving  sync.WaitGroup
	stop     chan struct{} // stop is closed by Close: whoever stalls goes on.

	logging sync.Mutex // logging makes calls of Config.Log one at a time.

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
	count  int
	mails  []*Mail
	faults []*Fault
}

// NewServer starts a server. A nil config is the zero [Config]. It panics if
// no port can be had, as httptest.NewServer does. The caller calls Close.
func NewServer(config *Config) *Server {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("smtptest: listen: %v", err))
	}
	s := &Server{
		Addr:     listener.Addr().String(),
		listener: listener,
		stop:     make(chan struct{}),
		conns:    make(map[*conn]struct{}),
	}
	if config != nil {
		s.config = *config
	}
	if s.config.Mechanisms == nil {
		s.config.Mechanisms = []string{"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}
	}
	s.smtp = smtpserver.NewServer(backend{s})
	s.smtp.Domain = "smtptest.example"
	s.smtp.AllowInsecureAuth = true
	s.smtp.EnableSMTPUTF8 = s.config.SMTPUTF8
	s.smtp.MaxMessageBytes = s.config.MaxBytes
	s.smtp.ErrorLog = log.New(io.Discard, "", 0) // Broken connections are the purpose, not news.
	if s.config.StartTLS {
		// Only announced by go-smtp: the handshake is made by conn.
		s.smtp.TLSConfig = serverTLS()
	}
	s.serving.Go(func() { _ = s.smtp.Serve(acceptor{listener, s}) })
	return s
}

// Close stops the server: stalled connections are released and closed. It
// returns when no connection is served any more. Calling it again does
// nothing.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()

	close(s.stop)
	_ = s.listener.Close()
	s.serving.Wait()
	s.DropConnections()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.smtp.Shutdown(ctx) // Its error is that of closing the listener twice.
}

// ClientTLS returns a client's TLS configuration that trusts the server's
// certificate, which is valid for 127.0.0.1, localhost and mail.example.jp.
func (s *Server) ClientTLS() *tls.Config { return clientTLS() }

// Messages returns the mails accepted so far, in the order of their
// acceptance. The caller must not change them.
func (s *Server) Messages() []*Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Len returns how many mails were accepted so far.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mails)
}

// Connections returns how many connections were accepted so far, open or not.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// DropConnections closes every open connection without a word, as a server
// does that restarts or is tired of an idle client.
func (s *Server) DropConnections() {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// accept logs and keeps m.
func (s *Server) accept(m *Mail) error {
	if s.config.Log != nil {
		s.logging.Lock()
		err := s.config.Log(m)
		s.logging.Unlock()
		if err != nil {
			return fmt.Errorf("smtptest: log: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, m)
	return nil
}

// An acceptor hands go-smtp connections that can misbehave.
type acceptor struct {
	net.Listener
	server *Server
}

// Accept waits for a client.
func (a acceptor) Accept() (net.Conn, error) {
	nc, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := newConn(nc, a.server)
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if a.server.closed {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	a.server.conns[c] = struct{}{}
	a.server.count++
	return c, nil
}
