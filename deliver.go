package crm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm/mailer"
)

const (
	// claimLease is how long a claimed message waits for its start: later, the
	// fence it passed is too old, and it is claimed again.
	claimLease = 5 * time.Second
	// claimBatch is how many messages one connection claims at a time.
	claimBatch = 8
)

// sendDue claims a few of a shop's messages that are due and sends them.
func (c *CRM) sendDue(ctx context.Context, shop *Shop, now time.Time) (bool, error) {
	if c.config.Mode == Off {
		return false, nil
	}
	d, err := c.definitions(ctx, shop.id)
	if err != nil {
		return false, err
	}
	leases, err := c.store.Lease(ctx, shop.id, LeaseRequest{Now: now, Until: c.nowFrom(now).Add(claimLease), Limit: claimBatch})
	if err != nil {
		return false, err
	}
	did := len(leases.Claimed) > 0
	for _, m := range leases.Expired {
		// A worker died, or lost its way, between start and answer.
		settled, err := c.unknown(ctx, shop, m, now, ReasonCrash)
		if err != nil {
			return did, err
		}
		did = did || settled
	}
	for i, m := range leases.Claimed {
		if d.template(m.Template, m.TemplateVersion) == nil { // published by another process
			if d, err = c.reload(ctx, shop.id); err != nil {
				return true, err
			}
		}
		// Behind slow mails a claim grows old: it goes back for a new one.
		if stale := !c.nowFrom(now).Before(m.LeaseUntil); stale || ctx.Err() != nil {
			return true, c.release(context.WithoutCancel(ctx), shop, leases.Claimed[i:], now)
		}
		// Render and send outlive the end of Run: what is begun is completed.
		if err := c.deliver(context.WithoutCancel(ctx), shop, d, m, c.nowFrom(now)); err != nil {
			return true, err
		}
	}
	return did, nil
}

// release gives back messages that were claimed and not begun.
func (c *CRM) release(ctx context.Context, shop *Shop, messages []Message, now time.Time) error {
	marks := make([]Mark, len(messages))
	for i, m := range messages {
		marks[i] = mark(m, MessageQueued, now)
		marks[i].From = []MessageState{MessageClaimed}
		marks[i].SendAt = m.SendAt
	}
	_, err := c.store.Mark(ctx, shop.id, marks)
	return err
}

// mark begins the mark that moves m to a state.
func mark(m Message, to MessageState, at time.Time) Mark {
	return Mark{
		Message: m.ID, Attempt: m.Attempt, From: []MessageState{MessageClaimed, MessageStarted}, To: to, At: at,
		Failures: m.Failures, Unknowns: m.Unknowns,
	}
}

// decided is the line of the log that goes with a mark.
func decided(m Message, kind DecisionKind, at time.Time, reason Reason) *Decision {
	return &Decision{
		Customer: m.Customer, At: at, Kind: kind, Reason: reason, Journey: m.Journey, Version: m.Version,
		Enrollment: m.Enrollment, Step: m.Step, Message: m.ID,
	}
}

// deliver renders, starts and sends one claimed message and settles it. It
// returns an error only if the store fails; what becomes of the message is in
// its state.
func (c *CRM) deliver(ctx context.Context, shop *Shop, d *definitions, m Message, now time.Time) error {
	if reason := c.obstacle(m, now); reason != "" {
		skip := mark(m, MessageSkipped, now)
		skip.Reason, skip.Decision = reason, decided(m, DecidedSkip, now, reason)
		return c.settle(ctx, shop, skip)
	}
	mail, err := c.compose(ctx, shop, d, &m, now)
	if err != nil {
		c.config.Logger.ErrorContext(ctx, "crm: message cannot be rendered", "shop", shop.id, "message", m.ID, "journey", m.Journey, "template", m.Template, "error", err)
		return c.failed(ctx, shop, m, now, reasonFor(err, ReasonRender))
	}
	s := &sending{crm: c, shop: shop, message: m, now: now}
	err = s.send(ctx, mail)
	if s.refused != nil {
		return s.refused // the store could not mark the start
	}
	return c.outcome(ctx, s, err)
}

// obstacle says why a message must not be sent now, "" if it may.
func (c *CRM) obstacle(m Message, now time.Time) Reason {
	switch {
	case m.Stopped != "":
		return m.Stopped
	case c.config.Mode == Dry:
		return ReasonMode
	case !m.Deadline.IsZero() && now.After(m.Deadline):
		return ReasonLate
	}
	return ""
}

// sending is one attempt to send a message.
type sending struct {
	crm     *CRM
	shop    *Shop
	message Message
	now     time.Time
	started bool
	lost    bool  // the lease had run out: another worker has the message
	refused error // what the store said instead of marking the start
}

// send hands the mail to the mailer, which marks its start, or marks it first
// if the mailer does not.
func (s *sending) send(ctx context.Context, mail *mailer.Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.crm.config.SendTimeout)
	defer cancel()
	defer recoverAs(&err)
	if _, marks := mailer.As[mailer.Marker](s.crm.mailer); !marks {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	return s.crm.mailer.Send(ctx, mail.OnStarted(s.start))
}

