package mysql

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
)

// Append implements [crm.Store]. Two appends of the same new fact, or of the
// same new customer, wait for each other; others do not.
func (s *Store) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	if len(facts) == 0 {
		leave, err := s.enter(ctx)
		if err == nil {
			leave()
		}
		return failed("append", err)
	}
	err := s.write(ctx, func(ctx context.Context, tx *session) error {
		return appendAll(ctx, tx, shop, facts)
	})
	return refusal("append", err)
}

// refusal returns a refused batch as it is, and other errors with what failed.
func refusal(what string, err error) error {
	if _, refused := errors.AsType[*crm.BatchError](err); refused {
		return err
	}
	return failed(what, err)
}

// appendAll adds facts; one that conflicts refuses all of them. The caller
// undoes what was written.
func appendAll(ctx context.Context, tx *session, shop string, facts []crm.FactRow) error {
	conflicts, err := appendFacts(ctx, tx, shop, facts)
	if err == nil && len(conflicts) > 0 {
		i := slices.Min(conflicts)
		return &crm.BatchError{Index: i, ID: facts[i].ID, Err: crm.ErrConflict}
	}
	return err
}

const (
	insertFact = `INSERT INTO goen_fact (shop_id, fact_id, customer_id, type, event_at, recorded_at, hash, set_aside, body)`
	// Of facts that are known to be there: no gap is locked.
	selectKnown     = `SELECT fact_id, hash FROM goen_fact FORCE INDEX (PRIMARY) WHERE shop_id = ? AND fact_id ` + inList
	selectKnownLast = selectKnown + ` LOCK IN SHARE MODE`
	insertCustomer  = `INSERT INTO goen_customer (shop_id, customer_id, bucket)`
	selectMet       = `SELECT customer_id FROM goen_customer FORCE INDEX (PRIMARY) WHERE shop_id = ? AND customer_id ` + inList
	insertInbox     = `INSERT INTO goen_inbox (shop_id, customer_id, fact_id, bucket)`
)

// appendFacts adds those facts that are new, and returns the places of those
// that are there with another hash.
//
// It inserts first and looks only where that is refused: a look at what is not
// there yet would lock the gap in a SERIALIZABLE transaction of the cart, and
// two of them then deadlock. All rows go in key order, for the same reason.
func appendFacts(ctx context.Context, tx *session, shop string, facts []crm.FactRow) (conflicts []int, err error) {
	first := make(map[string]int, len(facts))
	for i, f := range facts {
		j, told := first[f.ID]
		switch {
		case !told:
			first[f.ID] = i
		case !bytes.Equal(facts[j].Hash, f.Hash):
			conflicts = append(conflicts, i)
		}
	}
	ids := slices.Sorted(maps.Keys(first))
	rows := make([][]any, len(ids))
	for i, id := range ids {
		f := facts[first[id]]
		rows[i] = []any{shop, f.ID, f.Customer, f.Type, ordered(f.Time), optional(f.RecordedAt), blob(f.Hash), optionalText(f.SetAside), text(f.Body)}
	}
	known, err := tx.insertFacts(ctx, shop, rows)
	if err != nil {
		return nil, err
	}
	var added []crm.FactRow
	for _, id := range ids {
		hash, there := known[id]
		switch i := first[id]; {
		case !there:
			added = append(added, facts[i])
		case !bytes.Equal(hash, facts[i].Hash):
			conflicts = append(conflicts, i)
		}
	}
	return conflicts, deliver(ctx, tx, shop, added)
}

// insertFacts adds facts that are not there yet, and returns the hashes of
// those that are.
func (tx *session) insertFacts(ctx context.Context, shop string, rows [][]any) (map[string][]byte, error) {
	known := make(map[string][]byte)
	for len(rows) > 0 {
		n := tx.store.fitting(rows)
		there, err := tx.insertNew(ctx, insertFact, rows[:n], func(ids []string) ([]string, error) {
			err := tx.hashes(ctx, selectKnown, shop, ids, known)
			return slices.Collect(maps.Keys(known)), err
		})
		if err != nil {
			return nil, err
		}
		if err := tx.hashes(ctx, selectKnownLast, shop, there, known); err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return known, nil
}

func (tx *session) hashes(ctx context.Context, query, shop string, ids []string, into map[string][]byte) error {
	return tx.eachIn(ctx, query, []any{shop}, ids, func(scan scanner) error {
		var id string
		var hash []byte
		err := scan(&id, &hash)
		into[id] = hash
		return err
	})
}

// insertNew inserts rows in one statement. If one of them is there already, it
// asks look which are, and goes on without them. What look can't see, because
// it was committed meanwhile or after the cart's transaction began, is found by
// halves; insertNew returns the ids of these. The id is the second column.
func (tx *session) insertNew(ctx context.Context, head string, rows [][]any, look func(ids []string) ([]string, error)) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err := tx.insertOnce(ctx, head, "", rows)
	switch {
	case !isDuplicate(err):
		return nil, err
	case len(rows) == 1:
		return []string{rows[0][1].(string)}, nil
	case look != nil:
		there, err := look(secondColumn(rows))
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(slices.Clone(rows), func(row []any) bool { return slices.Contains(there, row[1].(string)) })
		return tx.insertNew(ctx, head, rows, nil)
	}
	low, err := tx.insertNew(ctx, head, rows[:len(rows)/2], nil)
	if err != nil {
		return nil, err
	}
	high, err := tx.insertNew(ctx, head, rows[len(rows)/2:], nil)
	return append(low, high...), err
}

func secondColumn(rows [][]any) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row[1].(string)
	}
	return ids
}

// deliver puts new facts into the inboxes of their customers. The inbox's
// foreign key takes a share lock on each of them.
func deliver(ctx context.Context, tx *session, shop string, facts []crm.FactRow) error {
	entries := make(map[crm.InboxEntry]bool)
	customers := make(map[string]bool)
	for _, f := range facts {
		for _, key := range f.Keys {
			entries[crm.InboxEntry{Customer: key, Fact: f.ID}] = true
			customers[key] = true
		}
	}
	if err := meet(ctx, tx, shop, customers); err != nil {
		return err
	}
	sorted := slices.SortedFunc(maps.Keys(entries), func(a, b crm.InboxEntry) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Fact, b.Fact))
	})
	rows := make([][]any, len(sorted))
	for i, entry := range sorted {
		rows[i] = []any{shop, entry.Customer, entry.Fact, crm.Bucket(entry.Customer)}
	}
	return tx.insert(ctx, insertInbox, "", rows)
}

// meet creates customers not seen before. Those that are there are looked up
// without a lock: an INSERT that finds a row locks it, alone or with the gap
// before it.
func meet(ctx context.Context, tx *session, shop string, customers map[string]bool) error {
	ids := slices.Sorted(maps.Keys(customers))
	err := tx.eachIn(ctx, selectMet, []any{shop}, ids, func(scan scanner) error {
		var id string
		err := scan(&id)
		delete(customers, id)
		return err
	})
	if err != nil {
		return err
	}
	var rows [][]any
	for _, id := range ids {
		if customers[id] {
			rows = append(rows, []any{shop, id, crm.Bucket(id)})
		}
	}
	for len(rows) > 0 {
		n := tx.store.fitting(rows)
		if _, err := tx.insertNew(ctx, insertCustomer, rows[:n], nil); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
