package crmtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// A line is a decision as it is printed, and what it is sorted by.
type line struct {
	at        time.Time
	customer  string
	delivered bool // it is about the sending of a mail
	text      string
}

// effects prints the decisions that were written since it was last called, in
// order of time. What happens to several customers, or to several mails, at one
// instant has no order of its own: it is sorted by name. Each customer's
// decisions stay in the order in which they were taken, those that are dated
// back because a fact came late included.
func (s *Scenario) effects(out *strings.Builder) error {
	mails := make(map[string]*mailer.Message)
	for _, m := range s.Outbox.Messages() {
		id, _, _ := strings.Cut(m.ID, "@")
		mails[id] = m
	}
	var lines []line
	latest := make(map[string]time.Time) // by customer
	i := 0
	for d, err := range s.Shop.Decisions(s.t.Context()) {
		if err != nil {
			return err
		}
		if i++; i <= s.told {
			continue
		}
		s.told = i
		if d.At.After(latest[d.Customer]) {
			latest[d.Customer] = d.At
		}
		l := line{at: latest[d.Customer], customer: s.named(d.Customer)}
		l.text = fmt.Sprintf("%s  %s  %s", s.local(d.At), l.customer, effect(d))
		switch d.Kind {
		case crm.DecidedSend:
			if mail := mails[d.Message]; mail != nil {
				l.text += fmt.Sprintf(" to %s: %s", mail.To.Email, mail.Subject)
			}
			l.delivered = true
		case crm.DecidedRetry, crm.DecidedFail, crm.DecidedUnknown:
			l.delivered = true
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, line.compare)
	for _, l := range lines {
		fmt.Fprintln(out, l.text)
	}
	return nil
}

// compare puts decisions before what came of them, in the order in which they
// were taken.
func (l line) compare(o line) int {
	if c := cmp.Or(l.at.Compare(o.at), cmp.Compare(l.customer, o.customer)); c != 0 {
		return c
	}
	switch {
	case l.delivered && o.delivered:
		return cmp.Compare(l.text, o.text)
	case l.delivered:
		return 1
	case o.delivered:
		return -1
	}
	return 0
}

// effect is a decision in a few words: what, where, why.
func effect(d crm.Decision) string {
	words := []string{string(d.Kind)}
	if d.Journey != "" {
		where := d.Journey
		if d.Version > 1 {
			where += fmt.Sprintf(" v%d", d.Version)
		}
		if d.Step != "" && d.Kind != crm.DecidedEnroll && d.Kind != crm.DecidedFinish {
			where += "/" + d.Step
		}
		words = append(words, where)
	}
	if d.Reason != "" {
		words = append(words, "("+string(d.Reason)+")")
	}
	switch {
	case d.Kind == crm.DecidedWait:
		words = append(words, "until", d.Detail)
	case d.Detail != "":
		words = append(words, strings.TrimSpace(d.Detail))
	}
	return strings.Join(words, " ")
}

// local is an instant in the shop's zone, with the zone's name where the
// clocks are changed in the course of a year.
func (s *Scenario) local(t time.Time) string {
	layout := "2006-01-02 15:04"
	if t.Second() != 0 {
		layout += ":05"
	}
	_, january := time.Date(2026, 1, 1, 0, 0, 0, 0, s.zone).Zone()
	_, july := time.Date(2026, 7, 1, 0, 0, 0, 0, s.zone).Zone()
	if january != july {
		layout += " MST"
	}
	return t.In(s.zone).Format(layout)
}

// doMailer sets what the mail system answers from now on.
func (s *Scenario) doMailer(c *command, _ *strings.Builder) error {
	answers := map[string]error{
		"ok":        nil,
		"temporary": mailer.Temporary(errors.New("try later")),
		"permanent": mailer.Permanent(errors.New("no such mailbox")),
		"lost":      errors.New("the connection is gone"),
	}
	answer, ok := answers[c.arg("answer")]
	if !ok {
		c.fail("a mail system answers ok, temporary, permanent or lost")
	}
	s.Outbox.Fail = func(*mailer.Message) error { return answer }
	return nil
}

// doMails prints the mails sent so far, their texts too if asked for.
func (s *Scenario) doMails(c *command, out *strings.Builder) error {
	text := c.flag("text")
	for _, m := range s.Outbox.Messages() {
		fmt.Fprintf(out, "%s  to %s: %s\n", s.local(m.Date), m.To.Email, m.Subject)
		if text != nil && *text {
			for line := range strings.Lines(m.Text) {
				fmt.Fprintf(out, "  | %s\n", strings.TrimRight(line, "\n"))
			}
		}
	}
	return nil
}

// doMessages prints the outbox.
func (s *Scenario) doMessages(c *command, out *strings.Builder) error {
	query := crm.MessageQuery{}
	if who := c.rest(); len(who) > 0 {
		query.Customer = s.key(who[0])
	}
	var lines []line
	for m, err := range s.Shop.Messages(s.t.Context(), query) {
		if err != nil {
			return err
		}
		l := line{at: m.SendAt, customer: s.named(m.Customer), delivered: true}
		l.text = fmt.Sprintf("%s  %s  %s/%s %s", s.local(m.SendAt), l.customer, m.Journey, m.Step, m.State)
		if m.Reason != "" {
			l.text += " (" + string(m.Reason) + ")"
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, line.compare)
	for _, l := range lines {
		fmt.Fprintln(out, l.text)
	}
	return nil
}

func (s *Scenario) doExplain(c *command, out *strings.Builder) error {
	story, err := s.Shop.Explain(s.t.Context(), s.key(c.arg("customer")))
	if err == nil {
		out.WriteString(story.String())
	}
	return err
}

// doMembers prints for whom the rule in its body holds.
func (s *Scenario) doMembers(c *command, out *strings.Builder) error {
	var rule crm.Rule
	if err := c.decode(&rule); err != nil {
		return err
	}
	for customer, err := range s.Shop.Members(s.t.Context(), rule) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, customer.ID)
	}
	return nil
}

