package memory_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// The suite notices each rule of the reference that is switched off.
func TestMutants(t *testing.T) {
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "claims do not look at the inboxes", File: "lease.go",
			Swaps: []mutant.Swap{{"c != nil && len(c.inbox) > 0 {", "c != nil && len(c.inbox) > 0 && false {"}},
			Tests: []string{"TestStore/Fence/PendingFacts", "TestStore/Concurrency/RecordBeatsClaim"},
		},
		{
			Name: "claims do not look at the customer's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"{m.Customer, m.AddressKey, m.CartKey}", "{m.AddressKey, m.CartKey}"}},
			Tests: []string{"TestStore/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the address's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"{m.Customer, m.AddressKey, m.CartKey}", "{m.Customer, m.CartKey}"}},
			Tests: []string{"TestStore/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the cart's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"{m.Customer, m.AddressKey, m.CartKey}", "{m.Customer, m.AddressKey}"}},
			Tests: []string{"TestStore/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the timers", File: "lease.go",
			Swaps: []mutant.Swap{{"return c != nil && !c.nextDue.IsZero()", "return false && !c.nextDue.IsZero()"}},
			Tests: []string{"TestStore/Fence/DueTimers"},
		},
		{
			Name: "the fold deletes an inbox as a whole", File: "changes.go",
			Swaps: []mutant.Swap{{"delete(c.inbox, entry.Fact)", "clear(c.inbox)"}},
			Tests: []string{"TestStore/Update/ConsumesExactly", "TestStore/Concurrency/FactsArriveWhileFolding"},
		},
		{
			Name: "a message is queued again", File: "changes.go",
			Swaps: []mutant.Swap{{"if sh.messages[m.ID] != nil {", "if sh.messages[m.ID] != nil && false {"}},
			Tests: []string{"TestStore/Changes/Queue"},
		},
		{
			Name: "a message is not stopped while it is sent", File: "changes.go",
			Swaps: []mutant.Swap{{"m.Stopped = skip.Reason", ""}},
			Tests: []string{"TestStore/Changes/Skip"},
		},
		{
			Name: "a message is skipped while it is sent", File: "changes.go",
			Swaps: []mutant.Swap{{"m.Stopped = skip.Reason\n\t\treturn\n", "m.Stopped = skip.Reason\n"}},
			Tests: []string{"TestStore/Changes/Skip"},
		},
		{
			Name: "the fold does not see what is being sent", File: "update.go",
			Swaps: []mutant.Swap{{"case crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageUnknown:", "case crm.MessageQueued, crm.MessageClaimed:"}},
			Tests: []string{"TestStore/Update/LoadsEverything"},
		},
		{
			Name: "a mark does not compare the attempt", File: "mark.go",
			Swaps: []mutant.Swap{{"m.Attempt != mark.Attempt || ", ""}},
			Tests: []string{"TestStore/Mark/ComparesAttempt"},
		},
		{
			Name: "a start does not look at its lease", File: "mark.go",
			Swaps: []mutant.Swap{{"if mark.To == crm.MessageStarted && ", "if false && "}},
			Tests: []string{"TestStore/Mark/StartNeedsLease"},
		},
		{
			Name: "a fact's content is not compared", File: "append.go",
			Swaps: []mutant.Swap{{"ok && !bytes.Equal(known, f.Hash)", "ok && !bytes.Equal(known, known)"}},
			Tests: []string{"TestStore/Append/RefusesConflict"},
		},
		{
			Name: "a conflict leaves half a batch", File: "append.go",
			Swaps: []mutant.Swap{{"batch[f.ID] = f.Hash\n", "batch[f.ID] = f.Hash\n\t\tif sh.facts[f.ID] == nil {\n\t\t\tsh.append(f)\n\t\t}\n"}},
			Tests: []string{"TestStore/Append/RefusesConflict"},
		},
		{
			Name: "a fact's bytes stay the caller's", File: "row.go",
			Swaps: []mutant.Swap{{"f.Hash, f.Body = bytes.Clone(f.Hash), bytes.Clone(f.Body)", ""}},
			Tests: []string{"TestStore/Append/KeepsNoSlices"},
		},
	})
}
