package mutant

import "testing"

// How the worker uses a mailer.
func TestWorkerMutants(t *testing.T) {
	const rules = "rules"
	Run(t, []Mutant{
		{
			Name: "the start is marked after Send", File: "../../deliver.go",
			Swaps:   []Swap{{"if err := s.start(ctx); err != nil {\n\t\t\treturn err\n\t\t}", "defer s.start(ctx)"}},
			Package: rules, Tests: []string{"TestStartIsMarkedBeforeSend"},
		},
		{
			Name: "what was sent first is not kept for the retry", File: "../../deliver.go",
			Swaps:   []Swap{{"m.Content = s.message.Content", "m.Content = nil"}},
			Package: rules, Tests: []string{"TestRetrySendsTheSame"},
		},
		{
			Name: "marketing whose fate is unknown is sent again", File: "../../deliver.go",
			Swaps:   []Swap{{"m.Class == Transactional && m.Unknowns == 1", "m.Unknowns == 1"}},
			Package: rules, Tests: []string{"TestUnknownMarketingIsLeft"},
		},
		{
			Name: "a transactional mail is sent again twice", File: "../../deliver.go",
			Swaps:   []Swap{{"m.Class == Transactional && m.Unknowns == 1", "m.Class == Transactional && m.Unknowns <= 2"}},
			Package: rules, Tests: []string{"TestUnknownTransactionalIsSentOnceMore"},
		},
		{
			Name: "an unknown attempt is not listed", File: "../../deliver.go",
			Swaps:   []Swap{{"mark.Reason, mark.Decision = reason, decided(m, DecidedUnknown, now, reason)", "mark.Reason = reason"}},
			Package: rules, Tests: []string{"TestUnknownMarketingIsLeft", "TestUnknownTransactionalIsSentOnceMore", "TestCrashIsUnknown/marketing"},
		},
		{
			Name: "nobody looks after dead workers", File: "../../deliver.go",
			Swaps:   []Swap{{"for _, m := range leases.Expired {", "for _, m := range leases.Expired[:0] {"}},
			Package: rules, Tests: []string{"TestCrashIsUnknown/marketing", "TestCrashIsUnknown/transactional"},
		},
		{
			Name: "a lost answer counts as put off", File: "../../deliver.go",
			Swaps:   []Swap{{"case mailer.IsTemporary(err) || !s.started:", "case mailer.IsTemporary(err) || err != nil:"}},
			Package: rules, Tests: []string{"TestUnknownMarketingIsLeft", "TestUnknownTransactionalIsSentOnceMore"},
		},
		{
			Name: "the deadline is not looked at", File: "../../deliver.go",
			Swaps:   []Swap{{"case !m.Deadline.IsZero() && now.After(m.Deadline):", "case !m.Deadline.IsZero() && now.IsZero():"}},
			Package: rules, Tests: []string{"TestDeadline"},
		},
		{
			Name: "a dry deployment sends", File: "../../deliver.go",
			Swaps:   []Swap{{"case c.config.Mode == Dry:", "case false:"}},
			Package: rules, Tests: []string{"TestDryModeSendsNothing"},
		},
		{
			Name: "what was stopped while it was sent is tried again", File: "../../deliver.go",
			Swaps:   []Swap{{"case m.Stopped != \"\":", "case false:"}},
			Package: rules, Tests: []string{"TestStoppedMessageIsNotRetried"},
		},
		{
			Name: "the definitions' revision is not compared", File: "../../folding.go",
			Swaps:   []Swap{{"if w.Revision != d.revision {", "if w.Revision != d.revision && false {"}},
			Package: rules, Tests: []string{"TestStaleDefinitionsAreReloaded"},
		},
	})
}
