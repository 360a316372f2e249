package main

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// TestMutants: a run of the program finds what is wrong with a goen that is
// wrong. Each mutant breaks one promise.
func TestMutants(t *testing.T) {
	tests := []string{"TestTorture/sqlite"}
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "claims do not look at the inboxes", File: "../../storage/sqlite/lease.go",
			Swaps: []mutant.Swap{{
				"\tAND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = ?1 AND i.customer_id IN (m.customer_id, m.address_key, m.cart_key))\n", "",
			}},
			Tests: tests,
		},
		{
			Name: "the start is marked after DATA", File: "../../mailer/smtp/transaction.go",
			Swaps: []mutant.Swap{
				{"if err := t.started(ctx); err != nil {", "if err := ctx.Err(); err != nil {"},
				{"return c.data(ctx, t.raw)", "defer t.started(ctx)\n\treturn c.data(ctx, t.raw)"},
			},
			Tests: tests,
		},
		{
			Name: "marketing whose fate is unknown is sent again", File: "../../deliver.go",
			Swaps: []mutant.Swap{{"m.Class == Transactional && m.Unknowns == 1", "m.Unknowns == 1"}},
			Tests: tests,
		},
		{
			Name: "nobody looks after dead workers", File: "../../storage/sqlite/lease.go",
			Swaps: []mutant.Swap{{"m.lease_until <= ?2 AND m.state = 'started'", "m.lease_until <= ?2 AND m.state = 'started' AND ?1 = ''"}},
			Tests: tests,
		},
	})
}
