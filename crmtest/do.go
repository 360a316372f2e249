package crmtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// Do runs a few commands of the language of scripts, as told in the package
// documentation, and returns what happened: decisions and mails in order, one
// a line, in the shop's local time. A line that is indented belongs to the
// command above it. What the shop refuses is part of the answer; a command
// that cannot be read ends the test.
//
//	got := s.Do(`
//	consent yes by=hanako@example.jp
//	cart k1 by=hanako@example.jp tea:1200x2
//	advance 31m
//	`)
func (s *Scenario) Do(commands string) string {
	s.t.Helper()
	list, err := parseCommands(commands)
	s.check(err)
	var out strings.Builder
	for _, c := range list {
		if err := s.do(c, &out); err != nil {
			s.t.Fatalf("crmtest: %s: %v", c.name, err)
		}
	}
	return s.named(out.String())
}

// do runs one command and prints what happened. It returns an error if the
// command cannot be understood; what the shop refuses is printed.
func (s *Scenario) do(c *command, out *strings.Builder) error {
	run, ok := commands[c.name]
	if !ok {
		return fmt.Errorf("no such command")
	}
	refused := run(s, c, out)
	if c.err == nil {
		c.err = c.unread()
	}
	if c.err != nil {
		return c.err
	}
	if refused != nil {
		fmt.Fprintln(out, "error:", strings.TrimPrefix(refused.Error(), "crm: "))
	}
	if idle[c.name] {
		return nil
	}
	if !s.down {
		if err := s.CRM.RunUntil(s.t.Context(), s.Clock.Now()); err != nil {
			return err
		}
	}
	return s.effects(out)
}

// idle are the commands after which there is nothing to do.
var idle = map[string]bool{
	"shop": true, "template": true, "journey": true, "ladder": true, "mailer": true, "stop": true,
	"mails": true, "messages": true, "show": true, "explain": true, "members": true,
}

// commands are what a script can do. Each returns what the shop refused; what
// is wrong with the command itself it leaves in c.err.
var commands map[string]func(*Scenario, *command, *strings.Builder) error

func init() { // not at the declaration, which would be a cycle
	commands = map[string]func(*Scenario, *command, *strings.Builder) error{
		"shop":     (*Scenario).doShop,
		"template": (*Scenario).doTemplate,
		"journey":  (*Scenario).doJourney,
		"ladder":   (*Scenario).doLadder,

		"advance": (*Scenario).doAdvance,
		"at":      (*Scenario).doAt,
		"stop":    (*Scenario).doStop,
		"start":   (*Scenario).doStart,
		"mode":    (*Scenario).doMode,
		"mailer":  (*Scenario).doMailer,

		"mails":    (*Scenario).doMails,
		"messages": (*Scenario).doMessages,
		"show":     (*Scenario).doShow,
		"explain":  (*Scenario).doExplain,
		"members":  (*Scenario).doMembers,
	}
	for name, body := range bodies {
		commands[name] = func(s *Scenario, c *command, _ *strings.Builder) error {
			return s.doFact(c, body)
		}
	}
}

func (s *Scenario) doAdvance(c *command, _ *strings.Builder) error {
	d, err := parseDuration(c.arg("duration"))
	if c.err == nil {
		c.err = err
	}
	if c.err == nil {
		c.err = s.goTo(s.Clock.Now().Add(d))
	}
	return nil
}

func (s *Scenario) doAt(c *command, _ *strings.Builder) error {
	t, err := s.parseTime(strings.Join(c.rest(), " "))
	if err == nil && t.Before(s.Clock.Now()) {
		err = fmt.Errorf("the clock is past that time")
	}
	if err == nil {
		err = s.goTo(t)
	}
	c.err = err
	return nil
}

func (s *Scenario) goTo(t time.Time) error {
	if s.down {
		s.Clock.Set(t)
		return nil
	}
	return Advance(s.t.Context(), s.CRM, s.Clock, t)
}

func (s *Scenario) doStop(*command, *strings.Builder) error  { s.down = true; return nil }
func (s *Scenario) doStart(*command, *strings.Builder) error { s.down = false; return nil }

func (s *Scenario) doMode(c *command, _ *strings.Builder) error {
	config := s.options.Config
	config.Mode = crm.Mode(c.arg("mode"))
	switch config.Mode {
	case crm.Live, crm.Dry, crm.Off:
		s.open(config)
	default:
		c.fail("mode is live, dry or off")
	}
	return nil
}

// now is the scenario's local time.
func (s *Scenario) now() time.Time { return s.Clock.Now().In(s.zone) }

// parseTime reads a local time, of today if no day is given, or one so long
// before now: "2026-04-01 10:00", "10:00", "-5m".
func (s *Scenario) parseTime(text string) (time.Time, error) {
	if ago, ok := strings.CutPrefix(text, "-"); ok {
		d, err := parseDuration(ago)
		return s.Clock.Now().Add(-d), err
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			now := s.now()
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, s.zone), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as %q", text, "2026-04-01 10:00")
}

// parseDuration reads what time.ParseDuration does, and days of 24 hours: "7d".
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}
