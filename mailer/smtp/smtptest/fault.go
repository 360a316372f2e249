package smtptest

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// A Phase is a point of an SMTP conversation.
type Phase string

// The phases, in the order of a conversation. The names are those that package
// mailer/smtp puts into mailer.SendError.
const (
	PhaseGreeting Phase = "greeting" // A client connected and waits for 220.
	PhaseEHLO     Phase = "ehlo"     // EHLO or HELO. A client that is refused EHLO tries HELO: two faults.
	PhaseSTARTTLS Phase = "starttls" // STARTTLS, before its 220 and the handshake.
	PhaseAuth     Phase = "auth"     // AUTH.
	PhaseMail     Phase = "mail"     // MAIL; the envelope has its sender.
	PhaseRcpt     Phase = "rcpt"     // RCPT; the envelope has this recipient too.
	PhaseData     Phase = "data"     // The DATA command, before 354.
	PhaseBody     Phase = "body"     // 354 was sent, the body begins. A Code is answered after the final dot.
	// PhaseReply is after the final dot. With Drop or Stall the mail is accepted
	// (it is logged and among Messages) and the answer is lost; with a Code it
	// is refused.
	PhaseReply Phase = "reply"
	PhaseReset Phase = "rset" // RSET or NOOP.
	PhaseQuit  Phase = "quit" // QUIT.
)

// An Envelope is what a client has said so far on one connection.
type Envelope struct {
	From string   // From is the sender, "" before MAIL.
	To   []string // To are the recipients.
	Raw  []byte   // Raw is the message at PhaseReply, else nil. It must not be changed.
}

// A Fault is one way to misbehave. Exactly one of Code, Drop and Stall is set.
type Fault struct {
	Phase Phase // Phase is where.

	// Code is answered instead of what the server would say: 400 to 599. 421
	// closes the connection after it (RFC 5321, section 3.8), and so does any
	// code at PhaseGreeting.
	Code     int
	Enhanced string // Enhanced is the RFC 3463 status. Defaults to "4.0.0" or "5.0.0".
	Message  string // Message is the text after it. Defaults to "fault".

	Drop  bool // Drop closes the connection instead of answering.
	Stall bool // Stall never answers: the client must give up, or the server be closed.

	// Times is how often the fault happens; a negative number is for ever.
	// Defaults to 1.
	Times int
	// Match, if set, limits the fault to some envelopes. Calls may be
	// concurrent. Defaults to all.
	Match func(Envelope) bool
}

// Fail makes the server misbehave: each fault in turn, in the order given and
// after those given before, at the next occasion of its phase. It panics if a
// fault cannot be meant so.
func (s *Server) Fail(faults ...Fault) {
	for _, f := range faults {
		f.mustBeValid()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		s.faults = append(s.faults, &f)
	}
}

// ClearFaults makes the server behave again. A connection that stalls already
// goes on stalling.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f *Fault) mustBeValid() {
	ways := 0
	for _, set := range []bool{f.Code != 0, f.Drop, f.Stall} {
		if set {
			ways++
		}
	}
	if f.Phase == "" || ways != 1 || (f.Code != 0 && (f.Code < 400 || f.Code > 599)) {
		panic(fmt.Sprintf("smtptest: fault %+v needs a phase and one of code 400 to 599, drop and stall", *f))
	}
}

// reply returns the status code, enhanced code and text that f answers.
func (f *Fault) reply() (code int, enhanced, text string) {
	enhanced, text = f.Enhanced, f.Message
	if enhanced == "" {
		enhanced = fmt.Sprintf("%d.0.0", f.Code/100)
	}
	if text == "" {
		text = "fault"
	}
	return f.Code, enhanced, text
}

// enter calls the hook for a phase and returns the fault that is due, or nil.
func (s *Server) enter(p Phase, e Envelope) *Fault {
	e.To = slices.Clone(e.To)
	if s.config.OnPhase != nil {
		s.config.OnPhase(p, e)
	}
	if s.config.Decide != nil {
		if f := s.config.Decide(p, e); f != nil {
			f.mustBeValid()
			return f
		}
	}
	return s.nextFault(p, e)
}

func (s *Server) nextFault(p Phase, e Envelope) *Fault {
	s.mu.Lock()
	candidates := slices.Clone(s.faults)
	s.mu.Unlock()
	for _, f := range candidates {
		// Match is the test's code: it runs without the lock.
		if f.Phase == p && (f.Match == nil || f.Match(e)) && s.use(f) {
			return f
		}
	}
	return nil
}

// use takes one of f's times and reports whether there was one.
func (s *Server) use(f *Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.faults, f)
	switch {
	case i < 0:
		return false
	case f.Times == 1:
		s.faults = slices.Delete(s.faults, i, i+1)
	case f.Times > 1:
		f.Times--
	}
	return true
}

// verbPhase returns the phase that a command line begins, "" if it is none
// that is handled on the connection.
func verbPhase(line []byte) Phase {
	verb, _, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		return PhaseEHLO
	case "STARTTLS":
		return PhaseSTARTTLS
	case "AUTH":
		return PhaseAuth
	case "DATA":
		return PhaseData
	case "RSET", "NOOP":
		return PhaseReset
	case "QUIT":
		return PhaseQuit
	}
	return ""
}

// misbehave carries out a Drop or a Stall and returns the error that ends the
// connection.
func (c *conn) misbehave(f *Fault) error {
	if f.Stall {
		<-c.server.stop
	}
	_ = c.Close()
	return net.ErrClosed
}
