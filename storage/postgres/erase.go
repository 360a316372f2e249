package postgres

import (
	"slices"

	"github.com/goen-crm/crm"
)

const (
	eraseFacts = `
		UPDATE goen_fact AS f SET body = NULL
		WHERE f.shop_id = $1 AND f.customer_id = $2 AND f.body IS NOT NULL AND f.type <> ALL ($3::text[])
			AND NOT EXISTS (SELECT FROM goen_inbox AS i WHERE i.shop_id = $1 AND i.fact_id = f.fact_id)`
	eraseMessages = `
		UPDATE goen_message SET content = NULL, recipient = ''
		WHERE shop_id = $1 AND customer_id = $2 AND (content IS NOT NULL OR recipient <> '')`
	eraseOrders = `
		UPDATE goen_orders SET state = NULL
		WHERE shop_id = $1 AND customer_id = $2 AND state IS NOT NULL AND order_id <> ALL ($3::text[])`
	purgeListed = `
		UPDATE goen_fact AS f SET body = NULL
		FROM (
			SELECT t.ctid AS place, $1::text AS shop_id
			FROM unnest($2::text[]) AS u (fact_id)
			CROSS JOIN LATERAL (
				SELECT ctid FROM goen_fact WHERE shop_id = $1 AND fact_id = u.fact_id AND body IS NOT NULL OFFSET 0
			) AS t OFFSET 0
		) AS u WHERE f.ctid = u.place AND f.shop_id = u.shop_id`

	deleteTwins = `
		DELETE FROM goen_orders WHERE shop_id = $1 AND customer_id = $2
			AND order_id IN (SELECT order_id FROM goen_orders WHERE shop_id = $1 AND customer_id = $3)`
	moveFacts     = `UPDATE goen_fact SET customer_id = $3 WHERE shop_id = $1 AND customer_id = $2`
	moveOrders    = `UPDATE goen_orders SET customer_id = $3 WHERE shop_id = $1 AND customer_id = $2`
	moveMessages  = `UPDATE goen_message SET customer_id = $3 WHERE shop_id = $1 AND customer_id = $2`
	moveDecisions = `UPDATE goen_decision SET customer_id = $3 WHERE shop_id = $1 AND customer_id = $2`
)

// move re-addresses rows, one customer after the other. Of an order that both
// have, To's stays. The inbox stays: its entries are what Consumed names.
func (u *update) move(moves []crm.Move) {
	for _, m := range moves {
		if m.From == m.To {
			continue
		}
		for _, statement := range []string{deleteTwins, moveFacts, moveOrders, moveMessages, moveDecisions} {
			u.tx.queue(statement, u.shop, m.From, m.To)
		}
	}
}

// erase deletes the content of what belongs to customers. Ids and hashes of
// facts stay, so that a fact told again is still known.
func (u *update) erase(erasures []crm.Erasure, orders []crm.OrderRow) {
	for _, e := range erasures {
		kept := []string{}
		for i := range orders {
			if orders[i].Customer == e.Customer {
				kept = append(kept, orders[i].ID)
			}
		}
		u.tx.queue(eraseFacts, u.shop, e.Customer, append([]string{}, e.Keep...))
		u.tx.queue(eraseMessages, u.shop, e.Customer)
		u.tx.queue(eraseOrders, u.shop, e.Customer, kept)
	}
}

// purge deletes the bodies of facts.
func (u *update) purge(facts []string) {
	if len(facts) == 0 {
		return
	}
	facts = slices.Compact(slices.Sorted(slices.Values(facts)))
	u.tx.queue(lockFacts, u.shop, facts)
	u.tx.queue(purgeListed, u.shop, facts)
}
