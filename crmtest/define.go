package crmtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goen-crm/crm"
)

// doShop changes the shop's settings, and, before anything has happened, when
// the scenario begins.
func (s *Scenario) doShop(c *command, _ *strings.Builder) error {
	settings := s.options.Settings
	for name, field := range map[string]*string{
		"name": &settings.Name, "zone": &settings.TimeZone, "currency": &settings.Currency, "locale": &settings.Locale,
	} {
		if value, ok := c.option(name); ok {
			*field = value
		}
	}
	if legal := c.flag("legal"); legal != nil {
		settings.Legal = crm.Legal{}
		if *legal {
			settings.Legal = Settings().Legal
		}
	}
	start, live := c.text("start"), c.text("live")
	if c.err != nil || c.unread() != nil {
		return nil
	}
	if err := s.configure(settings); err != nil {
		return err
	}
	if start != "" {
		t, err := s.parseTime(start)
		if err != nil || s.facts > 0 {
			c.fail("start: must be a time, and come before all else")
			return nil
		}
		s.Clock.rewind(t)
	}
	if live == "" {
		return nil
	}
	t, err := s.parseTime(live)
	c.err = err
	settings.LiveFrom = t
	return s.configure(settings)
}

// doTemplate publishes a template in one language. The text is what is
// indented, or a line that greets; the legal part is added to marketing.
func (s *Scenario) doTemplate(c *command, _ *strings.Builder) error {
	t := crm.Template{ID: c.arg("id"), Class: crm.Class(c.text("class"))}
	words := crm.Words{Subject: c.text("subject"), Text: dedent(c.body)}
	locale := c.text("locale")
	if locale == "" {
		locale = "en"
	}
	if words.Subject == "" {
		words.Subject = t.ID
	}
	if words.Text == "" {
		words.Text = "Hello {{.Name}}\n"
		if t.Class == crm.Marketing {
			words.Text += "{{template \"legal\" .}}"
		}
	}
	t.Locales = map[string]crm.Words{locale: words}
	_, err := s.Shop.PublishTemplate(s.t.Context(), t)
	return err
}

func (s *Scenario) doJourney(c *command, out *strings.Builder) error {
	var j crm.Journey
	if err := c.decode(&j); err != nil {
		return err
	}
	version, err := s.Shop.Publish(s.t.Context(), j)
	if err == nil {
		fmt.Fprintf(out, "published %s v%d\n", j.ID, version)
	}
	return err
}

func (s *Scenario) doLadder(c *command, _ *strings.Builder) error {
	var l crm.Ladder
	if err := c.decode(&l); err != nil {
		return err
	}
	return s.Shop.SetLadder(s.t.Context(), l)
}

// decode reads the body as JSON. A misspelt field is an error.
func (c *command) decode(v any) error {
	decoder := json.NewDecoder(strings.NewReader(c.body))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

// dedent takes away the indentation of the first line from every line.
func dedent(body string) string {
	indent := body[:len(body)-len(strings.TrimLeft(body, " \t"))]
	var b strings.Builder
	for line := range strings.Lines(body) {
		b.WriteString(strings.TrimPrefix(line, indent))
	}
	return b.String()
}
