package torture

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// Accepted is the phase of an event that says: the sink has taken the mail. It
// comes before the sink says so.
const Accepted smtptest.Phase = "accepted"

// An Event is something that happened in a conversation about a mail.
type Event struct {
	Worker string // Worker is the process at the other end.
	Phase  smtptest.Phase
	To     string   // To is the recipient, "" at MAIL.
	ID     string   // ID is the Message-ID, known when a mail is accepted.
	Sum    [32]byte // Sum is the SHA-256 of an accepted mail.
	At     time.Time
}

// A Sink is the SMTP server that workers send to. It remembers every event.
type Sink struct {
	Addr string
	// Server is the server itself, to make it misbehave.
	Server *smtptest.Server

	mu      sync.Mutex
	events  []Event
	onEvent func(Event)
}

// NewSink starts a sink. onEvent, if not nil, is called at each event before
// anything is answered, so that it can end the conversation there. Calls may be
// concurrent, one for each connection.
func NewSink(onEvent func(Event)) *Sink {
	s := &Sink{onEvent: onEvent}
	s.Server = smtptest.NewServer(&smtptest.Config{
		OnPhase: func(p smtptest.Phase, e smtptest.Envelope) {
			if e.From == "" {
				return // not about a mail yet, or any more
			}
			event := Event{Worker: local(e.From), Phase: p}
			if len(e.To) > 0 {
				event.To = e.To[0]
			}
			s.note(event)
		},
		Log: func(m *smtptest.Mail) error {
			s.note(Event{Worker: local(m.From), Phase: Accepted, To: m.To[0], ID: m.ID, Sum: sha256.Sum256(m.Raw)})
			return nil
		},
	})
	s.Addr = s.Server.Addr
	return s
}

func local(address string) string { return address[:strings.LastIndexByte(address, '@')] }

func (s *Sink) note(e Event) {
	e.At = time.Now()
	s.mu.Lock()
	s.events = append(s.events, e)
	s.mu.Unlock()
	if s.onEvent != nil {
		s.onEvent(e)
	}
}

// Events returns everything that happened so far, in order.
func (s *Sink) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Quiet reports whether nothing has happened for a while.
func (s *Sink) Quiet(d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events) == 0 || time.Since(s.events[len(s.events)-1].At) > d
}

// Accepted returns the mails that the sink has taken, in order.
func (s *Sink) Accepted() []Event {
	return slices.DeleteFunc(s.Events(), func(e Event) bool { return e.Phase != Accepted })
}

// Close stops the server.
func (s *Sink) Close() { s.Server.Close() }
