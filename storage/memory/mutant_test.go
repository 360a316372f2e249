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
			Swaps: []mutant.Swap{{"return c != nil && isDue(c.nextDue, now)", "return c != nil && false"}},
			Tests: []string{"TestStore/Fence/DueTimers"},
		},
		{
			Name: "claims look at the reviews", File: "lease.go",
			Swaps: []mutant.Swap{{"isDue(c.nextDue, now)", "(isDue(c.nextDue, now) || isDue(c.nextReview, now))"}},
			Tests: []string{"TestStore/Fence/ReviewsDoNotFence"},
		},
		{
			Name: "claims do not look at the lane of what is queued", File: "shop.go",
			Swaps: []mutant.Swap{{"if lane == crm.Bulk {", "if false {"}},
			Tests: []string{"TestStore/Lane/LeaseByLane", "TestStore/Count/LikeCountingByHand"},
		},
		{
			Name: "claims do not look at the lane of what ran out", File: "lease.go",
			Swaps: []mutant.Swap{{"sh.queued(m.Lane) == queued && mayClaim(m)", "mayClaim(m)"}},
			Tests: []string{"TestStore/Lane/LeaseByLane"},
		},
		{
			Name: "claims do not look at their share", File: "lease.go",
			Swaps: []mutant.Swap{{"req.Share.Has(crm.Bucket(m.ID)) && ", ""}},
			Tests: []string{"TestStore/Share/LeasesPartition"},
		},
		{
			Name: "claims share by customer", File: "lease.go",
			Swaps: []mutant.Swap{{"crm.Bucket(m.ID)", "crm.Bucket(m.Customer)"}},
			Tests: []string{"TestStore/Share/LeasesPartition"},
		},
		{
			Name: "what has expired is reported in its lane alone", File: "lease.go",
			Swaps: []mutant.Swap{{"if m.State == crm.MessageStarted {", "if m.State == crm.MessageStarted && sh.queued(m.Lane) == queued {"}},
			Tests: []string{"TestStore/Lane/ExpiredOfEveryLane"},
		},
		{
			Name: "reviews are selected with the timers", File: "update.go",
			Swaps: []mutant.Swap{{"if sel.Lane == crm.Bulk {", "if false {"}},
			Tests: []string{"TestStore/Lane/UpdateByLane"},
		},
		{
			Name: "updates do not look at their share", File: "update.go",
			Swaps: []mutant.Swap{{"sel.Share.Has(crm.Bucket(id)) && ", ""}},
			Tests: []string{"TestStore/Share/UpdatesPartition"},
		},
		{
			Name: "nobody is excepted", File: "update.go",
			Swaps: []mutant.Swap{{" && !slices.Contains(sel.Except, id)", ""}},
			Tests: []string{"TestStore/Share/Except", "TestStore/Share/ManyExcepted"},
		},
		{
			Name: "reviews are not listed", File: "store.go",
			Swaps: []mutant.Swap{{" || isDue(b.NextReview, until)", ""}},
			Tests: []string{"TestStore/Backlog/Reviews"},
		},
		{
			Name: "an erasure takes what waits to be folded", File: "changes.go",
			Swaps: []mutant.Swap{{"sh.waiting[id] == 0 && ", ""}},
			Tests: []string{"TestStore/Erase/SparesWhatWaits"},
		},
		{
			Name: "a fact folded by one of two customers waits no more", File: "changes.go",
			Swaps: []mutant.Swap{{"if sh.waiting[entry.Fact]--; sh.waiting[entry.Fact] == 0 {", "{"}},
			Tests: []string{"TestStore/Erase/SparesWhatWaits", "TestStore/Purge/Facts"},
		},
		{
			Name: "an erasure takes the evidence", File: "changes.go",
			Swaps: []mutant.Swap{{" && !slices.Contains(erasure.Keep, f.Type)", ""}},
			Tests: []string{"TestStore/Erase/KeepsEvidence"},
		},
		{
			Name: "an import does not look where it stands", File: "import.go",
			Swaps: []mutant.Swap{{"sh.imports[b.ID] != b.From", "false"}},
			Tests: []string{"TestStore/Import/ResumesExactly", "TestStore/Import/OneOfManyWins"},
		},
		{
			Name: "a purge takes what waits to be folded", File: "purge.go",
			Swaps: []mutant.Swap{{" && sh.waiting[f.ID] == 0", ""}},
			Tests: []string{"TestStore/Purge/Facts", "TestStore/Purge/Evidence"},
		},
		{
			Name: "a purge takes the evidence", File: "purge.go",
			Swaps: []mutant.Swap{{"if slices.Contains(req.Evidence, f.Type) {", "if false && slices.Contains(req.Evidence, f.Type) {"}},
			Tests: []string{"TestStore/Purge/Facts"},
		},
		{
			Name: "a purge takes what is unknown", File: "purge.go",
			Swaps: []mutant.Swap{{" && m.State != crm.MessageUnknown", ""}},
			Tests: []string{"TestStore/Purge/Contents"},
		},
		{
			Name: "a mark is logged for whom its caller names", File: "mark.go",
			Swaps: []mutant.Swap{{"d.Customer = sh.messages[mark.Message].Customer", ""}},
			Tests: []string{"TestStore/Mark/LogsForWhoeverSheIsNow"},
		},
		{
			Name: "everybody waits", File: "update.go",
			Swaps: []mutant.Swap{{" || len(sh.customers[id].inbox) == 0", ""}},
			Tests: []string{"TestStore/Update/KnowsWhoWaits"},
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
