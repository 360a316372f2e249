package crm

import (
	"encoding/json"
	"fmt"
	"time"
)

// The kinds of definition, and the ids of those of which a shop has one.
const (
	kindSettings = "settings"
	kindLadder   = "ladder"
	kindTemplate = "template"
	kindJourney  = "journey"

	settingsID = "shop"
	ladderID   = "ranks"
)

// definitions are a shop's published definitions: an immutable snapshot that
// decisions are made by.
type definitions struct {
	shop      string
	revision  int64
	settings  Settings
	zone      *time.Location
	masked    map[string]bool
	ladder    *Ladder
	journeys  map[string][]*program // by id, versions in order
	newest    []*program            // the newest version of each, in order of id
	templates map[string][]*compiledTemplate
}

func (d *definitions) program(journey string, version int) *program {
	if versions := d.journeys[journey]; version >= 1 && version <= len(versions) {
		return versions[version-1]
	}
	return nil
}

// template returns a version of a template, the newest for version 0.
func (d *definitions) template(id string, version int) *compiledTemplate {
	versions := d.templates[id]
	if version == 0 {
		version = len(versions)
	}
	if version < 1 || version > len(versions) {
		return nil
	}
	return versions[version-1]
}

// readDefinitions makes the snapshot of what a store returned. It returns
// ErrUnknownShop if there are no settings among it.
func readDefinitions(shop string, list []Definition, revision int64) (*definitions, error) {
	d := &definitions{
		shop: shop, revision: revision, masked: make(map[string]bool),
		journeys: make(map[string][]*program), templates: make(map[string][]*compiledTemplate),
	}
	known := false
	for _, def := range list {
		if err := d.add(def); err != nil {
			return nil, fmt.Errorf("crm: %s %q version %d: %w", def.Kind, def.ID, def.Version, err)
		}
		known = known || def.Kind == kindSettings
	}
	if !known {
		return nil, unknownShop(shop)
	}
	zone, err := loadZone(d.settings.TimeZone)
	if err != nil {
		return nil, err
	}
	d.zone = zone
	for _, domain := range append(MaskedDomains(), d.settings.Masked...) {
		d.masked[NormalizeEmail(domain)] = true
	}
	for _, id := range sortedKeys(d.journeys) {
		versions := d.journeys[id]
		d.newest = append(d.newest, versions[len(versions)-1])
	}
	return d, nil
}

// add reads one definition. Versions come in order.
func (d *definitions) add(def Definition) error {
	switch def.Kind {
	case kindSettings:
		d.settings = Settings{}
		return json.Unmarshal(def.Body, &d.settings)
	case kindLadder:
		d.ladder = new(Ladder)
		return json.Unmarshal(def.Body, d.ladder)
	case kindTemplate:
		var t Template
		if err := json.Unmarshal(def.Body, &t); err != nil {
			return err
		}
		zone, err := loadZone(d.settings.TimeZone) // kinds come in order: settings before templates
		if err != nil {
			return err
		}
		c, problems := t.compile(zone)
		if len(problems) > 0 {
			return problems[0]
		}
		c.version = def.Version
		d.templates[def.ID] = append(d.templates[def.ID], c)
	case kindJourney:
		var j Journey
		if err := json.Unmarshal(def.Body, &j); err != nil {
			return err
		}
		p, problems := j.compile(nil)
		if len(problems) > 0 {
			return problems[0]
		}
		p.version, p.published = def.Version, def.PublishedAt
		if versions := d.journeys[def.ID]; len(versions) > 0 {
			p.published = versions[0].published
		}
		d.journeys[def.ID] = append(d.journeys[def.ID], p)
	}
	return nil // kinds of a newer goen are not for this one
}

// checkSends reports sends whose template is not published or asks for what the
// journey does not have, and marketing without the legal identity.
func (d *definitions) checkSends(p *program) []*FieldError {
	data := d.sample()
	if on, ok := p.Trigger.(OnFact); ok {
		data.Cart = nil
		if !aboutOrder(on.Fact) {
			data.Order = nil
		}
	} else {
		data.Order = nil
	}
	var problems []*FieldError
	marketing := false
	for _, in := range p.code {
		send, ok := in.step.(Send)
		if !ok {
			continue
		}
		t := d.template(send.Template, 0)
		if t == nil {
			problems = append(problems, &FieldError{Field: in.path + ".Template", Problem: "is not published", Err: ErrUnknown})
			continue
		}
		marketing = marketing || t.Class == Marketing
		for _, w := range t.words {
			if _, _, _, err := w.render(data); err != nil {
				problems = append(problems, &FieldError{
					Field: in.path + ".Template", Problem: fmt.Sprintf("cannot be rendered in this journey: %v", err), Err: ErrSyntax,
				})
			}
		}
	}
	if marketing {
		problems = append(problems, d.settings.Legal.missing()...)
	}
	return problems
}

// checkSettings reports what new settings would break in what is published.
func (d *definitions) checkSettings(next Settings) []*FieldError {
	var problems []*FieldError
	if next.Currency != d.settings.Currency {
		problems = append(problems, &FieldError{Field: "Currency", Problem: "cannot be changed: orders were counted in it", Err: ErrCurrencies})
	}
	for _, p := range d.newest {
		for _, in := range p.code {
			if send, ok := in.step.(Send); ok {
				if t := d.template(send.Template, 0); t != nil && t.Class == Marketing {
					return append(problems, next.Legal.missing()...)
				}
			}
		}
	}
	return problems
}
