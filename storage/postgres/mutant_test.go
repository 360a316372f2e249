package postgres_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// The tests notice each rule of the store that is switched off.
func TestMutants(t *testing.T) {
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "claims do not look at the inboxes", File: "lease.go",
			Swaps: []mutant.Swap{{"SELECT FROM goen_inbox AS i WHERE", "SELECT FROM goen_inbox AS i WHERE false AND"}},
			Tests: []string{"TestStore/Fence/PendingFacts", "TestStore/Concurrency/RecordBeatsClaim"},
		},
		{
			Name: "claims look at one inbox of three", File: "lease.go",
			Swaps: []mutant.Swap{{"c.customer_id IN (m.customer_id, m.address_key, m.cart_key)", "c.customer_id IN (m.customer_id)"}},
			Tests: []string{"TestStore/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the timers", File: "lease.go",
			Swaps: []mutant.Swap{{"c.next_due <= $2)", "c.next_due <= $2 AND false)"}},
			Tests: []string{"TestStore/Fence/DueTimers"},
		},
		{
			Name: "claims do not look at incoming facts", File: "lease.go",
			Swaps: []mutant.Swap{{"n.refused IS NULL)", "n.refused IS NULL AND false)"}},
			Tests: []string{"TestStore/Intake/Fence"},
		},
		{
			Name: "claims do not lock customers", File: "lease.go",
			Swaps: []mutant.Swap{{"customer_id = k.customer_id FOR UPDATE SKIP LOCKED", "customer_id = k.customer_id OFFSET 0"}},
			Tests: []string{"TestStore/Transaction/OpenTransactionPostponesClaim"},
		},
		{
			Name: "facts told beside known ones do not lock whom they are about", File: "append.go",
			Swaps: []mutant.Swap{{"CASE WHEN customer_id NOT IN (SELECT customer_id FROM met) THEN customer_id END", "NULL"}},
			Tests: []string{"TestStore/Transaction/OpenTransactionPostponesClaim", "TestImportPostponesClaim/Appends"},
		},
		{
			Name: "an import does not lock whom its facts are about", File: "import.go",
			Swaps: []mutant.Swap{{"if !met[keys[i]] {", "if false {"}},
			Tests: []string{"TestImportPostponesClaim/Copies"},
		},
		{
			Name: "facts do not lock whom they are about", File: "append.go",
			Swaps: []mutant.Swap{{"CASE WHEN k.customer_id NOT IN (SELECT customer_id FROM met) THEN k.customer_id END", "NULL"}},
			Tests: []string{"TestStore/Transaction/OpenTransactionPostponesClaim"},
		},
		{
			Name: "the fence is read by the statement that takes the locks", File: "lease.go",
			Swaps: []mutant.Swap{
				{"AND ($11 OR (` + fence + `))", "AND ($11::boolean IS NULL OR (` + fence + `))"},
				{"m.message_id = u.message_id AND ` + fence + ` OFFSET 0", "m.message_id = u.message_id AND $2::timestamptz IS NOT NULL OFFSET 0"},
			},
			Tests: []string{"TestFenceIsReadAfterTheLocks"},
		},
		{
			Name: "a claim ends at fenced messages", File: "lease.go",
			Swaps: []mutant.Swap{{"if c.ended || len(c.leases.Claimed) >= limit {", "if true {"}},
			Tests: []string{"TestStore/Fence/StopsNobodyElse"},
		},
		{
			Name: "what is due long ago is overlooked", File: "lowwater.go",
			Swaps: []mutant.Swap{{"if at.Before(m.at) {", "if false {"}},
			Tests: []string{"TestDueLongAgo"},
		},
		{
			Name: "a claim begins at the beginning", File: "lease.go",
			Swaps: []mutant.Swap{{"if queue.Before(messages.at) {", "if false {"}},
			Tests: []string{"TestClaimBesideOldSnapshot"},
		},
		{
			Name: "the fold does not lock", File: "update.go",
			Swaps: []mutant.Swap{{"FOR NO KEY UPDATE SKIP LOCKED", "OFFSET 0"}},
			Tests: []string{"TestStore/Concurrency/UpdatesExcludeEachOther"},
		},
		{
			Name: "the fold's lock keeps carts out", File: "update.go",
			Swaps: []mutant.Swap{{"FOR NO KEY UPDATE SKIP LOCKED", "FOR UPDATE SKIP LOCKED"}},
			Tests: []string{"TestOpenTransactionsBesideEachOther"},
		},
		{
			Name: "whoever is at a place is locked", File: "update.go",
			Swaps: []mutant.Swap{{"WHERE ctid = k.place AND shop_id = $1 AND customer_id = k.customer_id", "WHERE ctid = k.place AND shop_id = $1 AND k.customer_id IS NOT NULL"}},
			Tests: []string{"TestLockWhereFound"},
		},
		{
			Name: "a message that is there fails the update", File: "update.go",
			Swaps: []mutant.Swap{{"!u.known && hasCode(err, uniqueViolation)", "false"}},
			Tests: []string{"TestStore/Changes/Queue"},
		},
		{
			Name: "the fold deletes an inbox as a whole", File: "changes.go",
			Swaps: []mutant.Swap{{"i.ctid = u.place AND i.customer_id = u.customer_id AND i.fact_id = u.fact_id", "i.customer_id = u.customer_id"}},
			Tests: []string{"TestStore/Update/ConsumesExactly", "TestStore/Concurrency/FactsArriveWhileFolding"},
		},
		{
			Name: "another shop's facts are loaded", File: "load.go",
			Swaps: []mutant.Swap{{"FROM goen_fact WHERE shop_id = $1 AND fact_id", "FROM goen_fact WHERE fact_id"}},
			Tests: []string{"TestStore/Isolation/ShopsShareNothing"},
		},
		{
			Name: "a mark does not compare the attempt", File: "mark.go",
			Swaps: []mutant.Swap{{"AND m.attempt = u.attempt", "AND u.attempt IS NOT NULL"}},
			Tests: []string{"TestStore/Mark/ComparesAttempt"},
		},
		{
			Name: "a mark does not compare the state", File: "mark.go",
			Swaps: []mutant.Swap{{"AND m.state = ANY (string_to_array(u.compare, ' '))", "AND u.compare IS NOT NULL"}},
			Tests: []string{"TestStore/Mark/ComparesState"},
		},
		{
			Name: "a start does not look at its lease", File: "mark.go",
			Swaps: []mutant.Swap{{"m.lease_until > u.at", "m.lease_until IS NOT NULL"}},
			Tests: []string{"TestStore/Mark/StartNeedsLease"},
		},
		{
			Name: "a fact's content is not compared", File: "append.go",
			Swaps: []mutant.Swap{{"SELECT place FROM told WHERE known <> hash", "SELECT place FROM told WHERE known <> known"}},
			Tests: []string{"TestStore/Append/RefusesConflict", "TestStore/Transaction/ConflictSpoilsNothing"},
		},
		{
			Name: "a fact that came in between is not compared", File: "append.go",
			Swaps: []mutant.Swap{{"told WHERE known IS NULL) THEN 1 ELSE 0 END", "told WHERE known IS NULL) THEN 1 ELSE 1 END"}},
			Tests: []string{"TestTakenFactInOpenTransaction"},
		},
		{
			Name: "facts are added beside one that conflicts", File: "append.go",
			Swaps: []mutant.Swap{{"array_length($2, 1)) THEN 1 ELSE 0 END", "array_length($2, 1)) THEN 1 ELSE 1 END"}},
			Tests: []string{"TestStore/Append/RefusesConflict", "TestSameFactInOpenTransaction/Other"},
		},
		{
			Name: "facts are added at whatever isolation the database has", File: "append.go",
			Swaps: []mutant.Swap{{" WHERE current_setting('transaction_isolation') = 'read committed'", ""}},
			Tests: []string{"TestDefaultIsolation"},
		},
		{
			Name: "a fact that is told again comes to the inbox again", File: "append.go",
			Swaps: []mutant.Swap{{"bucket) WHERE EXISTS (SELECT FROM added)", "bucket)"}},
			Tests: []string{"TestStore/Append/PassesOverFoldedFacts"},
		},
		{
			Name: "a refusal spoils the cart's transaction", File: "cart.go",
			Swaps: []mutant.Swap{{"`ROLLBACK TO SAVEPOINT crm_append`", "`SELECT 1`"}},
			Tests: []string{"TestRefusedFactSpoilsNothing"},
		},
		{
			Name: "remembered plans may read an index for a row whose place is known", File: "transaction.go",
			Swaps: []mutant.Swap{{"set_config('cpu_index_tuple_cost', '1000000', true)", "true"}},
			Tests: []string{"TestPlansOfEmptyTables"},
		},
		{
			Name: "an unknown COMMIT is repeated", File: "transaction.go",
			Swaps: []mutant.Swap{{"attempt == attempts || !isUndone(err)", "attempt == attempts"}},
			Tests: []string{"TestCutDuringCommit"},
		},
	})
}
