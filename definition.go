package crm

import (
	"cmp"
	"context"
	"crypto/sha256"
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
		return nil, ErrUnknownShop
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

// define stores v as the newest version of a definition and returns it.
func (s *Shop) define(ctx context.Context, kind, id string, v any) (int, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(body)
	def, err := s.crm.store.Define(ctx, s.id, Definition{
		Kind: kind, ID: id, Hash: sum[:], Body: body, PublishedAt: instant(s.crm.now()),
	})
	if err != nil {
		return 0, err
	}
	s.crm.forget(s.id)
	return def.Version, nil
}

// Configure sets the shop's settings, and makes the shop known in the first
// place. Settings that are wrong are refused with a *[PublishError] that lists
// every problem. Configuring equal settings again does nothing, so that every
// process may do it at its start.
func (s *Shop) Configure(ctx context.Context, settings Settings) error {
	if err := settings.Validate(); err != nil {
		return err
	}
	_, err := s.define(ctx, kindSettings, settingsID, settings.withDefaults())
	return err
}

// SetLadder publishes the shop's rank ladder.
func (s *Shop) SetLadder(ctx context.Context, ladder Ladder) error {
	if err := ladder.Validate(); err != nil {
		return err
	}
	if _, err := s.definitions(ctx); err != nil {
		return err
	}
	_, err := s.define(ctx, kindLadder, ladderID, ladder)
	return err
}

// PublishTemplate publishes a template and returns its version. Equal content
// gives the version that is there already. A template that is wrong is refused
// with a *[PublishError].
func (s *Shop) PublishTemplate(ctx context.Context, t Template) (int, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return 0, err
	}
	compiled, problems := t.compile(d.zone)
	if len(problems) == 0 {
		problems = compiled.tryAll(d)
	}
	if len(problems) > 0 {
		return 0, &PublishError{Kind: kindTemplate, ID: t.ID, Problems: problems}
	}
	return s.define(ctx, kindTemplate, t.ID, t)
}

// Publish publishes a journey and returns its version. Equal content gives the
// version that is there already, so that every process may publish at its
// start. A journey with anything wrong in it, or that names templates or ranks
// that are not published, is refused with a *[PublishError] that lists every
// problem; nothing changes then.
//
// Runs begin only on facts that happen after the first version was published,
// and after [Settings].LiveFrom.
func (s *Shop) Publish(ctx context.Context, j Journey) (int, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return 0, err
	}
	p, problems := j.compile(cmp.Or(d.ladder, new(Ladder)))
	problems = append(problems, d.checkSends(p)...)
	if len(problems) > 0 {
		return 0, &PublishError{Kind: kindJourney, ID: j.ID, Problems: problems}
	}
	return s.define(ctx, kindJourney, j.ID, j)
}

// checkSends reports sends whose template is not published, and marketing
// without the legal identity.
func (d *definitions) checkSends(p *program) []*FieldError {
	var problems []*FieldError
	for _, in := range p.code {
		send, ok := in.step.(Send)
		if !ok {
			continue
		}
		t := d.template(send.Template, 0)
		switch {
		case t == nil:
			problems = append(problems, &FieldError{Field: in.path + ".Template", Problem: "is not published", Err: ErrUnknown})
		case t.Class == Marketing && d.settings.Legal.missing() != "":
			problems = append(problems, &FieldError{Field: "Settings.Legal." + d.settings.Legal.missing(), Err: ErrLegal})
		}
	}
	return problems
}
