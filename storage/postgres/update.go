package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Update implements [crm.Store]. Customers given by id take two round trips,
// those that are due one more; each Lock takes another.
//
// decide is called with every customer that could be locked, also when that is
// none. It should take milliseconds: the customers are locked meanwhile.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, err error) {
	write := func(known bool) error {
		return s.write(ctx, "update", 1, func(tx *transaction) (err error) {
			tx.queue(useKeys)
			u := &update{tx: tx, shop: shop, known: known, locked: make(map[string]string), entries: make(map[crm.InboxEntry]string)}
			found, err = u.run(ctx, sel, decide)
			return err
		})
	}
	if err = write(false); errors.Is(err, errKnown) {
		err = write(true)
	}
	if err != nil {
		return 0, err
	}
	return found, nil
}

// An update is one Update in its transaction.
type update struct {
	tx      *transaction
	shop    string
	known   bool                      // some of the messages may be there
	locked  map[string]string         // where the row of each customer is
	entries map[crm.InboxEntry]string // where the inbox entries of these customers are
}

func (u *update) run(ctx context.Context, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, err error) {
	var work crm.Work
	u.tx.queue(selectRevision, u.shop).QueryRow(func(row pgx.Row) error { return row.Scan(&work.Revision) })
	if sel.IDs != nil {
		work.Customers, found, err = u.listed(ctx, sel.IDs)
	} else {
		work.Customers, found, err = u.due(ctx, sel)
	}
	if err != nil {
		return 0, err
	}
	var failure error // of Lock, Pending or Fill
	work.Lock = func(ids []string) (customers []crm.CustomerRow, err error) {
		customers, failure = u.lock(ctx, ids, nil)
		if failure != nil {
			return nil, failed("update", failure)
		}
		return customers, nil
	}
	work.Pending = func(ids []string) (pending []string, err error) {
		pending, failure = u.pending(ctx, ids)
		if failure != nil {
			return nil, failed("update", failure)
		}
		return pending, nil
	}
	work.Fill = func(customers []crm.CustomerRow) error {
		if failure = u.fill(ctx, customers); failure != nil {
			return failed("update", failure)
		}
		return nil
	}
	changes, err := decide(&work)
	switch {
	case isUndone(failure):
		return 0, failure // decide is called again
	case err != nil:
		return 0, theirs{err}
	case failure != nil:
		return 0, failure
	}
	if changes != nil {
		if err := u.apply(changes); err != nil {
			return 0, err
		}
		defer u.tx.s.low.changed(u.shop, changes) // also if nobody knows whether it was committed
	}
	if err = u.tx.commit(ctx); !u.known && hasCode(err, uniqueViolation) {
		return 0, errKnown
	}
	return found, err
}

// errKnown is the error of an update that queues a message that is there.
var errKnown = errors.New("a message is there already")

const (
	// lockCustomers skips those whom another update or a claim has locked. It
	// works beside open transactions of carts that have put a fact into their
	// inboxes.
	lockCustomers = `
		SELECT ` + customerColumns + `, c.ctid::text FROM unnest($2::text[]) AS k (customer_id) CROSS JOIN LATERAL (
			SELECT *, ctid FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id ` + unlocked + `
		) AS c`
	// lockFound is lockCustomers for those whose rows were seen at a place. One
	// that was written since is not there any more: somebody else has locked it.
	lockFound = `
		SELECT ` + customerColumns + `, c.ctid::text
		FROM (SELECT unnest($2::text[]) AS customer_id, unnest($3::text[])::tid AS place) AS k CROSS JOIN LATERAL (
			SELECT *, ctid FROM goen_customer WHERE ctid = k.place AND shop_id = $1 AND customer_id = k.customer_id ` + unlocked + `
		) AS c`
	unlocked      = `FOR NO KEY UPDATE SKIP LOCKED`
	selectStirred = `
		SELECT k.customer_id FROM unnest($2::text[], $3::smallint[]) AS k (customer_id, share)
		WHERE EXISTS (SELECT FROM goen_inbox WHERE shop_id = $1 AND share = k.share AND customer_id = k.customer_id)`
	countCustomers = `
		SELECT count(*) FROM unnest($2::text[]) AS k (customer_id) CROSS JOIN LATERAL (
			SELECT FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id OFFSET 0
		) AS c`
)

// errNotLocked names no customer: her key may be personal.
var errNotLocked = errors.New("decide changes a customer who is not locked")

// pending returns those of ids who have a fact in the inbox.
func (u *update) pending(ctx context.Context, ids []string) (pending []string, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	u.tx.each(selectStirred, []any{u.shop, ids, column(ids, inboxShare)}, func(rows pgx.Rows) error {
		var id string
		err := rows.Scan(&id)
		pending = append(pending, id)
		return err
	})
	err = u.tx.run(ctx)
	slices.Sort(pending)
	return pending, err
}

// listed locks and loads the customers of a list.
func (u *update) listed(ctx context.Context, ids []string) (customers []crm.CustomerRow, found int, err error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	customers, err = u.lock(ctx, ids, nil)
	if err != nil || len(customers) == len(ids) {
		return customers, len(customers), err
	}
	u.tx.queue(countCustomers, u.shop, ids).QueryRow(func(row pgx.Row) error { return row.Scan(&found) })
	return customers, found, u.tx.run(ctx)
}

// fill loads what customers have beside their inboxes.
func (u *update) fill(ctx context.Context, customers []crm.CustomerRow) error {
	ids := make([]string, len(customers))
	for i := range customers {
		ids[i], customers[i].Orders, customers[i].Messages = customers[i].ID, nil, nil
	}
	u.tx.loadOrders(u.shop, ids, &customers)
	u.tx.loadMessages(u.shop, ids, &customers)
	return u.tx.run(ctx)
}

// lock locks those of ids that exist and were not asked for before, and loads
// them. What belongs to them is read by later statements: after the lock was
// taken. That of customers who could not be locked is read in vain. Customers
// are looked up by their ids where it is not known at which place their rows are.
func (u *update) lock(ctx context.Context, ids []string, places map[string]string) ([]crm.CustomerRow, error) {
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool { return u.locked[id] != "" })
	if len(ids) == 0 {
		return nil, u.tx.run(ctx)
	}
	var unseen, seen, at []string
	for _, id := range ids {
		if place := places[id]; place != "" {
			seen, at = append(seen, id), append(at, place)
		} else {
			unseen = append(unseen, id)
		}
	}
	customers, found := make([]crm.CustomerRow, 0, len(ids)), make([]string, 0, len(ids))
	scan := func(rows pgx.Rows) error {
		customers, found = append(customers, crm.CustomerRow{}), append(found, "")
		return scanCustomer(rows, &customers[len(customers)-1], &found[len(found)-1])
	}
	if len(seen) > 0 {
		u.tx.each(lockFound, []any{u.shop, seen, at}, scan)
	}
	if len(unseen) > 0 {
		u.tx.each(lockCustomers, []any{u.shop, unseen}, scan)
	}
	u.tx.loadInbox(u.shop, ids, &customers, u)
	if err := u.tx.run(ctx); err != nil {
		return nil, err
	}
	for i := range customers {
		u.locked[customers[i].ID] = found[i]
	}
	if len(seen) > 0 && len(unseen) > 0 {
		slices.SortFunc(customers, func(a, b crm.CustomerRow) int { return cmp.Compare(a.ID, b.ID) })
	}
	return customers, nil
}