// doShow prints a customer's picture.
func (s *Scenario) doShow(c *command, out *strings.Builder) error {
	customer, err := s.Shop.Customer(s.t.Context(), s.key(c.arg("customer")))
	if err != nil {
		return err
	}
	s.show(customer, out)
	return nil
}

func (s *Scenario) show(c *crm.Customer, out *strings.Builder) {
	head := []string{c.ID}
	if c.Guest {
		head = append(head, "guest")
	}
	switch {
	case c.Email == "":
		head = append(head, "no address")
	case !c.Mailable:
		head = append(head, c.Email+" (unmailable)")
	case !c.Guest:
		head = append(head, c.Email)
	}
	for _, consent := range c.Consents {
		answer := "no"
		if consent.Granted {
			answer = "yes"
		}
		head = append(head, strings.TrimSpace("consent "+consent.Topic)+" "+answer)
	}
	if c.Rank.Rank != "" {
		head = append(head, "rank "+c.Rank.Rank)
	}
	fmt.Fprintln(out, strings.Join(head, ", "))
	if !c.Rank.Review.IsZero() {
		fmt.Fprintf(out, "  %s since %s, review %s\n", c.Rank.Rank, s.local(c.Rank.Since), s.local(c.Rank.Review))
	}
	if c.Purchases.Count > 0 {
		fmt.Fprintf(out, "  bought %d for %s\n", c.Purchases.Count, c.Purchases.Amount)
	}
	for _, o := range c.Orders {
		fmt.Fprintf(out, "  order %s %s", o.ID, o.Status)
		if !o.CountedAt.IsZero() {
			fmt.Fprintf(out, ", counts since %s with %s", s.local(o.CountedAt), o.Net)
		}
		fmt.Fprintln(out)
	}
	for _, cart := range c.Carts {
		fmt.Fprintf(out, "  cart %s: %s\n", cart.ID, cart.Total())
	}
	for _, e := range c.Enrollments {
		about := ""
		if e.Order != "" {
			about = " for " + e.Order
		}
		fmt.Fprintf(out, "  in %s%s at %s until %s\n", e.Journey, about, e.Step, s.local(e.Due))
	}
	for _, tag := range c.Tags {
		fmt.Fprintf(out, "  tag %s\n", tag)
	}
}
