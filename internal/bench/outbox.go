package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
)

// sink is a mail system that takes everything at once. Mails are composed for
// it as they are for a real one, so their bytes are stored.
type sink struct {
	*smtp.Mailer
	taken atomic.Int64
	until int64
	full  context.CancelFunc // called when it has taken as many as it wants
}

// Send implements [mailer.Mailer].
func (s *sink) Send(ctx context.Context, msg *mailer.Message) error {
	if err := msg.Started(ctx); err != nil {
		return err
	}
	if s.taken.Add(1) == s.until {
		s.full()
	}
	return nil
}

// deliver sends up to n messages that are due, and returns how many it sent.
func (d *desk) deliver(ctx context.Context, n, connections int) (sent int, err error) {
	relay, err := smtp.New("mail.example:25", nil) // composes, and never connects
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	ctx, full := context.WithCancel(ctx)
	defer full()
	s := &sink{Mailer: relay, until: int64(n), full: full}
	c, err := crm.New(d.store, s, &crm.Config{Workers: 1, Connections: connections, Clock: d.clock.Now})
	if err != nil {
		return 0, err
	}
	err = c.Run(ctx)
	return int(s.taken.Load()), err
}
