package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

// calmly plays the same facts with nothing in the way: told as they happened,
// to one worker whose clock is right.
func calmly(ctx context.Context, l *ledger) (*memory.Store, error) {
	store, clock := memory.New(), crmtest.NewClock(begin)
	if err := open(store, l.plan.Journeys); err != nil {
		return nil, err
	}
	accept := mailer.Func(func(context.Context, *mailer.Message) error { return nil })
	c, err := crm.New(store, accept, &crm.Config{Clock: clock.Now})
	if err != nil {
		return nil, err
	}
	type event struct {
		at time.Time
		do func() error
	}
	var events []event
	for _, d := range l.releases {
		events = append(events, event{d.PublishedAt, func() error {
			_, err := store.Define(ctx, shopID, d)
			return err
		}})
	}
	for _, f := range l.plan.happened() {
		events = append(events, event{f.Time, func() error { return c.Shop(shopID).Record(ctx, f) }})
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	for _, e := range events {
		if err := crmtest.Advance(ctx, c, clock, e.at.Add(-time.Microsecond)); err != nil {
			return nil, err
		}
		clock.Set(e.at)
		if err := e.do(); err != nil {
			return nil, err
		}
	}
	return store, crmtest.Advance(ctx, c, clock, l.plan.end())
}

// compare audits that customers look as if nothing had been in the way, and, if
// every fact was told in time, that the same mails were decided.
func (a *auditor) compare(ctx context.Context, store crm.Store) error {
	calm, err := calmly(ctx, a.ledger)
	if err != nil {
		return err
	}
	got, err := pictures(ctx, store, a.plan.end)
	if err != nil {
		return err
	}
	want, err := pictures(ctx, calm, a.plan.end)
	if err != nil {
		return err
	}
	for _, key := range union(got, want) {
		if got[key] != want[key] {
			a.blame("order: customer %s is not as she would be undisturbed\n%s", key, differ(got[key], want[key]))
		}
	}
	if !a.plan.Punctual {
		return nil
	}
	var messages []crm.Message
	for m, err := range calm.Messages(ctx, shopID, crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	decided, undisturbed := summary(a.messages), summary(messages)
	for _, key := range union(decided, undisturbed) {
		if decided[key] != undisturbed[key] {
			a.blame("order: %d times %q was decided, undisturbed %d times", decided[key], key, undisturbed[key])
		}
	}
	return nil
}

// pictures are all customers, as JSON, by key. What is under way depends on
// when mails went out and is left out.
func pictures(ctx context.Context, store crm.Store, clock func() time.Time) (map[string]string, error) {
	shop, err := reader(store, clock)
	if err != nil {
		return nil, err
	}
	list := make(map[string]string)
	for c, err := range shop.Customers(ctx) {
		if err != nil {
			return nil, err
		}
		c.Enrollments = nil
		text, err := json.MarshalIndent(c, "", " ")
		if err != nil {
			return nil, err
		}
		list[c.ID] = string(text)
	}
	return list, nil
}

func union[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// differ shows the lines that only one of two texts has.
func differ(got, want string) string {
	var b strings.Builder
	for _, side := range []struct{ mark, lines, over string }{{"got ", got, want}, {"want", want, got}} {
		over := strings.Split(side.over, "\n")
		for line := range strings.SplitSeq(side.lines, "\n") {
			if !slices.Contains(over, line) {
				fmt.Fprintf(&b, "    %s %s\n", side.mark, line)
			}
		}
	}
	return b.String()
}
