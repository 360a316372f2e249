package sqlite_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// The suite notices each rule of the store that is switched off.
func TestMutants(t *testing.T) {
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "claims do not look at the inboxes", File: "lease.go",
			Swaps: []mutant.Swap{{"NOT EXISTS (SELECT 1 FROM goen_inbox i", "NOT EXISTS (SELECT 1 FROM goen_inbox i JOIN (SELECT 1 WHERE 0)"}},
			Tests: []string{"TestFile/Fence/PendingFacts", "TestFile/Concurrency/RecordBeatsClaim", "TestFile/Transaction/FenceIsReadUnderTheLock"},
		},
		{
			Name: "claims do not look at the customer's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"IN (m.customer_id, m.address_key, m.cart_key)", "IN (m.address_key, m.cart_key)"}},
			Tests: []string{"TestFile/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the address's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"IN (m.customer_id, m.address_key, m.cart_key)", "IN (m.customer_id, m.cart_key)"}},
			Tests: []string{"TestFile/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the cart's inbox", File: "lease.go",
			Swaps: []mutant.Swap{{"IN (m.customer_id, m.address_key, m.cart_key)", "IN (m.customer_id, m.address_key)"}},
			Tests: []string{"TestFile/Fence/PendingFacts"},
		},
		{
			Name: "claims do not look at the timers", File: "lease.go",
			Swaps: []mutant.Swap{{"AND c.next_due <= ?2)`", "AND c.next_due <= ?2 AND false)`"}},
			Tests: []string{"TestFile/Fence/DueTimers"},
		},
		{
			// What the fence let through is claimed by id, without looking again.
			Name: "the fence is read before the lock is taken", File: "lease.go",
			Swaps: []mutant.Swap{
				{"err := s.work(ctx, func(ctx context.Context, tx *session) (err error) {", "err := s.read(ctx, func(ctx context.Context, tx *session) (err error) {"},
				{
					"if _, err := tx.run(ctx, claimMessage, m.Attempt, ordered(req.Until), shop, m.ID); err != nil {",
					"if err := s.write(ctx, func(ctx context.Context, tx *session) error {\n" +
						"_, err := tx.run(ctx, claimMessage, m.Attempt, ordered(req.Until), shop, m.ID)\nreturn err }); err != nil {",
				},
			},
			Tests: []string{"TestFile/Transaction/FenceIsReadUnderTheLock"},
		},
		{
			Name: "claims are limited before the fence", File: "lease.go",
			Swaps: []mutant.Swap{{
				"WHERE m.shop_id = ?1 AND m.state = 'queued' AND m.send_at <= ?2 AND ` + fence + `",
				"WHERE m.message_id IN (SELECT message_id FROM goen_message WHERE shop_id = ?1 AND state = 'queued' AND send_at <= ?2 " +
					"ORDER BY send_at, message_id LIMIT ?3) AND m.shop_id = ?1 AND ` + fence + `",
			}},
			Tests: []string{"TestFile/Fence/StopsNobodyElse"},
		},
		{
			Name: "the lock is taken late", File: "transaction.go",
			Swaps: []mutant.Swap{{`"BEGIN IMMEDIATE"`, `"BEGIN"`}},
			Tests: []string{"TestFile/Concurrency/OneConflictWins"},
		},
		{
			Name: "the fold deletes an inbox as a whole", File: "changes.go",
			Swaps: []mutant.Swap{{"WHERE shop_id = ? AND customer_id = ? AND fact_id = ?`", "WHERE shop_id = ? AND customer_id = ? AND ? IS NOT NULL`"}},
			Tests: []string{"TestFile/Update/ConsumesExactly", "TestFile/Concurrency/FactsArriveWhileFolding"},
		},
		{
			Name: "a message is not stopped while it is sent", File: "changes.go",
			Swaps: []mutant.Swap{{"SET stopped = ? WHERE", "SET stopped = substr(?, 1, 0) WHERE"}},
			Tests: []string{"TestFile/Changes/Skip"},
		},
		{
			Name: "a message is skipped while it is sent", File: "changes.go",
			Swaps: []mutant.Swap{{"AND message_id = ? AND state IN ('queued', 'claimed')`", "AND message_id = ? AND state IN ('queued', 'claimed', 'started')`"}},
			Tests: []string{"TestFile/Changes/Skip"},
		},
		{
			Name: "the fold does not see what is being sent", File: "load.go",
			Swaps: []mutant.Swap{{"m.state IN ('queued', 'claimed', 'started', 'unknown')", "m.state IN ('queued', 'claimed')"}},
			Tests: []string{"TestFile/Update/LoadsEverything"},
		},
		{
			Name: "another shop's facts are loaded", File: "load.go",
			Swaps: []mutant.Swap{{"ON f.shop_id = i.shop_id AND f.fact_id = i.fact_id", "ON f.fact_id = i.fact_id"}},
			Tests: []string{"TestFile/Isolation/ShopsShareNothing"},
		},
		{
			Name: "a mark does not compare the attempt", File: "mark.go",
			Swaps: []mutant.Swap{{"AND attempt = ?7", "AND ?7 = ?7"}},
			Tests: []string{"TestFile/Mark/ComparesAttempt"},
		},
		{
			Name: "a mark does not compare the state", File: "mark.go",
			Swaps: []mutant.Swap{{"AND state IN (SELECT value FROM json_each(?8))", "AND ?8 = ?8"}},
			Tests: []string{"TestFile/Mark/ComparesState"},
		},
		{
			Name: "a start does not look at its lease", File: "mark.go",
			Swaps: []mutant.Swap{{"AND lease_until > ?12", "AND ?12 = ?12"}},
			Tests: []string{"TestFile/Mark/StartNeedsLease"},
		},
		{
			Name: "a start replaces the content", File: "mark.go",
			Swaps: []mutant.Swap{{"coalesce(content, ?11)", "?11"}},
			Tests: []string{"TestFile/Mark/Life"},
		},
		{
			Name: "a refused mark is logged", File: "mark.go",
			Swaps: []mutant.Swap{{"if !applied[i] || m.Decision == nil {", "if m.Decision == nil {"}},
			Tests: []string{"TestFile/Mark/LogsWithTheMark"},
		},
		{
			Name: "a fact's content is not compared", File: "append.go",
			Swaps: []mutant.Swap{{"if !bytes.Equal(known, f.Hash) {", "if !bytes.Equal(known, known) {"}},
			Tests: []string{"TestFile/Append/RefusesConflict", "TestFile/Transaction/ConflictSpoilsNothing"},
		},
		{
			Name: "a conflict leaves half a batch", File: "append.go",
			Swaps: []mutant.Swap{{`"ROLLBACK TO goen_append"`, `"SELECT 1"`}},
			Tests: []string{"TestFile/Transaction/ConflictSpoilsNothing"},
		},
		{
			Name: "a fact told again is folded again", File: "append.go",
			Swaps: []mutant.Swap{{"if added {", "if added || true {"}},
			Tests: []string{"TestFile/Append/PassesOverFoldedFacts"},
		},
		{
			Name: "an erased customer's address stays", File: "erase.go",
			Swaps: []mutant.Swap{{"recipient = ''", "recipient = recipient"}},
			Tests: []string{"TestFile/Erase/DeletesContent"},
		},
		{
			Name: "a page skips facts of one instant", File: "stream.go",
			Swaps: []mutant.Swap{{"AND (f.event_at, f.fact_id) > (?4, ?5)", "AND f.event_at > ?4 AND ?5 = ?5"}},
			Tests: []string{"TestFile/Stream/SameTimeManyRows"},
		},
	})
}
