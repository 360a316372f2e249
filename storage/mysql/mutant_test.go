package mysql_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// The tests notice each rule of the store that is switched off.
func TestMutants(t *testing.T) {
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "claims do not look at the inboxes", File: "lease.go",
			Swaps: []mutant.Swap{{"FROM goen_inbox i WHERE i.shop_id = ?", "FROM goen_inbox i WHERE 1 = 0 AND i.shop_id = ?"}},
			Tests: []string{"TestOwn/Fence/PendingFacts", "TestOwn/Concurrency/RecordBeatsClaim"},
		},
		{
			Name: "claims do not look at what has come in", File: "lease.go",
			Swaps: []mutant.Swap{{"w.refused IS NULL)", "w.refused IS NULL AND 1 = 0)"}},
			Tests: []string{"TestOwn/Intake/Fence"},
		},
		{
			Name: "claims do not look at the timers", File: "lease.go",
			Swaps: []mutant.Swap{{" && !isDue(locked[keys[0]], now)", ""}, {"now := exact(c.req.Now)", ""}},
			Tests: []string{"TestOwn/Fence/DueTimers"},
		},
		{
			Name: "claims lock no customers", File: "lease.go",
			Swaps: []mutant.Swap{{"WHERE shop_id = ? AND customer_id ` + inList + ` FOR UPDATE SKIP LOCKED`", "WHERE shop_id = ? AND customer_id ` + inList"}},
			Tests: []string{"TestOwn/Transaction/OpenTransactionPostponesClaim"},
		},
		{
			Name: "what is read is from before the locks", File: "transaction.go",
			Swaps: []mutant.Swap{{"sql.LevelReadCommitted}", "sql.LevelRepeatableRead}"}},
			Tests: []string{"TestReadsFollowLocks"},
		},
		{
			Name: "claims are limited before the fence", File: "lease.go",
			Swaps: []mutant.Swap{{"if !open || len(page) < size {", "if !open || len(page) <= size {"}},
			Tests: []string{"TestOwn/Fence/StopsNobodyElse"},
		},
		{
			Name: "recording locks the customer for itself", File: "append.go",
			Swaps: []mutant.Swap{{"err := tx.eachIn(ctx, selectMet, []any{shop}, ids,", "err := tx.eachIn(ctx, selectMet+\" FOR UPDATE\", []any{shop}, ids,"}},
			Tests: []string{"TestCartsBesideEachOther/one_customer/Read_Committed/commit"},
		},
		{
			Name: "a fact's content is not compared", File: "append.go",
			Swaps: []mutant.Swap{{"case !bytes.Equal(hash, facts[i].Hash):", "case !bytes.Equal(hash, hash):"}},
			Tests: []string{"TestOwn/Append/RefusesConflict", "TestOwn/Transaction/ConflictSpoilsNothing"},
		},
		{
			Name: "a conflict leaves half a batch", File: "cart.go",
			Swaps: []mutant.Swap{{"\"ROLLBACK TO SAVEPOINT goen_append\"", "\"SAVEPOINT goen_append\""}},
			Tests: []string{"TestLockTimeoutSpoilsNothing"},
		},
		{
			Name: "a cart does not learn that the server has rolled back", File: "cart.go",
			Swaps: []mutant.Swap{{"return rolledBack{err}", "return err"}},
			Tests: []string{"TestDeadlockObligesToRollBack/Repeatable_Read"},
		},
		{
			Name: "foreign keys are not checked if the cart does not ask for it", File: "connect.go",
			Swaps: []mutant.Swap{{"{\"foreign_key_checks\", \"1\"},", ""}},
			Tests: []string{"TestCart/Transaction/OpenTransactionPostponesClaim"},
		},
		{
			Name: "folds lock no customers", File: "load.go",
			Swaps: []mutant.Swap{{"selectCustomers + ` FOR UPDATE SKIP LOCKED`", "selectCustomers"}},
			Tests: []string{"TestOwn/Concurrency/UpdatesExcludeEachOther"},
		},
		{
			Name: "the fold deletes an inbox as a whole", File: "changes.go",
			Swaps: []mutant.Swap{{"pickPairs      = ` AND CONCAT", "pickPairs      = ` OR 1 = 0 AND CONCAT"}},
			Tests: []string{"TestOwn/Update/ConsumesExactly"},
		},
		{
			Name: "marks lock no messages", File: "standing.go",
			Swaps: []mutant.Swap{{" ORDER BY message_id FOR UPDATE`", " ORDER BY message_id`"}},
			Tests: []string{"TestOwn/Concurrency/OneMarkWins"},
		},
		{
			Name: "a mark does not compare the attempt", File: "standing.go",
			Swaps: []mutant.Swap{{"m.attempt != mark.Attempt || ", ""}},
			Tests: []string{"TestOwn/Mark/ComparesAttempt"},
		},
		{
			Name: "a start does not look at its lease", File: "standing.go",
			Swaps: []mutant.Swap{{"mark.To == crm.MessageStarted && !m.leaseUntil", "mark.To == \"\" && !m.leaseUntil"}},
			Tests: []string{"TestOwn/Mark/StartNeedsLease"},
		},
		{
			Name: "deadlocks are not retried", File: "transaction.go",
			Swaps: []mutant.Swap{{"!mayRetry(err) || try == tries", "!mayRetry(err) || try >= 1"}},
			Tests: []string{"TestDeadlocksAreRetried"},
		},
		{
			Name: "spaces at the end of an id do not count", File: "schema/00004_fact.sql",
			Swaps: []mutant.Swap{{"utf8mb4_nopad_bin", "utf8mb4_bin"}},
			Tests: []string{"TestOwn/Identity/IDsAreBytes"},
		},
	})
}
