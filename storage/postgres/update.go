package postgres

import (
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
	err = s.write(ctx, "update", 1, func(tx *transaction) (err error) {
		tx.queue(useKeys)
		u := &update{tx: tx, shop: shop, locked: make(map[string]string), entries: make(map[crm.InboxEntry]string)}
		found, err = u.run(ctx, sel, decide)
		return err
	})
	if err != nil {
		return 0, err
	}
	return found, nil
}

// An update is one Update in its transaction.
type update struct {
	tx      *transaction
	shop    string
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
		customers, failure = u.lock(ctx, ids)
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
	return found, u.tx.commit(ctx)
}

const (
	// lockCustomers skips those whom another update or a claim has locked. It
	// works beside open transactions of carts that have put a fact into their
	// inboxes.
	lockCustomers = `
		SELECT ` + customerColumns + `, c.ctid::text FROM unnest($2::text[]) AS k (customer_id) CROSS JOIN LATERAL (
			SELECT *, ctid FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id FOR NO KEY UPDATE SKIP LOCKED
		) AS c`
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
	customers, err = u.lock(ctx, ids)
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
// taken. That of customers who could not be locked is read in vain.
func (u *update) lock(ctx context.Context, ids []string) ([]crm.CustomerRow, error) {
	ids = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(ids))), func(id string) bool { return u.locked[id] != "" })
	if len(ids) == 0 {
		return nil, u.tx.run(ctx)
	}
	customers, places := make([]crm.CustomerRow, 0, len(ids)), make([]string, 0, len(ids))
	u.tx.each(lockCustomers, []any{u.shop, ids}, func(rows pgx.Rows) error {
		customers, places = append(customers, crm.CustomerRow{}), append(places, "")
		return scanCustomer(rows, &customers[len(customers)-1], &places[len(places)-1])
	})
	u.tx.loadInbox(u.shop, ids, &customers, u)
	if err := u.tx.run(ctx); err != nil {
		return nil, err
	}
	for i := range customers {
		u.locked[customers[i].ID] = places[i]
	}
	return customers, nil
}
