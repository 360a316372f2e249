package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// Accepted is the phase of an event that says: the sink has taken the mail. It
// comes right before the 250.
const Accepted smtptest.Phase = "250"

// An Event is a line of the sink's log: something that happened in a
// conversation about a mail.
type Event struct {
	At      time.Time      `json:"at"`    // At is the machine's time.
	Clock   time.Time      `json:"clock"` // Clock is what the run's clock showed.
	Phase   smtptest.Phase `json:"phase"`
	Worker  string         `json:"worker"`
	Message string         `json:"message"` // Message is goen's id of the message.
	Mail    Mail           `json:"mail"`
	Fault   string         `json:"fault,omitempty"` // Fault is what the sink did instead of what it should.
	ID      string         `json:"id,omitempty"`    // ID is the Message-ID of an accepted mail, without its brackets.
	Sum     string         `json:"sum,omitempty"`   // Sum is the SHA-256 of an accepted mail.
}

// A Mail is what mail it is, to whoever reads it.
type Mail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
}

// A Sink is the SMTP server that workers send to. It writes down every event
// before it goes on.
type Sink struct {
	Addr string

	server  *smtptest.Server
	clock   *Clock
	weather *Weather // nil for a server that always behaves
	visit   func(Event)
	journal *Journal

	mu   sync.Mutex
	last time.Time
	err  error // err is what went wrong with the log.
}

const sinkFile = "sink.jsonl"

// NewSink starts a sink whose log is in a run's directory. visit, if not nil,
// is called at each event, after it was written down and before anything is
// answered, so that it can end the conversation there. Calls may be concurrent,
// one for each connection.
func NewSink(dir string, clock *Clock, weather *Weather, visit func(Event)) (*Sink, error) {
	journal, err := OpenJournal(filepath.Join(dir, sinkFile))
	if err != nil {
		return nil, err
	}
	s := &Sink{clock: clock, weather: weather, visit: visit, journal: journal}
	s.server = smtptest.NewServer(&smtptest.Config{Decide: s.decide, Log: s.accept})
	s.Addr = s.server.Addr
	return s, nil
}

// decide notes a phase and says how the server misbehaves there, if it does.
func (s *Sink) decide(p smtptest.Phase, e smtptest.Envelope) *smtptest.Fault {
	from, ok := parseSender(e.From)
	fault := s.weather.fault(p, e)
	if !ok {
		return fault // not about a mail yet, or any more
	}
	event := Event{Phase: p, Worker: from.Worker, Message: from.Message, Mail: Mail{from.To, from.Subject}, Fault: faultName(fault)}
	if len(e.To) > 0 {
		event.Mail.To = e.To[0]
	}
	s.note(event)
	return fault
}

func (s *Sink) accept(m *smtptest.Mail) error {
	from, ok := parseSender(m.From)
	parsed, err := mail.ReadMessage(strings.NewReader(string(m.Raw)))
	if !ok || err != nil {
		return fmt.Errorf("this is nobody's mail: %w", err)
	}
	sum := sha256.Sum256(m.Raw)
	s.note(Event{
		Phase: Accepted, Worker: from.Worker, Message: from.Message, Mail: Mail{m.To[0], parsed.Header.Get("Subject")},
		ID: m.ID, Sum: hex.EncodeToString(sum[:8]),
	})
	return nil
}

func (s *Sink) note(e Event) {
	e.At, e.Clock = time.Now(), s.clock.Now()
	err := s.journal.Write(e)
	s.mu.Lock()
	s.last = e.At
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	if s.visit != nil {
		s.visit(e)
	}
}

// Quiet reports whether nothing has happened for a while.
func (s *Sink) Quiet(d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last) > d
}

// Close stops the server and closes the log. It returns what went wrong with
// the log.
func (s *Sink) Close() error {
	s.server.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.journal.Close(); s.err == nil {
		s.err = err
	}
	return s.err
}
