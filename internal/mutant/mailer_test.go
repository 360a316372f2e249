package mutant

import "testing"

// The point of no return of an SMTP transaction, and what is said after it.
func TestMailerMutants(t *testing.T) {
	const smtp, torture = "../../mailer/smtp", "../torture"
	Run(t, []Mutant{
		{
			Name: "the start is marked after DATA", File: smtp + "/transaction.go",
			Swaps: []Swap{
				{"if err := t.started(ctx); err != nil {", "if err := ctx.Err(); err != nil {"},
				{"return c.data(ctx, t.raw)", "defer t.started(ctx)\n\treturn c.data(ctx, t.raw)"},
			},
			Package: torture, Tests: []string{"TestStartIsMarkedBeforeData/1_connections"},
		},
		{
			Name: "the start is marked before MAIL", File: smtp + "/transaction.go",
			Swaps: []Swap{{
				"if err := c.envelope(ctx, t); err != nil {",
				"if err := t.started(ctx); err != nil {\n\t\treturn err\n\t}\n\tif err := c.envelope(ctx, t); err != nil {",
			}},
			Package: torture, Tests: []string{"TestStartIsMarkedBeforeData/1_connections"},
		},
		{
			Name: "a start that is refused is ignored", File: smtp + "/transaction.go",
			Swaps:   []Swap{{"if err := t.started(ctx); err != nil {", "if err := t.started(ctx); err != nil && false {"}},
			Package: smtp, Tests: []string{"TestStartedFails"},
		},
		{
			Name: "a lost answer counts as put off", File: smtp + "/error.go",
			Swaps: []Swap{{
				"case \"body\", \"reply\":\n\t\tif reply == nil || (reply.Code/100 != 4 && reply.Code/100 != 5) {\n\t\t\treturn &uncertainError{phase: phase, err: err}\n\t\t}",
				"case \"body\", \"reply\":",
			}},
			Package: smtp, Tests: []string{"TestFaultClasses/reply/drop", "TestFaultClasses/reply/stall"},
		},
	})
}
