package mailertest

import (
	"context"
	"slices"
	"sync"

	"github.com/goen-crm/crm/mailer"
)

var _ mailer.Marker = (*Recorder)(nil)

// A Recorder is a mailer that keeps the messages in memory. It refuses invalid
// messages, as any mailer must. The zero value is ready, and safe for
// concurrent use.
type Recorder struct {
	// Fail, if set, decides about each valid message, after its Started: its
	// error is what Send returns, and the message is not recorded. It is called
	// without a lock, also concurrently. It must not be changed while messages
	// are being sent. Defaults to nil.
	Fail func(*mailer.Message) error

	mu       sync.Mutex
	messages []*mailer.Message
}

// Send records a copy of msg.
func (r *Recorder) Send(ctx context.Context, msg *mailer.Message) error {
	if err := msg.Validate(); err != nil {
		return mailer.Permanent(err)
	}
	if ctx.Err() != nil {
		return mailer.Temporary(context.Cause(ctx))
	}
	if err := msg.Started(ctx); err != nil {
		return mailer.Temporary(err)
	}
	if r.Fail != nil {
		if err := r.Fail(msg); err != nil {
			return err
		}
	}
	kept := msg.OnStarted(nil)
	kept.Headers = slices.Clone(msg.Headers)
	kept.Raw = slices.Clone(msg.Raw)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, kept)
	return nil
}

// MarksStart makes r a mailer.Marker.
func (r *Recorder) MarksStart() {}

// Messages returns what was recorded, in order. The caller must not change the
// messages.
func (r *Recorder) Messages() []*mailer.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// Len returns how many messages were recorded.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.messages)
}

// Reset forgets what was recorded.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = nil
}
