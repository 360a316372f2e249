package main

import (
	"context"
	"time"

	"github.com/goen-crm/crm"
)

// A Statement is what goen says of itself at the end: no more than the audit
// has to ask it for.
type Statement struct {
	// Listed is how many attempts goen lists as unknown, by message.
	Listed map[string]int
	// Unknown are the messages whose fate goen says it does not know.
	Unknown map[string]bool
	// Mails are the messages there are for each mail, by id.
	Mails map[Mail][]string
	// Waiting is what is not over yet, in words.
	Waiting []string
}

// Ask asks goen about all shops.
func Ask(ctx context.Context, c *crm.CRM, now time.Time) (*Statement, error) {
	s := &Statement{Listed: make(map[string]int), Unknown: make(map[string]bool), Mails: make(map[Mail][]string)}
	if due, ok, err := c.NextDue(ctx, now.Add(horizon)); err != nil {
		return nil, err
	} else if ok {
		s.Waiting = append(s.Waiting, "something is due at "+due.Format(time.RFC3339Nano))
	}
	for _, id := range shopIDs(shops) {
		if err := s.ask(ctx, c.Shop(id)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Statement) ask(ctx context.Context, shop *crm.Shop) error {
	for m, err := range shop.Messages(ctx, crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		subject := m.Template
		if m.Order != "" {
			subject += " " + m.Order
		}
		mail := Mail{m.To, subject}
		s.Mails[mail] = append(s.Mails[mail], m.ID)
		switch m.State {
		case crm.MessageUnknown:
			s.Unknown[m.ID] = true
		case crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted:
			s.Waiting = append(s.Waiting, "message "+m.ID+" is "+string(m.State))
		}
	}
	for d, err := range shop.Decisions(ctx) {
		if err != nil {
			return err
		}
		if d.Kind == crm.DecidedUnknown {
			s.Listed[d.Message]++
		}
	}
	for c, err := range shop.Customers(ctx) {
		if err != nil {
			return err
		}
		for _, e := range c.Enrollments {
			s.Waiting = append(s.Waiting, c.ID+" is still in "+e.Journey+", at "+e.Step)
		}
	}
	return nil
}