// errPanic: a mailer or a template panicked. What it said may be about a
// customer, so it is not passed on.
var errPanic = errors.New("crm: the mailer or a template panicked")

// recoverAs, deferred, turns a panic into errPanic.
func recoverAs(err *error) {
	if recover() != nil {
		*err = errPanic
	}
}

// reasonFor is reason, but for a panic.
func reasonFor(err error, reason Reason) Reason {
	if errors.Is(err, errPanic) {
		return ReasonPanic
	}
	return reason
}

// start marks the point of no return, durably.
func (s *sending) start(ctx context.Context) error {
	if s.started {
		return nil
	}
	now := s.crm.nowFrom(s.now)
	m := mark(s.message, MessageStarted, now)
	m.From = []MessageState{MessageClaimed}
	m.Content = s.message.Content
	m.Lease = now.Add(s.crm.config.SendTimeout + time.Minute)
	applied, err := s.crm.store.Mark(ctx, s.shop.id, []Mark{m})
	switch {
	case err != nil:
		s.refused = err
		return err
	case !applied[0]:
		s.lost = true
		return fmt.Errorf("crm: the message's lease has run out")
	}
	s.started, s.refused = true, nil // a mailer may ask again after an error
	return nil
}

// outcome settles a message by what the mailer returned.
func (c *CRM) outcome(ctx context.Context, s *sending, err error) error {
	m, now := s.message, c.nowFrom(s.now)
	switch {
	case err == nil:
		c.mailsPass(ctx)
		sent := mark(m, MessageSent, now)
		sent.From = append(sent.From, MessageUnknown)
		sent.Decision = decided(m, DecidedSend, now, "")
		return c.settle(ctx, s.shop, sent)
	case s.lost:
		return nil
	case mailer.IsPermanent(err):
		return c.failed(ctx, s.shop, m, now, ReasonPermanent)
	case mailer.IsTemporary(err) || !s.started:
		c.mailsFail(ctx, s.shop.id, err)
		return c.retry(ctx, s.shop, m, now)
	}
	_, err = c.unknown(ctx, s.shop, m, now, reasonFor(err, ReasonLost))
	return err
}

func (c *CRM) settle(ctx context.Context, shop *Shop, m Mark) error {
	_, err := c.store.Mark(ctx, shop.id, []Mark{m}) // one that is not applied has been settled by another worker
	return err
}

func (c *CRM) failed(ctx context.Context, shop *Shop, m Message, now time.Time, reason Reason) error {
	m.Failures++
	failed := mark(m, MessageFailed, now)
	failed.Reason, failed.Decision = reason, decided(m, DecidedFail, now, reason)
	return c.settle(ctx, shop, failed)
}

// retry puts a message off that the mail system did not take.
func (c *CRM) retry(ctx context.Context, shop *Shop, m Message, now time.Time) error {
	if m.Failures+1 >= c.config.Tries {
		return c.failed(ctx, shop, m, now, ReasonTries)
	}
	m.Failures++
	again := mark(m, MessageQueued, now)
	again.Reason, again.Decision = ReasonTemporary, decided(m, DecidedRetry, now, ReasonTemporary)
	again.SendAt = now.Add(backoff(m.Failures))
	return c.settle(ctx, shop, again)
}

// mailsFail logs that mails are put off: once, until one passes again. What the
// mail system said is left out, since it may quote an address.
func (c *CRM) mailsFail(ctx context.Context, shop string, err error) {
	if c.failing.Swap(true) {
		return
	}
	why := "the mailer failed before it began to send"
	if e, ok := errors.AsType[*mailer.SendError](err); ok {
		why = e.Error()
	}
	c.config.Logger.WarnContext(ctx, "crm: mails are put off and will be tried again", "shop", shop, "error", why)
}

func (c *CRM) mailsPass(ctx context.Context) {
	if c.failing.Swap(false) {
		c.config.Logger.InfoContext(ctx, "crm: mails go out again")
	}
}

// backoff is the pause after the nth failure: 1, 4, 16, 64 minutes, then 4 hours.
func backoff(n int) time.Duration {
	return min(4*time.Hour, time.Minute<<(2*min(n-1, 8)))
}

// unknown settles a message that may or may not have been taken: a
// transactional one is sent once more, others are left to [Shop.Resolve].
//
// It reports whether the message was still this worker's to settle.
func (c *CRM) unknown(ctx context.Context, shop *Shop, m Message, now time.Time, reason Reason) (bool, error) {
	m.Unknowns++
	to := MessageUnknown
	if m.Class == Transactional && m.Unknowns == 1 {
		to = MessageQueued
	}
	mark := mark(m, to, now)
	mark.From = []MessageState{MessageStarted}
	mark.SendAt = now.Add(backoff(1))
	mark.Reason, mark.Decision = reason, decided(m, DecidedUnknown, now, reason)
	applied, err := c.store.Mark(ctx, shop.id, []Mark{mark})
	return err == nil && applied[0], err
}
