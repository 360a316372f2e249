package simulate_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// TestMutants switches off rules of the core and of the store: a simulation that
// does not notice would not notice a mistake either.
func TestMutants(t *testing.T) {
	type swaps = []mutant.Swap
	var mutants []mutant.Mutant
	for _, m := range []struct {
		name, file string
		swaps      swaps
	}{
		{"a claim does not look at the inbox", "storage/memory/lease.go", swaps{{"c != nil && len(c.inbox) > 0", "c != nil && false"}}},
		{"a start does not look at the lease", "storage/memory/mark.go", swaps{{"mark.To == crm.MessageStarted && !m.LeaseUntil.After(at)", "false"}}},
		{"an exit leaves what is queued", "enroll.go", swaps{{"if m.Enrollment == e.ID && m.open() {", "if m.Enrollment == e.ID && m.open() && false {"}}},
		{"an order ends no cart's run", "enroll.go", swaps{{"if _, cart := prog.Trigger.(CartAbandoned); cart && ev.kind == FactOrderPlaced {", "if false {"}}},
		{"a journey takes her again at once", "enroll.go", swaps{{"e.Since.Before(run.Ended.Add(prog.cooldown())):", "e.Since.IsZero():"}}},
		{"an opt-out is not heeded", "person.go", swaps{{"case asked && !consent.Granted:", "case false && !consent.Granted:"}}},
		{"consent is looked at only when a message is queued", "person.go", swaps{{
			"if reason := p.withheld(m.Class, m.To); reason != \"\" {",
			"if reason := p.withheld(m.Class, m.To); reason != \"\" && m.fresh {",
		}}},
		{"of a field's values any holds", "saying.go", swaps{{"if !at.after(old.At) {", "if false {"}}},
		{"the start is marked after Send", "deliver.go", swaps{{"if err := s.start(ctx); err != nil {\n\t\t\treturn err\n\t\t}", "defer s.start(ctx)"}}},
		{"what was sent first is not kept for the retry", "deliver.go", swaps{{"m.Content = s.message.Content", "m.Content = nil"}}},
		{"marketing whose fate is unknown is sent again", "deliver.go", swaps{{"m.Class == Transactional && m.Unknowns == 1", "m.Unknowns == 1"}}},
		{"nobody looks after dead workers", "deliver.go", swaps{{"for _, m := range leases.Expired {", "for _, m := range leases.Expired[:0] {"}}},
	} {
		mutants = append(mutants, mutant.Mutant{Name: m.name, File: "../../" + m.file, Swaps: m.swaps, Package: ".", Tests: []string{"TestFewSeeds"}})
	}
	mutant.Run(t, mutants)
}
