package mysql

import (
	"cmp"
	"context"
	"slices"

	"github.com/goen-crm/crm"
)

const (
	selectCustomers = `
		SELECT customer_id, state, CAST(next_due AS CHAR), CAST(next_review AS CHAR) FROM goen_customer FORCE INDEX (PRIMARY)
		WHERE shop_id = ? AND customer_id ` + inList
	// A locking read sees what is committed last, whatever the isolation level.
	lockCustomers = selectCustomers + ` FOR UPDATE SKIP LOCKED`
	selectOrders  = `SELECT ` + orderColumns + ` FROM goen_orders o FORCE INDEX (PRIMARY) WHERE o.shop_id = ? AND o.customer_id ` + inList
	// STRAIGHT_JOIN keeps the inbox outside: one seek into the facts for each entry.
	selectInbox = `
		SELECT ` + factColumns + `, i.customer_id FROM goen_inbox i FORCE INDEX (PRIMARY)
		STRAIGHT_JOIN goen_fact f FORCE INDEX (PRIMARY) ON f.shop_id = i.shop_id AND f.fact_id = i.fact_id
		WHERE i.shop_id = ? AND i.customer_id ` + inList
	selectOpenMessages = `
		SELECT ` + messageColumns + `, NULL FROM goen_message m FORCE INDEX (customer)
		WHERE m.shop_id = ? AND m.is_open = 1 AND m.customer_id ` + inList
)

// loadCustomers returns those of ids that a query, selectCustomers or
// lockCustomers, finds, in order of id, with their pending facts, read
// after the customers.
func loadCustomers(ctx context.Context, tx *session, query, shop string, ids []string) ([]crm.CustomerRow, error) {
	customers := make([]crm.CustomerRow, 0, len(ids))
	args := []any{shop}
	err := tx.eachIn(ctx, query, args, ids, func(scan scanner) error {
		customers = append(customers, crm.CustomerRow{})
		c := &customers[len(customers)-1]
		return scan(&c.ID, documentOf{&c.State}, instant{&c.NextDue}, instant{&c.NextReview})
	})
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	slices.SortFunc(customers, func(a, b crm.CustomerRow) int { return cmp.Compare(a.ID, b.ID) })
	byID, found := index(customers)
	var f crm.FactRow // of each row in turn: a scan sets all of it
	var inbox string
	err = tx.eachIn(ctx, selectInbox, args, found, func(scan scanner) error {
		err := scanFact(scan, &f, &inbox)
		if c := byID[inbox]; c != nil {
			c.Pending = append(c.Pending, f)
		}
		return err
	})
	for i := range customers {
		slices.SortFunc(customers[i].Pending, func(a, b crm.FactRow) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	}
	return customers, err
}

// loadOrders gives customers their orders.
func loadOrders(ctx context.Context, tx *session, shop string, customers []crm.CustomerRow) error {
	byID, ids := index(customers)
	for i := range customers {
		customers[i].Orders = nil
	}
	var o crm.OrderRow
	err := tx.eachIn(ctx, selectOrders, []any{shop}, ids, func(scan scanner) error {
		err := scanOrder(scan, &o)
		if c := byID[o.Customer]; c != nil {
			c.Orders = append(c.Orders, o)
		}
		return err
	})
	for i := range customers {
		slices.SortFunc(customers[i].Orders, func(a, b crm.OrderRow) int { return cmp.Compare(a.ID, b.ID) })
	}
	return err
}

// loadMessages gives customers their messages that are not settled.
func loadMessages(ctx context.Context, tx *session, shop string, customers []crm.CustomerRow) error {
	byID, ids := index(customers)
	for i := range customers {
		customers[i].Messages = nil
	}
	var m crm.Message
	err := tx.eachIn(ctx, selectOpenMessages, []any{shop}, ids, func(scan scanner) error {
		err := scanMessage(scan, &m)
		if c := byID[m.Customer]; c != nil {
			c.Messages = append(c.Messages, m)
		}
		return err
	})
	for i := range customers {
		slices.SortFunc(customers[i].Messages, func(a, b crm.Message) int { return cmp.Compare(a.ID, b.ID) })
	}
	return err
}

func index(customers []crm.CustomerRow) (map[string]*crm.CustomerRow, []string) {
	byID := make(map[string]*crm.CustomerRow, len(customers))
	ids := make([]string, len(customers))
	for i := range customers {
		byID[customers[i].ID], ids[i] = &customers[i], customers[i].ID
	}
	return byID, ids
}
