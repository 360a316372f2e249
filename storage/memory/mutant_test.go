package memory_test

import (
	"testing"

	"github.com/goen-crm/crm/storage/internal/mutant"
)

// Each rule of the reference, switched off, is noticed by the conformance suite.
func TestMutants(t *testing.T) {
	mutant.Kill(t, []mutant.Mutant{
		{Name: "FenceWithoutCustomer", File: "lease.go", Run: "TestStore/Fence",
			Old: "{m.Customer, m.AddressKey, m.CartKey}", New: "{m.AddressKey, m.CartKey}"},
		{Name: "FenceWithoutAddress", File: "lease.go", Run: "TestStore/Fence",
			Old: "{m.Customer, m.AddressKey, m.CartKey}", New: "{m.Customer, m.CartKey}"},
		{Name: "FenceWithoutCart", File: "lease.go", Run: "TestStore/Fence",
			Old: "{m.Customer, m.AddressKey, m.CartKey}", New: "{m.Customer, m.AddressKey}"},
		{Name: "FenceWithoutTimers", File: "lease.go", Run: "TestStore/Fence",
			Old: "return c != nil && !c.nextDue.IsZero()", New: "return false && c != nil && !c.nextDue.IsZero()"},
		{Name: "FoldDeletesTheInbox", File: "changes.go", Run: "TestStore/(Update|Concurrency)",
			Old: "delete(c.inbox, entry.Fact)", New: "clear(c.inbox)"},
		{Name: "MarkOfAnyAttempt", File: "mark.go", Run: "TestStore/Mark",
			Old: "m.Attempt != mark.Attempt || ", New: ""},
		{Name: "StartWithoutLease", File: "mark.go", Run: "TestStore/Mark",
			Old: "if mark.To == crm.MessageStarted && ", New: "if false && "},
		{Name: "ConflictLeavesHalf", File: "append.go", Run: "TestStore/Append",
			Old: "		batch[f.ID] = f.Hash\n", New: "		batch[f.ID] = f.Hash\n		if sh.facts[f.ID] == nil {\n			sh.append(f)\n		}\n"},
		{Name: "HandsOutItsOwnSlices", File: "row.go", Run: "TestStore/Append",
			Old: "f.Hash, f.Body = bytes.Clone(f.Hash), bytes.Clone(f.Body)", New: ""},
	})
}
