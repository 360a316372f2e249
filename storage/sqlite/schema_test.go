package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/goen-crm/crm"
)

// Every key leads with the shop: a platform can be split by it, and no index
// leads from one shop's rows to another's.
func TestKeysLeadWithShop(t *testing.T) {
	s := openInternal(t)
	rows, err := s.db.QueryContext(t.Context(), `
		SELECT t.name, i.name, (SELECT c.name FROM pragma_index_info(i.name) c WHERE c.seqno = 0)
		FROM sqlite_schema t JOIN pragma_index_list(t.name) i
		WHERE t.type = 'table' AND t.name LIKE 'goen\_%' ESCAPE '\' AND t.name <> ?`, migrationTable)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var table, index, first string
		if err := rows.Scan(&table, &index, &first); err != nil {
			t.Fatal(err)
		}
		if n++; first != "shop_id" {
			t.Errorf("index %s of %s leads with %s", index, table, first)
		}
	}
	if err := rows.Err(); err != nil || n < 12 {
		t.Errorf("saw %d indexes, error %v", n, err)
	}
}

// Statements that run all the time find their rows by an index, on a database
// that SQLite knows nothing about and on one that it has analyzed.
func TestStatementsUseIndexes(t *testing.T) {
	s := openInternal(t)
	page := func(q crm.MessageQuery) string {
		query, _ := messagePage("shop", q, &crm.Message{}, fullPage)
		return query
	}
	statements := map[string]string{
		"due timers": selectDue, "due reviews": selectReviews, "pending facts": selectPending, "revision": selectRevision,
		"customers": selectCustomers, "orders": selectOrders, "inbox": selectInbox, "open messages": selectOpenMessages,
		"queued": selectQueued, "lapsed": selectLapsed, "expired": selectExpired, "claim": claimMessage,
		"start": markStarted, "settle": markSettled, "addressee": selectAddressee, "who waits": selectWaiting, "consume": deleteInbox, "write": updateCustomer, "keep": keepCustomer, "skip": skipMessage, "stop": stopMessage,
		"hash": selectHash, "backlog": selectBacklog, "newest definition": selectNewest, "last decision": selectLastDecision,
		"customer page": selectCustomerIDs, "listed customers": selectListedIDs, "twins": deleteTwins,
		"erase facts": eraseFacts, "erase messages": eraseMessages, "erase orders": eraseOrders, "erase a body": eraseBody,
		"purge facts": purgeFacts, "purge contents": purgeContents, "old decisions": selectOldDecisions, "purge decisions": purgeDecisions, "counts": selectCounts,
		"incoming": selectIncoming, "delete incoming": deleteIncoming, "refuse incoming": refuseIncoming,
		"move an import": moveImport, "how far an import has come": selectPosition,
		"a shop's messages": page(crm.MessageQuery{}), "unknown messages": page(crm.MessageQuery{States: []crm.MessageState{crm.MessageUnknown}}),
		"a customer's messages": page(crm.MessageQuery{Customer: "c"}), "a message": page(crm.MessageQuery{ID: "m"}),
	}
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			fillUnevenly(t, s)
			if _, err := s.db.ExecContext(t.Context(), "ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		for name, statement := range statements {
			for _, step := range plan(t, s, statement) {
				// Lists of parameters and shops, found by the statement itself, are read as a whole.
				whole := strings.Contains(step, "VIRTUAL TABLE") || strings.HasPrefix(step, "SCAN s") || strings.HasPrefix(step, "SCAN shop") ||
					strings.HasPrefix(step, "SCAN customer_shop") || strings.HasPrefix(step, "SCAN message_shop") || strings.HasPrefix(step, "SCAN incoming_shop") || strings.Contains(step, "(subquery-") || strings.Contains(step, "CONSTANT ROW")
				if strings.HasPrefix(step, "SCAN") && !whole {
					t.Errorf("analyzed=%v: %s reads a whole table: %s", analyzed, name, step)
				}
			}
		}
		for name, index := range map[string]string{
			"due timers": "goen_customer_due", "due reviews": "goen_customer_review", "queued": "goen_message_queue", "lapsed": "goen_message_lease", "unknown messages": "goen_message_state",
			"purge facts": "goen_fact_body", "purge contents": "goen_message_settled", "erase facts": "goen_inbox_fact",
			"incoming": "goen_incoming_waiting",
		} {
			if all := strings.Join(plan(t, s, statements[name]), "\n"); !strings.Contains(all, index) {
				t.Errorf("analyzed=%v: %s does not use %s:\n%s", analyzed, name, index, all)
			}
		}
	}
	for _, name := range []string{"queued", "due timers", "due reviews", "incoming", "a shop's messages", "a customer's messages", "customer page"} {
		if all := strings.Join(plan(t, s, statements[name]), "\n"); strings.Contains(all, "TEMP B-TREE") {
			t.Errorf("%s is sorted instead of read in order:\n%s", name, all)
		}
	}
}

// plan asks SQLite how it would run a statement.
func plan(t *testing.T, s *Store, statement string) []string {
	t.Helper()
	args := make([]any, 12)
	for i := range args {
		args[i] = "[]"
	}
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, args...)
	if err != nil {
		t.Fatalf("%v in %s", err, statement)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// fillUnevenly writes one big shop and some small ones, nearly all of whose
// messages are long sent.
func fillUnevenly(t *testing.T, s *Store) {
	t.Helper()
	err := s.write(t.Context(), func(ctx context.Context, tx *session) error {
		for _, statement := range []string{
			`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
			INSERT INTO goen_customer SELECT iif(i > 2900, 'shop-' || i, 'shop'), 'c' || i, '{}', iif(i % 10 = 0, i, NULL), iif(i % 7 = 0, i, NULL), i % 64, 0 FROM n`,
			`INSERT INTO goen_message SELECT shop_id, 'm' || customer_id, iif(next_due % 100 = 0, 'queued', 'sent'), 1, customer_id, '', '', rowid,
				iif(rowid % 500 = 0, rowid, NULL), NULL, NULL, NULL, '', '', 0, 0, '', '', 1, '', 1, '', 1, 'marketing', '', '', NULL, 'prompt', bucket FROM goen_customer`,
			`INSERT INTO goen_orders SELECT shop_id, customer_id, 'o', 'paid', 'JPY', 1, 0, NULL, NULL, '{}' FROM goen_customer`,
			`INSERT INTO goen_fact SELECT shop_id, 'f' || customer_id, customer_id, '', rowid, 1, x'00', NULL, '{}' FROM goen_customer`,
			`INSERT INTO goen_inbox SELECT shop_id, customer_id, fact_id FROM goen_fact WHERE event_at % 50 = 0`,
			`INSERT INTO goen_incoming (shop_id, body) SELECT shop_id, body FROM goen_fact WHERE event_at % 50 = 0`,
			`INSERT INTO goen_decision SELECT shop_id, event_at, customer_id, event_at, '', '', 1, '', '', '', '', '' FROM goen_fact`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.ExecContext(t.Context(), `INSERT INTO `+migrationTable+` (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), s.db); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("New returns %v, want ErrNewerSchema", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("Open returns %v, want ErrNewerSchema", err)
	}
}

// Many processes that start at once on a new file all come up.
func TestManyOpenAtOnce(t *testing.T) {
	for range 2 {
		path := filepath.Join(t.TempDir(), "shop.db")
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				s, err := Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Append(t.Context(), "shop", nil); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
}
