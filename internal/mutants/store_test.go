package mutants_test

// storeMutants are of the stores that come with goen. What fails them is the
// suite that every store has to pass.
func storeMutants() []mutant {
	const memory, sqlite = "storage/memory", "storage/sqlite"
	return []mutant{
		{
			"memory: claims do not look at the inboxes", memory + "/lease.go",
			[]swap{{"c != nil && len(c.inbox) > 0 {", "c != nil && len(c.inbox) > 0 && false {"}},
			memory, []string{"TestStore/Fence/PendingFacts", "TestStore/Concurrency/RecordBeatsClaim"},
		},
		{
			"memory: claims do not look at the timers", memory + "/lease.go",
			[]swap{{"return c != nil && !c.nextDue.IsZero()", "return false && !c.nextDue.IsZero()"}},
			memory, []string{"TestStore/Fence/DueTimers"},
		},
		{
			"memory: the fold deletes an inbox as a whole", memory + "/changes.go",
			[]swap{{"delete(c.inbox, entry.Fact)", "clear(c.inbox)"}},
			memory, []string{"TestStore/Update/ConsumesExactly", "TestStore/Concurrency/FactsArriveWhileFolding"},
		},
		{
			"memory: a mark does not compare the attempt", memory + "/mark.go",
			[]swap{{"m.Attempt != mark.Attempt ||", ""}},
			memory, []string{"TestStore/Mark/ComparesAttempt"},
		},
		{
			"memory: a start does not look at its lease", memory + "/mark.go",
			[]swap{{"if mark.To == crm.MessageStarted && !m.LeaseUntil.After(at) {", "if mark.To == crm.MessageStarted && at.IsZero() {"}},
			memory, []string{"TestStore/Mark/StartNeedsLease"},
		},
		{
			"memory: a fact's content is not compared", memory + "/append.go",
			[]swap{{"ok && !bytes.Equal(known, f.Hash)", "ok && !bytes.Equal(known, known)"}},
			memory, []string{"TestStore/Append/RefusesConflict"},
		},
		{
			"memory: a message is queued again", memory + "/changes.go",
			[]swap{{"if sh.messages[m.ID] != nil {", "if sh.messages[m.ID] != nil && false {"}},
			memory, []string{"TestStore/Changes/Queue"},
		},
		{
			"sqlite: claims do not look at the inboxes", sqlite + "/lease.go",
			[]swap{{"NOT EXISTS (SELECT 1 FROM goen_inbox i", "NOT EXISTS (SELECT 1 FROM goen_inbox i JOIN (SELECT 1 WHERE 0)"}},
			sqlite, []string{"TestFile/Fence/PendingFacts", "TestFile/Concurrency/RecordBeatsClaim", "TestFile/Transaction/FenceIsReadUnderTheLock"},
		},
		{
			"sqlite: claims do not look at the timers", sqlite + "/lease.go",
			[]swap{{"AND c.next_due <= ?2)`", "AND c.next_due <= ?2 AND 0)`"}},
			sqlite, []string{"TestFile/Fence/DueTimers"},
		},
		{
			// The fence is read in a transaction of its own, and what it let
			// through is claimed by id without looking again.
			"sqlite: the fence is read before the lock is taken", sqlite + "/lease.go",
			[]swap{
				{"err := s.work(ctx, func(ctx context.Context, tx *session) (err error) {", "err := s.read(ctx, func(ctx context.Context, tx *session) (err error) {"},
				{
					"if _, err := tx.run(ctx, claimMessage, m.Attempt, ordered(req.Until), shop, m.ID); err != nil {",
					"if err := s.write(ctx, func(ctx context.Context, tx *session) error {\n" +
						"_, err := tx.run(ctx, claimMessage, m.Attempt, ordered(req.Until), shop, m.ID)\nreturn err }); err != nil {",
				},
			},
			sqlite, []string{"TestFile/Transaction/FenceIsReadUnderTheLock"},
		},
		{
			"sqlite: the fold deletes an inbox as a whole", sqlite + "/changes.go",
			[]swap{{"WHERE shop_id = ? AND customer_id = ? AND fact_id = ?`", "WHERE shop_id = ? AND customer_id = ? AND ? IS NOT NULL`"}},
			sqlite, []string{"TestFile/Update/ConsumesExactly", "TestFile/Concurrency/FactsArriveWhileFolding"},
		},
		{
			"sqlite: a mark does not compare the attempt", sqlite + "/mark.go",
			[]swap{{"AND attempt = ?7", "AND ?7 = ?7"}},
			sqlite, []string{"TestFile/Mark/ComparesAttempt"},
		},
		{
			"sqlite: a start does not look at its lease", sqlite + "/mark.go",
			[]swap{{" AND lease_until > ?12", " AND ?12 = ?12"}},
			sqlite, []string{"TestFile/Mark/StartNeedsLease"},
		},
		{
			"sqlite: a fact's content is not compared", sqlite + "/append.go",
			[]swap{{"if !bytes.Equal(known, f.Hash) {", "if !bytes.Equal(known, known) {"}},
			sqlite, []string{"TestFile/Append/RefusesConflict", "TestFile/Transaction/ConflictSpoilsNothing"},
		},
	}
}
