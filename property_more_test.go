package crm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/memory"
)

// delay moves facts from the round in which they happened to later ones. The
// first fact that puts a name to an address or a cart stays where it is: whom
// they belong to is decided once.
func delay(t *rapid.T, h history) history {
	first := make(map[string]string) // place: the fact that first put a name to it
	for _, f := range h.facts() {
		for _, place := range places(f) {
			if _, ok := first[place]; !ok && whose(f) != place {
				first[place] = f.ID
			}
		}
	}
	binds := slices.Collect(maps.Values(first))
	looks := slices.Clone(h.looks)
	for i, l := range looks {
		looks[i].batches = nil
		for _, f := range l.facts() {
			to := i
			if !slices.Contains(binds, f.ID) {
				to = rapid.IntRange(i, len(looks)-1).Draw(t, "told in round")
			}
			looks[to].batches = append(looks[to].batches, []crm.Fact{f})
		}
	}
	for i := range looks {
		if facts := looks[i].facts(); len(facts) > 0 {
			looks[i].batches = drawBatches(t, facts)
		}
	}
	return history{h.published, looks}
}

// Facts that come in after the worker has gone past their time: what is known
// of customers is the same as if all had come in time, and what was sent
// stands, each mail once.
func TestLateFacts(t *testing.T) {
	withStores(t, func(t *testing.T, rt *rapid.T, store crm.Store) {
		facts := drawFacts(rt, propertyStart.Add(-time.Hour), 14)
		inTime := drawHistory(rt, propertyStart, facts)
		h := delay(rt, inTime)
		p := play(t, rt, store)
		zone, err := time.LoadLocation("Asia/Tokyo")
		p.must(err)
		m := newModel(propertyStart, modelLadder, zone)
		sent := make(map[string]string) // what was sent, by message
		for i, l := range h.looks {
			p.look(l)
			m.take(l.facts())
			m.passed = len(m.known)
			if diff := difference(p.pictures(false), m.pictures(l.until, false)); diff != "" {
				rt.Fatalf("%s\nround %d: %s", h, i+1, diff)
			}
			if problem := p.stands(sent); problem != "" {
				rt.Fatalf("%s\nround %d: %s", h, i+1, problem)
			}
		}
		m = newModel(propertyStart, modelLadder, zone)
		for _, l := range inTime.looks {
			m.take(l.facts())
		}
		m.passed = len(m.known)
		got, want := p.pictures(false), m.pictures(p.clock.Now(), false)
		for key, c := range m.people {
			// Whether somebody else's order closes a cart depends on what was
			// known of the two when it was told.
			others := slices.ContainsFunc(m.near(c), func(f crm.Fact) bool { return orderOf(f) != "" })
			if others && got[key] != nil && want[key] != nil {
				got[key].Carts, want[key].Carts = nil, nil
			}
		}
		if diff := difference(got, want); diff != "" {
			rt.Fatalf("%s\nin the end, against all in time: %s", h, diff)
		}
	})
}

// stands checks that what was sent before is still sent and unchanged, that
// there is one message for each visit of a step, and that each mail went out
// once. It adds what was sent since.
func (p *played) stands(sent map[string]string) string {
	visits := make(map[string]bool)
	now := make(map[string]string)
	for m, err := range p.shop.Messages(p.t.Context(), crm.MessageQuery{Content: true}) {
		p.must(err)
		visit := fmt.Sprintf("%s %s %d", m.Enrollment, m.Step, m.Visit)
		if visits[visit] {
			return "two messages for one visit: " + visit
		}
		visits[visit] = true
		if m.State == crm.MessageSent {
			now[m.ID] = fmt.Sprint(m.Journey, m.Step, m.To, m.SendAt, m.SettledAt, string(m.Content))
		}
	}
	for id, content := range sent {
		if now[id] != content {
			return fmt.Sprintf("message %s was sent as %q and is %q", id, content, now[id])
		}
	}
	maps.Copy(sent, now)
	delivered := make(map[string]bool)
	for _, mail := range p.outbox.Messages() {
		id, _, _ := strings.Cut(mail.ID, "@")
		if delivered[id] {
			return fmt.Sprintf("message %s went out twice", id)
		}
		delivered[id] = true
		if _, ok := sent[id]; !ok {
			return fmt.Sprintf("message %s went out and is not marked as sent", id)
		}
	}
	if len(delivered) != len(sent) {
		return fmt.Sprintf("%d messages are marked as sent, %d went out", len(sent), len(delivered))
	}
	return ""
}

// Reads show what was recorded, before any worker has come by: the same as
// they show after it.
func TestReadsFoldPendingFacts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawFacts(rt, propertyStart.Add(-time.Hour), 14)
		h := drawHistory(rt, propertyStart, facts)
		if rapid.Bool().Draw(rt, "late") {
			h = delay(rt, h)
		}
		p := play(t, rt, memory.New())
		for i, l := range h.looks {
			p.record(l)
			before := p.read(facts)
			// One that folds and sends nothing.
			p.must(p.worker(crm.Off, l.batch).RunUntil(t.Context(), l.at))
			after := p.read(facts)
			if before != after {
				rt.Fatalf("%s\nround %d: before and after the worker\n%s", h, i+1, lineDiff(before, after))
			}
			p.work(l)
		}
	})
}

func oneLine(v any) string {
	b, err := json.Marshal(v)
	return fmt.Sprintf("%s %v", b, err)
}

// read is all that can be read of the people in facts.
func (p *played) read(facts []crm.Fact) string {
	var out strings.Builder
	keys := make(map[string]bool)
	for _, f := range facts {
		keys[f.Customer] = true
		if email := emailOf(f); email != "" {
			keys[crm.GuestKey(email)] = true
		}
	}
	delete(keys, "")
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c, err := p.shop.Customer(p.t.Context(), key)
		fmt.Fprintln(&out, "customer", key, oneLine(c), err)
		for m, err := range p.shop.Messages(p.t.Context(), crm.MessageQuery{Customer: key}) {
			fmt.Fprintln(&out, "message", key, oneLine(m), err)
		}
		story, err := p.shop.Explain(p.t.Context(), key)
		if err == nil {
			var lines []string
			for _, line := range story.Lines {
				lines = append(lines, fmt.Sprintf("story %s %s %s", key, line.At, line))
			}
			slices.Sort(lines) // what happened at one instant may be told in any order
			fmt.Fprintln(&out, strings.Join(lines, "\n"))
		}
	}
	for c, err := range p.shop.Customers(p.t.Context()) {
		p.must(err)
		fmt.Fprintln(&out, "listed", c.ID, oneLine(c))
	}
	return out.String()
}
