package simulate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// A relay is the mail system as one worker sees it. Its time from the first
// word to the answer is the worker's.
type relay struct{ *worker }

// A markingRelay marks the starts itself.
type markingRelay struct{ mailer.Mailer }

// MarksStart makes it a mailer.Marker.
func (markingRelay) MarksStart() {}

var (
	errGreeting = errors.New("simulate: the mail system did not answer the greeting")
	errBroken   = errors.New("simulate: the connection broke after the end of data")
	errRefused  = errors.New("simulate: the mail system refused")
)

// Send implements [mailer.Mailer].
func (r *relay) Send(ctx context.Context, m *mailer.Message) error {
	r.wait(time.Millisecond + r.upTo(300*time.Millisecond))
	fault, early, coin := r.fault(mailBands), r.rand.IntN(2) == 0, r.rand.IntN(2) == 0
	id, _, _ := strings.Cut(m.ID, "@")
	if fault != none {
		r.inject(r.name(), fault, "mail "+short(id))
	}
	if fault == Kill || fault == Pause {
		r.excuse()
	}
	if early {
		if fault == Break {
			return mailer.Temporary(errGreeting)
		}
		r.strike(fault)
	}
	if r.plan.Marks {
		if err := m.Started(ctx); err != nil {
			return mailer.Temporary(err)
		}
	}
	r.ledger.transmit(r.worker, id)
	r.hasten(m.To.Email)
	r.wait(time.Millisecond + r.upTo(200*time.Millisecond))
	switch {
	case fault == Refuse && coin:
		r.ledger.refused[id] = true
		return mailer.Permanent(errRefused)
	case fault == Refuse:
		return mailer.Temporary(errRefused)
	case fault == Break && !early, fault == Stall:
		r.ledger.excused[id] = true
		if coin {
			r.accept(id, m)
		}
		if fault == Stall {
			r.wait(2 * time.Minute)
		}
		return errBroken
	}
	if !early && coin {
		r.strike(fault)
	}
	r.accept(id, m)
	r.wait(r.upTo(50 * time.Millisecond))
	if !early && !coin {
		r.strike(fault)
	}
	return nil
}

// accept is the instant at which a mail has arrived.
func (r *relay) accept(id string, m *mailer.Message) {
	r.trace.note(r.now, "sink", fmt.Sprintf("✉ %s to %s: %s", short(id), m.To.Email, m.Subject))
	r.ledger.receive(id, m)
}
