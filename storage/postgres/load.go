package postgres

import (
	"cmp"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// What belongs to customers. LATERAL and OFFSET 0 make the server look each of
// them up by the key, whatever it believes about the size of a table.
const (
	selectOrders = `
		SELECT ` + orderColumns + ` FROM unnest($2::text[]) AS k (customer_id) CROSS JOIN LATERAL (
			SELECT * FROM goen_orders WHERE shop_id = $1 AND customer_id = k.customer_id ORDER BY order_id OFFSET 0
		) AS o`
	selectInbox = `
		SELECT ` + factColumns + `, i.customer_id, i.place::text FROM unnest($2::text[], $3::smallint[]) AS k (customer_id, share) CROSS JOIN LATERAL (
			SELECT customer_id, fact_id, ctid AS place FROM goen_inbox WHERE shop_id = $1 AND share = k.share AND customer_id = k.customer_id OFFSET 0
		) AS i CROSS JOIN LATERAL (
			SELECT * FROM goen_fact WHERE shop_id = $1 AND fact_id = i.fact_id OFFSET 0
		) AS f ORDER BY f.event_at, f.fact_id`
	selectOpenMessages = `
		SELECT ` + messageWithoutContent + ` FROM unnest($2::text[]) AS k (customer_id) CROSS JOIN LATERAL (
			SELECT * FROM goen_message
			WHERE shop_id = $1 AND customer_id = k.customer_id AND state IN ('queued', 'claimed', 'started', 'unknown')
			ORDER BY send_at OFFSET 0 -- in which only the customers' index is
		) AS m`
)

// found looks up customers by id who are known when rows of theirs arrive.
func found(customers *[]crm.CustomerRow) func(id string) *crm.CustomerRow {
	var byID map[string]*crm.CustomerRow
	return func(id string) *crm.CustomerRow {
		if byID == nil {
			byID = make(map[string]*crm.CustomerRow, len(*customers))
			for i := range *customers {
				byID[(*customers)[i].ID] = &(*customers)[i]
			}
		}
		return byID[id]
	}
}

// loadInbox queues what fills in the pending facts of customers, who are among
// ids. For an update, it notes where the entries are.
func (tx *transaction) loadInbox(shop string, ids []string, customers *[]crm.CustomerRow, of *update) {
	find := found(customers)
	tx.each(selectInbox, []any{shop, ids, column(ids, inboxShare)}, func(rows pgx.Rows) error {
		var f crm.FactRow
		var inbox, place string
		err := scanFact(rows, &f, &inbox, &place)
		if c := find(inbox); c != nil {
			c.Pending = append(c.Pending, f)
			if of != nil {
				of.entries[crm.InboxEntry{Customer: inbox, Fact: f.ID}] = place
			}
		}
		return err
	})
}

// loadOrders queues what fills in the orders of customers.
func (tx *transaction) loadOrders(shop string, ids []string, customers *[]crm.CustomerRow) {
	find := found(customers)
	tx.each(selectOrders, []any{shop, ids}, func(rows pgx.Rows) error {
		var o crm.OrderRow
		err := scanOrder(rows, &o)
		if c := find(o.Customer); c != nil {
			c.Orders = append(c.Orders, o)
		}
		return err
	})
}

// loadMessages queues what fills in the messages of customers that may still be
// skipped or stopped.
func (tx *transaction) loadMessages(shop string, ids []string, customers *[]crm.CustomerRow) {
	find := found(customers)
	tx.each(selectOpenMessages, []any{shop, ids}, func(rows pgx.Rows) error {
		var m crm.Message
		err := scanMessage(rows, &m)
		if c := find(m.Customer); c != nil {
			place, _ := slices.BinarySearchFunc(c.Messages, m.ID, func(m crm.Message, id string) int { return cmp.Compare(m.ID, id) })
			c.Messages = slices.Insert(c.Messages, place, m)
		}
		return err
	})
}
