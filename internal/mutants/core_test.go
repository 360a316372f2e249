package mutants_test

// coreMutants are of the core: facts, fold, journeys.
func coreMutants() []mutant {
	const rules = "internal/mutants/rules"
	return []mutant{
		{
			"core: a fact does not reach its cart's inbox", "identity.go",
			[]swap{{"keys = append(keys, cartKey(id))", "_ = cartKey(id)"}},
			rules, []string{"TestOrderOutOfTheCart"},
		},
		{
			"core: a fact does not reach its address's inbox", "identity.go",
			[]swap{
				{"keys = append(keys, GuestKey(email))", "_ = GuestKey(email)"},
				{"if key := f.addressKey(); key != \"\" &&", "if key := f.addressKey(); false &&"},
			},
			rules, []string{"TestOrderFromTheAddress"},
		},
		{
			"core: a message does not name its address", "enroll.go",
			[]swap{{"m.AddressKey = GuestKey(m.To)", "m.AddressKey = \"\""}},
			rules, []string{"TestFenceKnowsAddressAndCart/address"},
		},
		{
			"core: a message does not name its cart", "enroll.go",
			[]swap{{"CartKey: e.CartKey,", ""}},
			rules, []string{"TestFenceKnowsAddressAndCart/cart"},
		},
		{
			"core: an exit leaves what is queued", "enroll.go",
			[]swap{{"if m.Enrollment == e.ID && m.open() {", "if m.Enrollment == e.ID && m.open() && false {"}},
			rules, []string{"TestExitStopsQueuedMessage"},
		},
		{
			"core: an order ends no cart's run", "enroll.go",
			[]swap{{"if _, cart := prog.Trigger.(CartAbandoned); cart && ev.kind == FactOrderPlaced {", "if false {"}},
			rules, []string{"TestExitStopsQueuedMessage", "TestLateOrderEndsTheRun"},
		},
		{
			"core: an order from before the run began does not end it", "abandon.go",
			[]swap{{"From: since, Since: at,", "From: at, Since: at,"}},
			rules, []string{"TestLateOrderEndsTheRun"},
		},
		{
			"core: a timer comes before a fact of the same instant", "person.go",
			[]swap{{"!instant(facts[0].Time).After(timer.at)", "instant(facts[0].Time).Before(timer.at)"}},
			rules, []string{"TestFactComesBeforeTimer"},
		},
		{
			"core: marketing needs no consent", "person.go",
			[]swap{{"case !asked || !consent.proven()", "case false && !consent.proven()"}},
			rules, []string{"TestMarketingNeedsConsent"},
		},
		{
			"core: an opt-out is not heeded", "person.go",
			[]swap{{"case asked && !consent.Granted:", "case false && !consent.Granted:"}},
			rules, []string{"TestServiceHeedsOptOut", "TestOptOutStopsQueuedMessage"},
		},
		{
			"core: consent is looked at only when a message is queued", "person.go",
			[]swap{{"if m.open() {\n\t\t\tif reason := p.withheld(m.Class, m.To); reason != \"\" {", "if m.open() {\n\t\t\tif reason := p.withheld(m.Class, m.To); reason != \"\" && m.fresh {"}},
			rules, []string{"TestOptOutStopsQueuedMessage"},
		},
		{
			"core: a journey takes her again at once", "enroll.go",
			[]swap{{"e.Since.Before(run.Ended.Add(prog.cooldown())):", "e.Since.IsZero():"}},
			rules, []string{"TestCooldown"},
		},
		{
			"core: a run follows the newest version of its journey", "enroll.go",
			[]swap{{"prog := p.d.program(e.Journey, e.Version)\n\tat := e.Due", "prog := p.d.program(e.Journey, 0)\n\tat := e.Due"}},
			rules, []string{"TestVersionIsPinned"},
		},
		{
			"core: an erased customer takes in older facts", "fold.go",
			[]swap{{"return !erased.zero() && !f.stamp().after(erased)", "return false && !erased.zero()"}},
			rules, []string{"TestErasureSwallowsOlderFacts"},
		},
	}
}
