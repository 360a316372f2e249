package crm

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/goen-crm/crm/mailer"
)

const (
	// claimLease is how long a claimed message waits for its start: later, the
	// fence it passed is too old, and it is claimed again.
	claimLease = 5 * time.Second
	// claimBatch is how many messages are claimed at a time.
	claimBatch = 256
)

// A sender takes claimed messages to their end.
type sender struct {
	*CRM
	write func(ctx context.Context, shop string, m Mark) (applied bool, err error)
}

// writeMark writes one mark at once.
func (c *CRM) writeMark(ctx context.Context, shop string, m Mark) (bool, error) {
	applied, err := c.store.Mark(ctx, shop, []Mark{m})
	return err == nil && applied[0], err
}

// A delivery is a claimed message with what its mail is made of.
type delivery struct {
	message Message
	shop    *Shop
	defs    *definitions
	person  *person // nil if there is content, or she cannot be read
	// overtaken: facts have come in for her that the fence has not seen. What
	// they take away would be missing in the mail.
	overtaken bool
}

// claim claims a shop's messages that are due, settles those whose sender was
// lost, and looks up whom the claimed ones are for.
func (c *sender) claim(ctx context.Context, shop *Shop, req LeaseRequest) (deliveries []delivery, settled bool, err error) {
	d, err := c.definitions(ctx, shop.id)
	if err != nil {
		return nil, false, err
	}
	began := time.Now()
	req.Until = c.nowFrom(req.Now).Add(claimLease)
	leases, err := c.store.Lease(ctx, shop.id, req)
	if err != nil {
		return nil, false, err
	}
	if n := len(leases.Claimed); n > 0 {
		c.config.Hooks.claimed(shop.id, req.Lane, n, time.Since(began))
	}
	for _, m := range leases.Expired {
		// A worker died, or lost its way, between start and answer.
		applied, err := c.unknown(ctx, shop, m, req.Now, ReasonCrash)
		if err != nil {
			return nil, settled, err
		}
		settled = settled || applied
	}
	if slices.ContainsFunc(leases.Claimed, func(m Message) bool { return d.template(m.Template, m.TemplateVersion) == nil }) {
		if d, err = c.reload(ctx, shop.id); err != nil { // published by another process
			return nil, settled, err
		}
	}
	rows, err := shop.addressees(ctx, leases.Claimed)
	if err != nil {
		return nil, settled, err
	}
	deliveries = make([]delivery, 0, len(leases.Claimed))
	for _, m := range leases.Claimed {
		next := delivery{message: m, shop: shop, defs: d}
		if row, ok := rows[m.Customer]; ok {
			next.read(row, req.Now)
		}
		deliveries = append(deliveries, next)
	}
	return deliveries, settled, nil
}

// read takes her as she is in the store. Facts that wait for her, a merge or an
// erasure have come since the claim: the fence has not seen them.
func (d *delivery) read(row CustomerRow, now time.Time) {
	if len(row.Pending) > 0 {
		d.overtaken = true
		return
	}
	r := new(household).read(row)
	switch {
	case !r.broken && (r.state.Owner != "" || r.gone()):
		d.overtaken = true
	case !r.broken && r.orders() != nil && !r.damaged:
		d.person = newPerson(newGroup(d.defs, now, []*record{r}, new(Changes)), r)
	}
}

// addressees reads the customers whom messages without content are for.
func (s *Shop) addressees(ctx context.Context, messages []Message) (map[string]CustomerRow, error) {
	ids := make(map[string]bool)
	for _, m := range messages {
		if m.Content == nil {
			ids[m.Customer] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	rows := make(map[string]CustomerRow, len(ids))
	for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: sortedKeys(ids)}) {
		if err != nil {
			return nil, err
		}
		rows[row.ID] = row
	}
	return rows, nil
}

// release gives back a message that was claimed and not begun.
func (c *sender) release(ctx context.Context, d delivery, now time.Time) error {
	return c.putBack(ctx, d, now, d.message.SendAt)
}

