package mutants_test

// mailerMutants are of the SMTP mailer and of how the worker uses a mailer.
func mailerMutants() []mutant {
	const smtp, torture, rules = "mailer/smtp", "internal/torture", "internal/mutants/rules"
	return []mutant{
		{
			"smtp: the start is marked after DATA", smtp + "/transaction.go",
			[]swap{
				{"if err := t.started(ctx); err != nil {", "if err := ctx.Err(); err != nil {"},
				{"return c.data(ctx, t.raw)", "defer t.started(ctx)\n\treturn c.data(ctx, t.raw)"},
			},
			torture, []string{"TestStartIsMarkedBeforeData/1_connections"},
		},
		{
			"smtp: the start is marked before MAIL", smtp + "/transaction.go",
			[]swap{{"if err := c.envelope(ctx, t); err != nil {", "if err := t.started(ctx); err != nil {\n\t\treturn err\n\t}\n\tif err := c.envelope(ctx, t); err != nil {"}},
			torture, []string{"TestStartIsMarkedBeforeData/1_connections"},
		},
		{
			"smtp: a start that is refused is ignored", smtp + "/transaction.go",
			[]swap{{"if err := t.started(ctx); err != nil {", "if err := t.started(ctx); err != nil && false {"}},
			smtp, []string{"TestStartedFails"},
		},
		{
			"smtp: a lost answer counts as put off", smtp + "/error.go",
			[]swap{{
				"case \"body\", \"reply\":\n\t\tif reply == nil || (reply.Code/100 != 4 && reply.Code/100 != 5) {\n\t\t\treturn &uncertainError{phase: phase, err: err}\n\t\t}",
				"case \"body\", \"reply\":",
			}},
			smtp, []string{"TestFaultClasses/reply/drop", "TestFaultClasses/reply/stall"},
		},
		{
			"worker: the start is marked after Send", "deliver.go",
			[]swap{{
				"if err := s.start(ctx); err != nil {\n\t\t\treturn err\n\t\t}",
				"defer s.start(ctx)",
			}},
			rules, []string{"TestStartIsMarkedBeforeSend"},
		},
		{
			"worker: what was sent first is not kept for the retry", "deliver.go",
			[]swap{{"m.Content = s.message.Content", "m.Content = nil"}},
			rules, []string{"TestRetrySendsTheSame"},
		},
		{
			"worker: marketing whose fate is unknown is sent again", "deliver.go",
			[]swap{{"m.Class == Transactional && m.Unknowns == 1", "m.Unknowns == 1"}},
			rules, []string{"TestUnknownMarketingIsLeft"},
		},
		{
			"worker: a transactional mail is sent again twice", "deliver.go",
			[]swap{{"m.Class == Transactional && m.Unknowns == 1", "m.Class == Transactional && m.Unknowns <= 2"}},
			rules, []string{"TestUnknownTransactionalIsSentOnceMore"},
		},
		{
			"worker: an unknown attempt is not listed", "deliver.go",
			[]swap{{"mark.Reason, mark.Decision = reason, decided(m, DecidedUnknown, now, reason)", "mark.Reason = reason"}},
			rules, []string{"TestUnknownMarketingIsLeft", "TestUnknownTransactionalIsSentOnceMore", "TestCrashIsUnknown/marketing"},
		},
		{
			"worker: nobody looks after dead workers", "deliver.go",
			[]swap{
				{"for _, m := range leases.Expired {", "for _, m := range leases.Expired[:0] {"},
				{"return len(leases.Claimed)+len(leases.Expired) > 0, nil", "return len(leases.Claimed) > 0, nil"},
			},
			rules, []string{"TestCrashIsUnknown/marketing", "TestCrashIsUnknown/transactional"},
		},
		{
			"worker: a lost answer counts as put off", "deliver.go",
			[]swap{{"case mailer.IsTemporary(err) || !s.started:", "case mailer.IsTemporary(err) || err != nil:"}},
			rules, []string{"TestUnknownMarketingIsLeft", "TestUnknownTransactionalIsSentOnceMore"},
		},
		{
			"worker: the deadline is not looked at", "deliver.go",
			[]swap{{"case !m.Deadline.IsZero() && now.After(m.Deadline):", "case !m.Deadline.IsZero() && now.IsZero():"}},
			rules, []string{"TestDeadline"},
		},
		{
			"worker: a dry deployment sends", "deliver.go",
			[]swap{{"case c.config.Mode == Dry:", "case false:"}},
			rules, []string{"TestDryModeSendsNothing"},
		},
		{
			"worker: what was stopped while it was sent is tried again", "deliver.go",
			[]swap{{"case m.Stopped != \"\":", "case false:"}},
			rules, []string{"TestStoppedMessageIsNotRetried"},
		},
		{
			"worker: the definitions' revision is not compared", "worker.go",
			[]swap{{"if w.Revision != d.revision {", "if w.Revision != d.revision && false {"}},
			rules, []string{"TestStaleDefinitionsAreReloaded"},
		},
	}
}
