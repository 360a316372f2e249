package sqlite

import (
	"cmp"
	"context"
	"slices"

	"github.com/goen-crm/crm"
)

// Rows of the customers in a JSON list. CROSS JOIN keeps the list outside: one
// seek into the table for each of them. They are sorted afterwards, where there
// are few for each customer: SQLite would copy every row to sort it.
const (
	selectCustomers = `
		SELECT c.customer_id, c.state, c.next_due, c.next_review, c.rowid, c.version
		FROM json_each(?2) k CROSS JOIN goen_customer c ON c.shop_id = ?1 AND c.customer_id = k.value`
	selectOrders = `
		SELECT ` + orderColumns + `
		FROM json_each(?2) k CROSS JOIN goen_orders o ON o.shop_id = ?1 AND o.customer_id = k.value`
	selectInbox = `
		SELECT ` + factColumns + `, i.customer_id
		FROM json_each(?2) k CROSS JOIN goen_inbox i ON i.shop_id = ?1 AND i.customer_id = k.value
			CROSS JOIN goen_fact f ON f.shop_id = i.shop_id AND f.fact_id = i.fact_id`
	selectOpenMessages = `
		SELECT ` + messageColumns + `, NULL
		FROM json_each(?2) k CROSS JOIN goen_message m INDEXED BY goen_message_open
			ON m.shop_id = ?1 AND m.customer_id = k.value AND (m.state = 'queued' OR m.state = 'claimed' OR m.state = 'started' OR m.state = 'unknown')`
)

// loadCustomers returns those of ids that exist, in order of id, with their
// pending facts. locked, if not nil, learns which edition of them it was.
func loadCustomers(ctx context.Context, tx *session, shop string, ids []string, locked map[string]edition) ([]crm.CustomerRow, error) {
	customers := make([]crm.CustomerRow, 0, len(ids))
	args := []any{shop, list(ids)}
	var e edition
	err := tx.each(ctx, selectCustomers, args, func(scan scanner) error {
		customers = append(customers, crm.CustomerRow{})
		c := &customers[len(customers)-1]
		err := scan(&c.ID, &c.State, instant{&c.NextDue}, instant{&c.NextReview}, &e.rowid, &e.version)
		if locked != nil {
			locked[c.ID] = e
		}
		return err
	})
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	slices.SortFunc(customers, func(a, b crm.CustomerRow) int { return cmp.Compare(a.ID, b.ID) })
	byID, _ := index(customers)
	var f crm.FactRow // of each row in turn: a scan sets all of it
	var inbox string
	err = tx.each(ctx, selectInbox, args, func(scan scanner) error {
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
	err := tx.each(ctx, selectOrders, []any{shop, list(ids)}, func(scan scanner) error {
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
	err := tx.each(ctx, selectOpenMessages, []any{shop, list(ids)}, func(scan scanner) error {
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
