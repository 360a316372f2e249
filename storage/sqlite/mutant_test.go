package sqlite_test

import (
	"testing"

	"github.com/goen-crm/crm/storage/internal/mutant"
)

// Each rule of the store, switched off, is noticed by the conformance suite.
func TestMutants(t *testing.T) {
	mutant.Kill(t, []mutant.Mutant{
		{Name: "FenceWithoutCustomer", File: "lease.go", Run: "TestFile/Fence",
			Old: "IN (m.customer_id, m.address_key, m.cart_key)", New: "IN (m.address_key, m.cart_key)"},
		{Name: "FenceWithoutAddress", File: "lease.go", Run: "TestFile/Fence",
			Old: "IN (m.customer_id, m.address_key, m.cart_key)", New: "IN (m.customer_id, m.cart_key)"},
		{Name: "FenceWithoutCart", File: "lease.go", Run: "TestFile/Fence",
			Old: "IN (m.customer_id, m.address_key, m.cart_key)", New: "IN (m.customer_id, m.address_key)"},
		{Name: "FenceWithoutTimers", File: "lease.go", Run: "TestFile/Fence",
			Old: "AND c.next_due <= ?2)`", New: "AND c.next_due <= ?2 AND false)`"},
		{Name: "FenceReadBeforeTheLock", File: "lease.go", Run: "TestFile/(Concurrency|Transaction)",
			Old: "	var leases crm.Leases\n	err := s.work(",
			New: `	var leases crm.Leases
	var early []crm.Message
	if err := s.read(ctx, func(ctx context.Context, tx *session) (err error) {
		early, err = selectMessages(ctx, tx, selectQueued, shop, ordered(req.Now), req.Limit)
		return err
	}); err != nil {
		return leases, err
	}
	selectMessages := func(ctx context.Context, tx *session, query string, args ...any) ([]crm.Message, error) {
		if query == selectQueued {
			return early, nil
		}
		return selectMessages(ctx, tx, query, args...)
	}
	err := s.work(`},
		{Name: "LimitBeforeFence", File: "lease.go", Run: "TestFile/Fence",
			Old: "		WHERE m.shop_id = ?1 AND m.state = 'queued' AND m.send_at <= ?2 AND ` + fence + `",
			New: "		WHERE m.shop_id = ?1 AND m.message_id IN (SELECT message_id FROM goen_message WHERE shop_id = ?1 AND state = 'queued' AND send_at <= ?2 ORDER BY send_at, message_id LIMIT ?3) AND ` + fence + `"},
		{Name: "LockTakenLate", File: "transaction.go", Run: "TestFile/Concurrency",
			Old: `"BEGIN IMMEDIATE"`, New: `"BEGIN"`},
		{Name: "FoldDeletesTheInbox", File: "changes.go", Run: "TestFile/(Update|Concurrency)",
			Old: "DELETE FROM goen_inbox WHERE shop_id = ? AND customer_id = ? AND fact_id = ?", New: "DELETE FROM goen_inbox WHERE shop_id = ? AND customer_id = ? AND ? <> ''"},
		{Name: "MarkOfAnyAttempt", File: "mark.go", Run: "TestFile/Mark",
			Old: "AND attempt = ?7", New: "AND ?7 >= 0"},
		{Name: "MarkFromAnyState", File: "mark.go", Run: "TestFile/Mark",
			Old: "AND state IN (SELECT value FROM json_each(?8))", New: "AND ?8 <> ''"},
		{Name: "StartWithoutLease", File: "mark.go", Run: "TestFile/Mark",
			Old: "AND lease_until > ?12", New: "AND ?12 <> 0"},
		{Name: "StartReplacesContent", File: "mark.go", Run: "TestFile/Mark",
			Old: "coalesce(content, ?11)", New: "?11"},
		{Name: "ConflictUnnoticed", File: "append.go", Run: "TestFile/Append",
			Old: "if !bytes.Equal(known, f.Hash) {", New: "if false && !bytes.Equal(known, f.Hash) {"},
		{Name: "ConflictLeavesHalf", File: "append.go", Run: "TestFile/Transaction",
			Old: `"ROLLBACK TO goen_append"`, New: `"SELECT 1"`},
		{Name: "DuplicateFoldedAgain", File: "append.go", Run: "TestFile/Append",
			Old: "if added {", New: "if added || true {"},
		{Name: "EraseKeepsAddress", File: "erase.go", Run: "TestFile/Erase",
			Old: "recipient = ''", New: "recipient = recipient"},
		{Name: "StreamWithoutTieBreak", File: "stream.go", Run: "TestFile/Stream",
			Old: "AND (f.event_at, f.fact_id) > (?4, ?5)", New: "AND f.event_at > ?4 AND ?5 <> ''"},
		{Name: "OtherShopsFacts", File: "load.go", Run: "TestFile/Isolation",
			Old: "ON f.shop_id = i.shop_id AND f.fact_id = i.fact_id", New: "ON f.fact_id = i.fact_id"},
		{Name: "LateDecisionLogged", File: "mark.go", Run: "TestFile/Mark",
			Old: "if !applied[i] || m.Decision == nil {", New: "if m.Decision == nil {"},
	})
}
