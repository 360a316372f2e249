package crm

import "context"

// A Resolution says what is to be done with a message whose fate is unknown.
type Resolution string

// The resolutions.
const (
	Resend    Resolution = "resend"    // send it again, though it may have arrived
	Delivered Resolution = "delivered" // it arrived, as the mail system's log shows: it counts as sent
	Drop      Resolution = "drop"      // leave it: it counts as failed
)

// Resolve decides about a message in state [MessageUnknown]. It returns
// [ErrNotFound] if there is none by that id. One that is to be sent again and
// may not be, as after an opt-out, is skipped.
func (s *Shop) Resolve(ctx context.Context, message string, r Resolution) error {
	now := s.crm.now()
	for m, err := range s.crm.store.Messages(ctx, s.id, MessageQuery{ID: message, States: []MessageState{MessageUnknown}}) {
		if err != nil {
			return err
		}
		to, kind := MessageQueued, DecidedRetry
		switch r {
		case Resend:
		case Delivered:
			to, kind = MessageSent, DecidedSend
		case Drop:
			to, kind = MessageFailed, DecidedFail
		default:
			return &FieldError{Field: "Resolution", Err: ErrUnknown}
		}
		mark := mark(m, to, now)
		mark.From = []MessageState{MessageUnknown}
		mark.SendAt = now
		mark.Reason, mark.Decision = m.Reason, decided(m, kind, now, m.Reason)
		applied, err := s.crm.store.Mark(ctx, s.id, []Mark{mark})
		if err == nil && !applied[0] {
			err = ErrNotFound // somebody else has just resolved it
		}
		return err
	}
	return ErrNotFound
}
