package smtptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	smtpserver "github.com/emersion/go-smtp"
)

// backend makes a session of each connection.
type backend struct{ server *Server }

// NewSession is called at the first EHLO of a connection.
func (b backend) NewSession(c *smtpserver.Conn) (smtpserver.Session, error) {
	nc, ok := c.Conn().(*conn)
	if !ok {
		return nil, fmt.Errorf("smtptest: unexpected connection %T", c.Conn())
	}
	return &session{conn: nc, server: b.server}, nil
}

// A session takes the mails of one connection.
type session struct {
	conn   *conn
	server *Server
	user   string
}

// AuthMechanisms returns the SASL mechanisms to offer.
func (s *session) AuthMechanisms() []string {
	if len(s.server.config.Users) == 0 {
		return nil
	}
	return s.server.config.Mechanisms
}

// Auth begins a login.
func (s *session) Auth(mech string) (sasl.Server, error) {
	return newAuth(mech, func(user string, check func(password string) bool) error {
		if password, ok := s.server.config.Users[user]; !ok || !check(password) {
			return smtpserver.ErrAuthFailed
		}
		s.user = user
		return nil
	})
}

// Mail begins an envelope.
func (s *session) Mail(from string, _ *smtpserver.MailOptions) error {
	if len(s.server.config.Users) > 0 && s.user == "" {
		return &smtpserver.SMTPError{Code: 530, EnhancedCode: smtpserver.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.conn.envelope = Envelope{From: from}
	return s.enter(PhaseMail)
}

// Rcpt adds a recipient to the envelope.
func (s *session) Rcpt(to string, _ *smtpserver.RcptOptions) error {
	s.conn.envelope.To = append(s.conn.envelope.To, to)
	return s.enter(PhaseRcpt)
}

// Data takes the message.
func (s *session) Data(r io.Reader) error {
	f := s.server.enter(PhaseBody, s.conn.envelope)
	if f != nil && f.Code == 0 {
		return s.conn.misbehave(f)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if f != nil {
		return s.refuse(f)
	}
	s.conn.envelope.Raw = raw
	f = s.server.enter(PhaseReply, s.conn.envelope)
	if f != nil && f.Code != 0 {
		return s.refuse(f)
	}
	if err := s.server.accept(s.mail()); err != nil {
		return &smtpserver.SMTPError{Code: 451, EnhancedCode: smtpserver.EnhancedCode{4, 3, 0}, Message: err.Error()}
	}
	if f != nil {
		return s.conn.misbehave(f)
	}
	return nil
}

// Reset forgets the envelope.
func (s *session) Reset() { s.conn.envelope = Envelope{} }

// Logout ends the session.
func (s *session) Logout() error { return nil }

func (s *session) enter(p Phase) error {
	f := s.server.enter(p, s.conn.envelope)
	switch {
	case f == nil:
		return nil
	case f.Code == 0:
		return s.conn.misbehave(f)
	}
	return s.refuse(f)
}

// refuse returns f as go-smtp's error, or says 421 and hangs up.
func (s *session) refuse(f *Fault) error {
	if f.Code == 421 {
		return errors.Join(s.conn.answer(f), io.EOF)
	}
	code, enhanced, text := f.reply()
	e := &smtpserver.SMTPError{Code: code, Message: text}
	if _, err := fmt.Sscanf(enhanced, "%d.%d.%d", &e.EnhancedCode[0], &e.EnhancedCode[1], &e.EnhancedCode[2]); err != nil {
		e.EnhancedCode = smtpserver.NoEnhancedCode
	}
	return e
}

func (s *session) mail() *Mail {
	e := s.conn.envelope
	m := &Mail{From: e.From, To: e.To, User: s.user, TLS: s.conn.secure, Raw: e.Raw, Received: time.Now()}
	if parsed, err := mail.ReadMessage(bytes.NewReader(e.Raw)); err == nil {
		m.ID = strings.Trim(parsed.Header.Get("Message-ID"), "<> ")
	}
	return m
}
