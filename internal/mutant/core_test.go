package mutant

import "testing"

// Facts, fold and journeys.
func TestCoreMutants(t *testing.T) {
	const rules = "rules"
	Run(t, []Mutant{
		{
			Name: "a fact does not reach its cart's inbox", File: "../../identity.go",
			Swaps:   []Swap{{"keys = append(keys, cartKey(id))", "_ = cartKey(id)"}},
			Package: rules, Tests: []string{"TestOrderOutOfTheCart"},
		},
		{
			Name: "a fact does not reach its address's inbox", File: "../../identity.go",
			Swaps: []Swap{
				{"keys = append(keys, GuestKey(email))", "_ = GuestKey(email)"},
				{"if key := f.addressKey(); key != \"\" &&", "if key := f.addressKey(); false &&"},
			},
			Package: rules, Tests: []string{"TestOrderFromTheAddress"},
		},
		{
			Name: "a message does not name its address", File: "../../enroll.go",
			Swaps:   []Swap{{"m.AddressKey = p.mailbox(m.To).key", "m.AddressKey = \"\""}},
			Package: rules, Tests: []string{"TestFenceKnowsAddressAndCart/address"},
		},
		{
			Name: "a message does not name its cart", File: "../../enroll.go",
			Swaps:   []Swap{{"CartKey: e.CartKey,", ""}},
			Package: rules, Tests: []string{"TestFenceKnowsAddressAndCart/cart"},
		},
		{
			Name: "an exit leaves what is queued", File: "../../enroll.go",
			Swaps:   []Swap{{"if m.Enrollment == e.ID && m.open() {", "if m.Enrollment == e.ID && m.open() && false {"}},
			Package: rules, Tests: []string{"TestExitStopsQueuedMessage"},
		},
		{
			Name: "an order ends no cart's run", File: "../../enroll.go",
			Swaps:   []Swap{{"if _, cart := prog.Trigger.(CartAbandoned); cart && ev.kind == FactOrderPlaced {", "if false {"}},
			Package: rules, Tests: []string{"TestExitStopsQueuedMessage", "TestLateOrderEndsTheRun"},
		},
		{
			Name: "an order from before the run began does not end it", File: "../../abandon.go",
			Swaps:   []Swap{{"From: since, Since: at,", "From: at, Since: at,"}},
			Package: rules, Tests: []string{"TestLateOrderEndsTheRun"},
		},
		{
			Name: "a timer comes before a fact of the same instant", File: "../../person.go",
			Swaps:   []Swap{{"!instant(facts[0].Time).After(timer.at)", "instant(facts[0].Time).Before(timer.at)"}},
			Package: rules, Tests: []string{"TestFactComesBeforeTimer"},
		},
		{
			Name: "marketing needs no consent", File: "../../person.go",
			Swaps:   []Swap{{"case !asked || !consent.proven()", "case false && !consent.proven()"}},
			Package: rules, Tests: []string{"TestMarketingNeedsConsent"},
		},
		{
			Name: "an opt-out is not heeded", File: "../../person.go",
			Swaps:   []Swap{{"case asked && !consent.Granted:", "case false && !consent.Granted:"}},
			Package: rules, Tests: []string{"TestServiceHeedsOptOut", "TestOptOutStopsQueuedMessage"},
		},
		{
			Name: "consent is looked at only when a message is queued", File: "../../person.go",
			Swaps: []Swap{{
				"if reason := p.withheld(m.Class, m.To); reason != \"\" {",
				"if reason := p.withheld(m.Class, m.To); reason != \"\" && m.fresh {",
			}},
			Package: rules, Tests: []string{"TestOptOutStopsQueuedMessage"},
		},
		{
			Name: "facts are taken for timers, which forbid no mail", File: "../../group.go",
			Swaps:   []Swap{{"quiet := len(g.records) == 1 && len(g.facts) == 0", "quiet := true"}},
			Package: rules, Tests: []string{"TestOptOutStopsQueuedMessage"},
		},
		{
			Name: "what was decided without orders is written", File: "../../folding.go",
			Swaps:   []Swap{{"if h.failure != nil {", "if false {"}},
			Package: "../..", Tests: []string{"TestFill"},
		},
		{
			Name: "a journey takes her again at once", File: "../../enroll.go",
			Swaps:   []Swap{{"e.Since.Before(run.Ended.Add(prog.cooldown())):", "e.Since.IsZero():"}},
			Package: rules, Tests: []string{"TestCooldown"},
		},
		{
			Name: "a run follows the newest version of its journey", File: "../../enroll.go",
			Swaps:   []Swap{{"prog := p.d.program(e.Journey, e.Version)\n\tat := e.Due", "prog := p.d.program(e.Journey, 0)\n\tat := e.Due"}},
			Package: rules, Tests: []string{"TestVersionIsPinned"},
		},
		{
			Name: "an erased customer takes in older facts", File: "../../group.go",
			Swaps:   []Swap{{"return !erased.zero() && !f.stamp().after(erased)", "return false && !erased.zero()"}},
			Package: rules, Tests: []string{"TestErasureSwallowsOlderFacts"},
		},
	})
}