// putBack gives back a message that was claimed and not begun, due at an
// instant.
func (c *sender) putBack(ctx context.Context, d delivery, now, due time.Time) error {
	back := mark(d.message, MessageQueued, now)
	back.From = []MessageState{MessageClaimed}
	back.SendAt = due
	_, err := c.write(ctx, d.shop.id, back)
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
// its state. A claim that was overtaken, or has grown old behind slow mails, goes
// back for a new one.
func (c *sender) deliver(ctx context.Context, d delivery, now time.Time) error {
	m, shop := d.message, d.shop
	if !now.Before(m.LeaseUntil) {
		return c.release(ctx, d, now)
	}
	if reason := c.obstacle(m, now); reason != "" {
		skip := mark(m, MessageSkipped, now)
		skip.Reason, skip.Decision = reason, decided(m, DecidedSkip, now, reason)
		return c.settle(ctx, shop, skip)
	}
	if d.overtaken {
		return c.release(ctx, d, now)
	}
	if d.person == nil && m.Content == nil {
		c.config.Logger.ErrorContext(ctx, "crm: message is put off", "shop", shop.id, "message", m.ID, "error", errNewerCore)
		return c.putBack(ctx, d, now, now.Add(backoff(1)))
	}
	mail, err := c.compose(d, &m)
	if err != nil {
		c.config.Logger.ErrorContext(ctx, "crm: message cannot be rendered", "shop", shop.id, "message", m.ID, "journey", m.Journey, "template", m.Template, "error", err)
		return c.retry(ctx, shop, m, now, reasonFor(err, ReasonRender))
	}
	s := &sending{sender: c, shop: shop, message: m, now: now}
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
	sender  *sender
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
	ctx, cancel := context.WithTimeout(ctx, s.sender.config.SendTimeout)
	defer cancel()
	defer recoverAs(&err)
	if _, marks := mailer.As[mailer.Marker](s.sender.mailer); !marks {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	return s.sender.mailer.Send(ctx, mail.OnStarted(s.start))
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
	now := s.sender.nowFrom(s.now)
	m := mark(s.message, MessageStarted, now)
	m.From = []MessageState{MessageClaimed}
	m.Content = s.message.Content
	m.Lease = now.Add(s.sender.config.SendTimeout + time.Minute)
	applied, err := s.sender.write(ctx, s.shop.id, m)
	switch {
	case err != nil:
		s.refused = err
		return err
	case !applied:
		s.lost = true
		return errLost
	}
	if later := s.sender.nowFrom(s.now); !later.Before(s.message.LeaseUntil) {
		return s.takeBack(ctx, later)
	}
	s.started, s.refused = true, nil // a mailer may ask again after an error
	return nil
}

// takeBack undoes the mark of a start that took so long to write that what the
// fence saw is too old, as when the process was paused. Nothing was sent yet.
func (s *sending) takeBack(ctx context.Context, now time.Time) error {
	back := mark(s.message, MessageQueued, now)
	back.From = []MessageState{MessageStarted}
	back.SendAt = s.message.SendAt
	_, s.refused = s.sender.write(ctx, s.shop.id, back)
	s.lost = true
	return errLost
}

// errLost: the lease had run out before the message was begun.
var errLost = errors.New("crm: the message's lease has run out")

// outcome settles a message by what the mailer returned.
func (c *sender) outcome(ctx context.Context, s *sending, err error) error {
	m, now := s.message, c.nowFrom(s.now)
	switch {
	case err == nil:
		c.mailsPass(ctx)
		sent := mark(m, MessageSent, now)
		sent.From = append(sent.From, MessageUnknown, MessageQueued) // if it was given up for lost meanwhile
		sent.Decision = decided(m, DecidedSend, now, "")
		return c.settle(ctx, s.shop, sent)
	case s.lost:
		return nil
	case mailer.IsPermanent(err):
		return c.failed(ctx, s.shop, m, now, ReasonPermanent)
	case mailer.IsTemporary(err) || !s.started:
		c.mailsFail(ctx, s.shop.id, err)
		return c.retry(ctx, s.shop, m, now, reasonFor(err, ReasonTemporary))
	}
	_, err = c.unknown(ctx, s.shop, m, now, reasonFor(err, ReasonLost))
	return err
}

func (c *sender) settle(ctx context.Context, shop *Shop, m Mark) error {
	applied, err := c.write(ctx, shop.id, m)
	if applied { // otherwise another worker has settled it
		c.config.Hooks.settled(shop.id, m.To, m.Reason)
	}
	return err
}

func (c *sender) failed(ctx context.Context, shop *Shop, m Message, now time.Time, reason Reason) error {
	m.Failures++
	failed := mark(m, MessageFailed, now)
	failed.Reason, failed.Decision = reason, decided(m, DecidedFail, now, reason)
	return c.settle(ctx, shop, failed)
}

// retry puts a message off that the mail system did not take, or that could not
// be made into a mail. One that was tried often enough fails.
func (c *sender) retry(ctx context.Context, shop *Shop, m Message, now time.Time, reason Reason) error {
	if m.Failures+1 >= c.config.Tries {
		if reason == ReasonTemporary {
			reason = ReasonTries
		}
		return c.failed(ctx, shop, m, now, reason)
	}
	m.Failures++
	again := mark(m, MessageQueued, now)
	again.Reason, again.Decision = reason, decided(m, DecidedRetry, now, reason)
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
func (c *sender) unknown(ctx context.Context, shop *Shop, m Message, now time.Time, reason Reason) (bool, error) {
	m.Unknowns++
	to := MessageUnknown
	if m.Class == Transactional && m.Unknowns == 1 {
		to = MessageQueued
	}
	mark := mark(m, to, now)
	mark.From = []MessageState{MessageStarted}
	mark.SendAt = now.Add(backoff(1))
	mark.Reason, mark.Decision = reason, decided(m, DecidedUnknown, now, reason)
	applied, err := c.write(ctx, shop.id, mark)
	if applied {
		c.config.Hooks.settled(shop.id, MessageUnknown, reason)
	}
	return applied, err
}
