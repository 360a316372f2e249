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
			Name: "claims do not look at what carts have inserted", File: "lease.go",
			Swaps: []mutant.Swap{{"AND n.refused IS NULL)", "AND n.refused IS NULL AND false)"}},
			Tests: []string{"TestFile/Intake/Fence", "TestFile/Intake/NoGapInTheFence"},
		},
		{
			Name: "claims wait for what was refused", File: "lease.go",
			Swaps: []mutant.Swap{{"AND n.refused IS NULL)", ")"}},
			Tests: []string{"TestFile/Intake/RefusedRowsStopNobody"},
		},
		{
			Name: "claims look at the reviews", File: "lease.go",
			Swaps: []mutant.Swap{{"AND c.next_due <= ?2)`", "AND min(ifnull(c.next_due, c.next_review), ifnull(c.next_review, c.next_due)) <= ?2)`"}},
			Tests: []string{"TestFile/Fence/ReviewsDoNotFence"},
		},
		{
			Name: "claims do not look at the lane of what is queued", File: "lease.go",
			Swaps: []mutant.Swap{{"AND m.state = 'queued' AND m.lane = ?4", "AND m.state = 'queued' AND m.lane IN ('prompt', 'bulk', ?4)"}},
			Tests: []string{"TestFile/Lane/LeaseByLane"},
		},
		{
			Name: "claims do not look at the lane of what ran out", File: "lease.go",
			Swaps: []mutant.Swap{{"AND m.state = 'claimed' AND m.lane = ?4", "AND m.state = 'claimed' AND ?4 = ?4"}},
			Tests: []string{"TestFile/Lane/LeaseByLane"},
		},
		{
			Name: "claims do not look at their share", File: "row.go",
			Swaps: []mutant.Swap{{"return s.Of, s.Part", "return 1, 0"}},
			Tests: []string{"TestFile/Share/LeasesPartition", "TestFile/Share/UpdatesPartition"},
		},
		{
			Name: "messages are shared by customer", File: "changes.go",
			Swaps: []mutant.Swap{{"crm.Bucket(m.ID)", "crm.Bucket(m.Customer)"}},
			Tests: []string{"TestFile/Share/LeasesPartition"},
		},
		{
			Name: "what has expired is reported in its lane alone", File: "lease.go",
			Swaps: []mutant.Swap{
				{"AND m.state = 'started'\n", "AND m.state = 'started' AND m.lane = ?3\n"},
				{"selectExpired, shop, now)", "selectExpired, shop, now, named(req.Lane))"},
			},
			Tests: []string{"TestFile/Lane/ExpiredOfEveryLane"},
		},
		{
			Name: "reviews are selected with the timers", File: "update.go",
			Swaps: []mutant.Swap{{"if sel.Lane == crm.Bulk {", "if false && sel.Lane == crm.Bulk {"}},
			Tests: []string{"TestFile/Lane/UpdateByLane"},
		},
		{
			Name: "nobody is excepted", File: "update.go",
			Swaps: []mutant.Swap{{"c.customer_id NOT IN (SELECT value FROM json_each(?5))", "?5 = ?5"}},
			Tests: []string{"TestFile/Share/Except", "TestFile/Share/ManyExcepted"},
		},
		{
			Name: "reviews are not listed", File: "backlog.go",
			Swaps: []mutant.Swap{{" || isDue(b.NextReview, until)", ""}},
			Tests: []string{"TestFile/Backlog/Reviews"},
		},
		{
			Name: "shops in which nobody is known are not listed", File: "backlog.go",
			Swaps: []mutant.Swap{{"SELECT shop_id FROM incoming_shop WHERE shop_id IS NOT NULL", "SELECT shop_id FROM incoming_shop WHERE false"}},
			Tests: []string{"TestFile/Intake/Backlog"},
		},
		{
			Name: "a row is left when it is taken", File: "intake.go",
			Swaps: []mutant.Swap{{"DELETE FROM goen_incoming WHERE seq = ?", "DELETE FROM goen_incoming WHERE seq = -?"}},
			Tests: []string{"TestFile/Intake/TakesTheOldestFirst"},
		},
		{
			Name: "rows of all shops are taken", File: "intake.go",
			Swaps: []mutant.Swap{{"WHERE shop_id = ? AND refused IS NULL", "WHERE ? IS NOT NULL AND refused IS NULL"}},
			Tests: []string{"TestFile/Intake/ShopsShareNothing"},
		},
		{
			Name: "a row that conflicts fails the call", File: "intake.go",
			Swaps: []mutant.Swap{{"case errors.Is(err, crm.ErrConflict):", "case errors.Is(err, crm.ErrConflict) && false:"}},
			Tests: []string{"TestFile/Intake/ConflictIsRefused"},
		},
		{
			Name: "rows are read before the lock is taken", File: "intake.go",
			Swaps: []mutant.Swap{
				{"err := s.work(ctx, func(ctx context.Context, tx *session) error {", "err := s.read(ctx, func(ctx context.Context, tx *session) error {"},
				{
					"if err := settle(ctx, tx, shop, row, taken[i]); err != nil {",
					"if err := s.write(ctx, func(ctx context.Context, tx *session) error { return settle(ctx, tx, shop, row, taken[i]) }); err != nil {",
				},
			},
			Tests: []string{"TestFile/Intake/TakersShareTheRows"},
		},
		{
			Name: "an import does not look where it stands", File: "import.go",
			Swaps: []mutant.Swap{{"AND position = ?`", "AND ? IS NOT NULL`"}},
			Tests: []string{"TestFile/Import/ResumesExactly", "TestFile/Import/OneOfManyWins"},
		},
		{
			Name: "an import moves in a transaction of its own", File: "import.go",
			Swaps: []mutant.Swap{{
				"return appendFacts(ctx, tx, shop, b.Facts)\n\t})",
				"return nil\n\t}); err != nil {\nreturn err\n}\nreturn s.Append(ctx, shop, b.Facts)",
			}, {"return s.work(", "if err := s.work("}},
			Tests: []string{"TestFile/Import/RefusesConflict"},
		},
		{
			Name: "an erasure takes what waits to be folded", File: "erase.go",
			Swaps: []mutant.Swap{{"AND i.fact_id = goen_fact.fact_id)", "AND i.fact_id = goen_fact.fact_id AND false)"}},
			Tests: []string{"TestFile/Erase/SparesWhatWaits"},
		},
		{
			Name: "an erasure takes the evidence", File: "erase.go",
			Swaps: []mutant.Swap{{"AND type NOT IN (SELECT value FROM json_each(?3))", "AND ?3 = ?3"}},
			Tests: []string{"TestFile/Erase/KeepsEvidence"},
		},
		{
			Name: "an erasure deletes the orders", File: "erase.go",
			Swaps: []mutant.Swap{{"UPDATE goen_orders SET state = NULL\n", "DELETE FROM goen_orders\n"}},
			Tests: []string{"TestFile/Erase/DeletesContent"},
		},
		{
			Name: "a purge takes what waits to be folded", File: "purge.go",
			Swaps: []mutant.Swap{{"AND i.fact_id = f.fact_id)", "AND i.fact_id = f.fact_id AND false)"}},
			Tests: []string{"TestFile/Purge/Facts", "TestFile/Purge/Evidence"},
		},
		{
			Name: "a purge takes the evidence", File: "purge.go",
			Swaps: []mutant.Swap{{"iif(f.type IN (SELECT value FROM json_each(?4)), ?3, ?2)", "iif(?4 = '', ?3, ?2)"}},
			Tests: []string{"TestFile/Purge/Facts"},
		},
		{
			Name: "a purge takes what is unknown", File: "purge.go",
			Swaps: []mutant.Swap{{" AND m.state <> 'unknown'", ""}},
			Tests: []string{"TestFile/Purge/Contents"},
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
				"FROM goen_message m INDEXED BY goen_message_queue\n" +
					"\t\tWHERE m.shop_id = ?1 AND m.state = 'queued' AND m.lane = ?4 AND m.send_at <= ?2 AND m.bucket % ?5 = ?6 AND ` + fence + `",
				"FROM goen_message m WHERE ?4 = ?4 AND ?5 = ?5 AND ?6 = ?6 AND m.message_id IN (SELECT message_id FROM goen_message WHERE shop_id = ?1 AND state = 'queued' AND send_at <= ?2 " +
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
			Name: "a mark is logged for whom its caller names", File: "mark.go",
			Swaps: []mutant.Swap{{"[]any{shop, m.Message}, &d.Customer)", "[]any{shop, m.Message}, new(string))"}},
			Tests: []string{"TestFile/Mark/LogsForWhoeverSheIsNow"},
		},
		{
			Name: "everybody waits", File: "update.go",
			Swaps: []mutant.Swap{{"WHERE EXISTS (SELECT 1 FROM goen_inbox i", "WHERE EXISTS (SELECT 1 FROM goen_customer i"}},
			Tests: []string{"TestFile/Update/KnowsWhoWaits"},
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
			Swaps: []mutant.Swap{{" OR m.state = 'started' OR m.state = 'unknown')", ")"}},
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
			Swaps: []mutant.Swap{{"AND instr(?8, ' ' || state || ' ')", "AND ?8 = ?8"}},
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
			Name: "what was decided ahead is written over what came between", File: "changes.go",
			Swaps: []mutant.Swap{{"version = version + 1\n\t\tWHERE rowid = ? AND version = ?", "version = version + 1\n\t\tWHERE rowid = ? AND ? IS NOT NULL"}},
			Tests: []string{"TestOvertaken/Written/Itself", "TestOvertaken/Written/Another", "TestNoCountIsLost/OneStore", "TestNoCountIsLost/TwoStores"},
		},
		{
			Name: "who is written does not get a new version", File: "changes.go",
			Swaps: []mutant.Swap{{"version = version + 1\n", "version = version\n"}},
			Tests: []string{"TestOvertaken/Written/Another", "TestNoCountIsLost/TwoStores"},
		},
		{
			Name: "who was only looked at is not compared", File: "changes.go",
			Swaps: []mutant.Swap{{"SET version = version + 1 WHERE rowid = ? AND version = ?", "SET version = version + 1 WHERE rowid = ? AND ? IS NOT NULL"}},
			Tests: []string{"TestOvertaken/AnotherWasWritten/Another", "TestOvertaken/LockedLater/Another"},
		},
		{
			Name: "who was only looked at does not get a new version", File: "changes.go",
			Swaps: []mutant.Swap{{"SET version = version + 1 WHERE", "SET version = version WHERE"}},
			Tests: []string{"TestOvertaken/Consumed/Another", "TestOvertaken/Ordered/Another", "TestOvertaken/LookedAt/Another"},
		},
		{
			Name: "who was only looked at is left alone", File: "changes.go",
			Swaps: []mutant.Swap{{"u.keepOthers, ", ""}},
			Tests: []string{"TestOnlyOneIsTaken", "TestOvertaken/Consumed/Itself"},
		},
		{
			Name: "a row is known by its number alone", File: "changes.go",
			Swaps: []mutant.Swap{{"WHERE rowid = ? AND version = ? AND customer_id = ?`\n\tkeep", "WHERE rowid = ? AND version = ? AND ? IS NOT NULL`\n\tkeep"}},
			Tests: []string{"TestOvertaken/Renumbered/Itself"},
		},
		{
			Name: "what was decided by older definitions is written", File: "ahead.go",
			Swaps: []mutant.Swap{{"if revision != u.revision {", "if false && revision != u.revision {"}},
			Tests: []string{"TestOvertaken/Defined/Itself", "TestOvertaken/Defined/Another"},
		},
		{
			Name: "what failed ahead is not tried under the lock", File: "ahead.go",
			Swaps: []mutant.Swap{{"return 0, false, nil // perhaps", "return 0, false, err // perhaps"}},
			Tests: []string{"TestFailsAhead"},
		},
		{
			Name: "the lock is taken to write nothing", File: "ahead.go",
			Swaps: []mutant.Swap{{"case isEmpty(changes):", "case false && isEmpty(changes):"}},
			Tests: []string{"TestNothingToDo"},
		},
		{
			Name: "a page skips facts of one instant", File: "stream.go",
			Swaps: []mutant.Swap{{"AND (f.event_at, f.fact_id) > (?4, ?5)", "AND f.event_at > ?4 AND ?5 = ?5"}},
			Tests: []string{"TestFile/Stream/SameTimeManyRows"},
		},
	})
}
