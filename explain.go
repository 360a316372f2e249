package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Story is all that happened with one customer, in order of time: what was
// recorded, and what goen decided.
type Story struct {
	Customer string
	Lines    []StoryLine
	zone     *time.Location
}

// A StoryLine is a fact or a decision: one of the two is set.
type StoryLine struct {
	At       time.Time
	Fact     *Fact
	Decision *Decision
}

// Explain tells a customer's whole story: why she got each mail, and why she
// did not get others. Facts that no worker has folded yet are told with what
// will follow from them.
func (s *Shop) Explain(ctx context.Context, customer string) (*Story, error) {
	v, err := s.view(ctx, customer)
	if err != nil {
		return nil, err
	}
	if v.person == nil {
		return nil, ErrNotFound
	}
	story := &Story{Customer: v.person.key, zone: v.person.d.zone}
	for _, key := range v.keys() {
		for row, err := range s.crm.store.Facts(ctx, s.id, FactQuery{Customer: key}) {
			if err != nil {
				return nil, err
			}
			// What is kept as evidence after an erasure is for Evidence alone.
			if fact, err := row.fact(); err == nil && fact.stamp().after(v.person.state.Erased) {
				story.Lines = append(story.Lines, StoryLine{At: row.Time, Fact: &fact})
			}
		}
	}
	for _, key := range v.keys() {
		for d, err := range s.crm.store.Decisions(ctx, s.id, DecisionQuery{Customer: key}) {
			if err != nil {
				return nil, err
			}
			story.Lines = append(story.Lines, StoryLine{At: d.At, Decision: &d})
		}
	}
	for _, d := range v.changes.Decisions {
		if d.Customer == v.person.key {
			story.Lines = append(story.Lines, StoryLine{At: d.At, Decision: &d})
		}
	}
	slices.SortStableFunc(story.Lines, func(a, b StoryLine) int { return a.At.Compare(b.At) })
	return story, nil
}

// String tells the story in lines, times in the shop's zone.
func (s *Story) String() string {
	var b strings.Builder
	for _, line := range s.Lines {
		fmt.Fprintf(&b, "%s  %s\n", line.At.In(s.zone).Format("2006-01-02 15:04"), line)
	}
	return b.String()
}

// String tells what happened, without the time.
func (l StoryLine) String() string {
	if l.Fact != nil {
		return l.Fact.summary()
	}
	return l.Decision.String()
}

// String tells the decision in a line.
func (d Decision) String() string {
	parts := []string{string(d.Kind)}
	if d.Journey != "" {
		parts = append(parts, fmt.Sprintf("%s v%d", d.Journey, d.Version))
	}
	for _, part := range []string{d.Step, string(d.Reason), d.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return "→ " + strings.Join(parts, " · ")
}

// summary tells a fact in a line, without personal data.
func (f Fact) summary() string {
	switch body := f.Body.(type) {
	case CartUpdated:
		if len(body.Items) == 1 {
			return fmt.Sprintf("cart %s: 1 item, %s", body.Cart.ID, body.Total())
		}
		return fmt.Sprintf("cart %s: %d items, %s", body.Cart.ID, len(body.Items), body.Total())
	case OrderSaved:
		return fmt.Sprintf("order %s saved: %s", body.Order.ID, body.Revenue())
	case OrderRefunded:
		if body.Whole {
			return fmt.Sprintf("order %s refunded in whole", body.Order)
		}
		return fmt.Sprintf("order %s refunded: %s", body.Order, body.Amount)
	case Custom:
		return "event " + body.Name
	case ConsentChanged:
		if body.Granted {
			return "consent granted"
		}
		return "consent withdrawn"
	case CustomerSaved:
		b, _ := json.Marshal(body.CustomerPatch)
		fields := make(map[string]json.RawMessage)
		_ = json.Unmarshal(b, &fields)
		return "customer saved: " + strings.Join(sortedKeys(fields), ", ")
	}
	kind := strings.ReplaceAll(string(f.Body.FactType()), "_", " ")
	if id := orderID(f.Body); id != "" {
		return strings.Replace(kind, "order", "order "+id, 1)
	}
	return kind
}
