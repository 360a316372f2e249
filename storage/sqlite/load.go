package sqlite

import (
	"context"

	"github.com/goen-crm/crm"
)

// Rows of the customers in a JSON list. CROSS JOIN keeps the list outside: one
// seek into the table for each of them.
const (
	selectCustomers = `
		SELECT c.customer_id, c.state, c.next_due, c.next_review
		FROM json_each(?2) k CROSS JOIN goen_customer c ON c.shop_id = ?1 AND c.customer_id = k.value
		ORDER BY c.customer_id`
	selectOrders = `
		SELECT ` + orderColumns + `
		FROM json_each(?2) k CROSS JOIN goen_orders o ON o.shop_id = ?1 AND o.customer_id = k.value
		ORDER BY o.order_id`
	selectInbox = `
		SELECT ` + factColumns + `, i.customer_id
		FROM json_each(?2) k CROSS JOIN goen_inbox i ON i.shop_id = ?1 AND i.customer_id = k.value
			CROSS JOIN goen_fact f ON f.shop_id = i.shop_id AND f.fact_id = i.fact_id
		ORDER BY f.event_at, f.fact_id`
	selectOpenMessages = `
		SELECT ` + messageColumns + `, NULL
		FROM json_each(?2) k CROSS JOIN goen_message m INDEXED BY goen_message_open
			ON m.shop_id = ?1 AND m.customer_id = k.value AND m.state IN ('queued', 'claimed', 'started', 'unknown')
		ORDER BY m.message_id`
)

// loadCustomers returns those of ids that exist, in order of id, with their
// orders, pending facts and, if asked for, open messages.
func loadCustomers(ctx context.Context, tx *session, shop string, ids []string, messages bool) ([]crm.CustomerRow, error) {
	var customers []crm.CustomerRow
	args := []any{shop, list(ids)}
	err := tx.each(ctx, selectCustomers, args, func(scan scanner) error {
		var c crm.CustomerRow
		err := scan(&c.ID, &c.State, instant{&c.NextDue}, instant{&c.NextReview})
		customers = append(customers, c)
		return err
	})
	if err != nil || len(customers) == 0 {
		return nil, err
	}
	byID := make(map[string]*crm.CustomerRow, len(customers))
	for i := range customers {
		byID[customers[i].ID] = &customers[i]
	}
	err = tx.each(ctx, selectOrders, args, func(scan scanner) error {
		var o crm.OrderRow
		err := scanOrder(scan, &o)
		if c := byID[o.Customer]; c != nil {
			c.Orders = append(c.Orders, o)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = tx.each(ctx, selectInbox, args, func(scan scanner) error {
		var f crm.FactRow
		var inbox string
		err := scanFact(scan, &f, &inbox)
		if c := byID[inbox]; c != nil {
			c.Pending = append(c.Pending, f)
		}
		return err
	})
	if err != nil || !messages {
		return customers, err
	}
	err = tx.each(ctx, selectOpenMessages, args, func(scan scanner) error {
		var m crm.Message
		err := scanMessage(scan, &m)
		if c := byID[m.Customer]; c != nil {
			c.Messages = append(c.Messages, m)
		}
		return err
	})
	return customers, err
}
