package main

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// Figures are the outcome in numbers. What concerns the shop is counted in its
// database, what concerns the server by the server; nothing is taken from the
// replay itself.
type figures struct {
	Customers   int `json:"customers"`
	Orders      int `json:"orders"`
	Facts       int `json:"facts"`
	Enrollments int `json:"enrollments"`
	Merged      int `json:"guests_merged"` // Merged guests opened an account later.

	Sent       int  `json:"mails_sent"`
	Received   *int `json:"mails_received_by_server,omitempty"` // Received is nil if somebody else's server got them.
	Duplicates *int `json:"duplicates,omitempty"`
	Lost       *int `json:"lost,omitempty"`
	Kills      int  `json:"kills"`
	Failed     int  `json:"failed"`   // Failed were refused by the server, or given up.
	Unknown    int  `json:"unknown"`  // Unknown are messages of which nobody knows whether they were sent.
	Resolved   int  `json:"resolved"` // Resolved were unknown until the server's log was read.

	// What an audit found that goes by the facts alone.
	Unasked     int `json:"marketing_without_consent"`
	AfterBought int `json:"cart_mails_after_purchase"`

	Withheld int                `json:"withheld_by_fence"` // Withheld because she had bought.
	Skipped  map[crm.Reason]int `json:"skipped"`
	Stopped  int                `json:"journeys_ended_by_purchase"`
	Mails    []stepCount        `json:"mails"`
	F2       float64            `json:"f2_rate"` // F2 is the share of buyers who bought again.
	RFM      map[string]int     `json:"rfm"`
	Ranks    map[string]int     `json:"ranks"`
	Seconds  float64            `json:"seconds"`
}

// A stepCount says what became of the mails of one step of a journey.
type stepCount struct {
	Journey string `json:"journey"`
	Step    string `json:"step"`
	Sent    int    `json:"sent"`
	Skipped int    `json:"skipped"`
}

// books are the figures and what the report shows besides.
type books struct {
	figures
	customers []*crm.Customer
	messages  []crm.Message
	rfm       *crm.RFMReport
}

// count goes through the shop's database, and through what the server got, if
// that is known.
func count(ctx context.Context, d *desk, s *story, server *smtptest.Server) (*books, error) {
	b := &books{figures: figures{Skipped: make(map[crm.Reason]int), RFM: make(map[string]int), Ranks: make(map[string]int)}}
	for _, err := range d.store.Facts(ctx, shopID, crm.FactQuery{}) {
		if err != nil {
			return nil, err
		}
		b.Facts++
	}
	if err := b.countCustomers(ctx, d); err != nil {
		return nil, err
	}
	if err := b.countMessages(ctx, d, s); err != nil {
		return nil, err
	}
	for decision, err := range d.shop.Decisions(ctx) {
		if err != nil {
			return nil, err
		}
		switch {
		case decision.Kind == crm.DecidedEnroll:
			b.Enrollments++
		case decision.Kind == crm.DecidedMerge:
			b.Merged++
		case decision.Kind == crm.DecidedExit && decision.Reason == crm.ReasonBought:
			b.Stopped++
		case decision.Kind == crm.DecidedUnknown:
			b.Resolved++
		}
	}
	b.Resolved -= b.Unknown
	if server != nil {
		b.compare(server, d.clock.Now())
	}
	return b, nil
}

func (b *books) countCustomers(ctx context.Context, d *desk) (err error) {
	buyers, again := 0, 0
	for c, err := range d.shop.Customers(ctx) {
		if err != nil {
			return err
		}
		b.customers = append(b.customers, c)
		b.Customers++
		b.Orders += len(c.Orders)
		rank := c.Rank.Rank
		if rank == "" {
			rank = "none"
		}
		b.Ranks[rank]++
		if c.Purchases.Count >= 1 {
			buyers++
		}
		if c.Purchases.Count >= 2 {
			again++
		}
	}
	if buyers > 0 {
		b.F2 = float64(again*1000/buyers) / 1000
	}
	if b.rfm, err = d.shop.RFM(ctx, d.clock.Now(), nil); err != nil {
		return err
	}
	for _, class := range b.rfm.Table.Classes {
		b.RFM[class.Class.ID] = class.Customers
	}
	return nil
}

func (b *books) countMessages(ctx context.Context, d *desk, s *story) error {
	audit := newAudit(s.facts)
	steps := make(map[[2]string]*stepCount)
	var order [][2]string
	for _, j := range journeys(s.market) {
		for _, id := range sends(j.Steps) {
			key := [2]string{j.ID, id}
			order, steps[key] = append(order, key), &stepCount{Journey: j.ID, Step: id}
		}
	}
	for msg, err := range d.shop.Messages(ctx, crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		b.messages = append(b.messages, msg)
		step := steps[[2]string{msg.Journey, msg.Step}]
		switch msg.State {
		case crm.MessageSent:
			b.Sent++
			if audit.unasked(msg) {
				b.Unasked++
			}
			if audit.bought(msg) {
				b.AfterBought++
			}
			step.Sent++
		case crm.MessageFailed:
			b.Failed++
		case crm.MessageUnknown:
			b.Unknown++
		case crm.MessageSkipped:
			b.Skipped[msg.Reason]++
			step.Skipped++
		}
	}
	b.Withheld = b.Skipped[crm.ReasonBought]
	for _, key := range order {
		b.Mails = append(b.Mails, *steps[key])
	}
	return nil
}

// compare holds the shop's books against the server's. Lost is what the shop
// believes to have sent, or should have, and the server never got.
func (b *books) compare(server *smtptest.Server, now time.Time) {
	times := make(map[string]int)
	received, twice, lost := 0, 0, 0
	for _, mail := range server.Messages() {
		received++
		times[mail.ID]++
		if times[mail.ID] > 1 {
			twice++
		}
	}
	for _, m := range b.messages {
		owed := m.State != crm.MessageSkipped && !m.SendAt.After(now)
		if owed && times[messageID(m)] == 0 {
			lost++
		}
	}
	b.Received, b.Duplicates, b.Lost = &received, &twice, &lost
}

// check returns an error if a promise was broken. kills is how many there
// should have been.
func (f *figures) check(kills int) error {
	if f.Unasked+f.AfterBought > 0 {
		return fmt.Errorf("%d mails without consent, %d cart mails after the purchase", f.Unasked, f.AfterBought)
	}
	if f.Failed > 0 {
		return fmt.Errorf("%d mails were refused by the server, or given up", f.Failed)
	}
	if f.Received == nil {
		return nil // somebody else's server can't be counted
	}
	switch {
	case f.Sent != *f.Received:
		return fmt.Errorf("%d mails were sent and %d received", f.Sent, *f.Received)
	case *f.Duplicates != 0:
		return fmt.Errorf("%d mails were received twice", *f.Duplicates)
	case *f.Lost != 0:
		return fmt.Errorf("%d mails were lost", *f.Lost)
	case f.Unknown != 0:
		return fmt.Errorf("of %d mails nobody knows whether they were sent", f.Unknown)
	case f.Kills != kills:
		return fmt.Errorf("the sender was killed %d times instead of %d", f.Kills, kills)
	}
	return nil
}
