package simulate

import (
	"slices"
	"strings"
)

// Shrink returns a smaller plan that still breaks a promise of the same kind:
// with fewer workers, faults, releases and facts.
func Shrink(o *Outcome) (*Outcome, error) {
	kind, _, _ := strings.Cut(o.Violations[0], ":")
	for again := true; again; {
		again = false
		for _, smaller := range o.Plan.smaller() {
			next, err := smaller.fails(kind)
			if err != nil {
				return nil, err
			}
			if next != nil {
				o, again = next, true
				break
			}
		}
	}
	return o, nil
}

// tries is how many schedules a smaller plan is played by: what is left out
// changes whose turn it is.
const tries = 4

// fails returns an outcome in which a plan breaks a promise of a kind, nil if
// there is none.
func (p *Plan) fails(kind string) (*Outcome, error) {
	schedule := p.Schedule
	for range tries {
		o, err := Run(p, true)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(o.Violations, func(v string) bool { return strings.HasPrefix(v, kind+":") }) {
			return o, nil
		}
		p.Schedule++
	}
	p.Schedule = schedule
	return nil, nil
}

// smaller are the plans that lack one thing of p.
func (p *Plan) smaller() []*Plan {
	var list []*Plan
	add := func(change func(*Plan)) {
		q := *p
		q.Tellings, q.Releases, q.Journeys = slices.Clone(p.Tellings), slices.Clone(p.Releases), slices.Clone(p.Journeys)
		change(&q)
		list = append(list, &q)
	}
	for kind, on := range p.Faults {
		if on {
			add(func(q *Plan) { q.Faults[kind] = false })
		}
	}
	if p.Workers > 1 {
		add(func(q *Plan) { q.Workers-- })
	}
	for i := range p.Releases {
		add(func(q *Plan) { q.Releases = slices.Delete(q.Releases, i, i+1) })
	}
	for i := range p.Journeys {
		if len(p.Journeys) > 1 && len(p.Releases) == 0 {
			add(func(q *Plan) { q.Journeys = slices.Delete(q.Journeys, i, i+1) })
		}
	}
	for i, t := range p.Tellings {
		add(func(q *Plan) { q.Tellings = slices.Delete(q.Tellings, i, i+1) })
		if t.Open > 0 || t.Again > 0 {
			add(func(q *Plan) { q.Tellings[i].Open, q.Tellings[i].Again = 0, 0 })
		}
	}
	return list
}
