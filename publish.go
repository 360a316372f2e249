package crm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
)

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
// every problem: so are a change of the currency, in which orders were counted,
// and taking away the legal identity while a journey sends marketing.
// Configuring equal settings again does nothing, so that every
// process may do it at its start.
func (s *Shop) Configure(ctx context.Context, settings Settings) error {
	if err := settings.Validate(); err != nil {
		return err
	}
	var c check
	c.id("Shop", s.id)
	if err := c.err(); err != nil {
		return err
	}
	d, err := s.definitions(ctx)
	if err != nil && !errors.Is(err, ErrUnknownShop) {
		return err
	}
	if d != nil {
		if problems := d.checkSettings(settings.withDefaults()); len(problems) > 0 {
			return &PublishError{Kind: kindSettings, ID: settingsID, Problems: problems}
		}
	}
	if _, err = s.define(ctx, kindSettings, settingsID, settings.withDefaults()); err == nil {
		s.crm.know(s.id)
	}
	return err
}

// Settings returns the shop's settings, [ErrUnknownShop] if there are none.
func (s *Shop) Settings(ctx context.Context) (Settings, error) {
	d, err := s.definitions(ctx)
	if err != nil {
		return Settings{}, err
	}
	return d.settings, nil
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
