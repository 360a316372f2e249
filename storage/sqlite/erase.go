package sqlite

import (
	"context"

	"github.com/goen-crm/crm"
)

const (
	eraseFacts = `
		UPDATE goen_fact SET body = NULL
		WHERE shop_id = ?1 AND customer_id = ?2 AND type NOT IN (SELECT value FROM json_each(?3))
			AND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = ?1 AND i.fact_id = goen_fact.fact_id)`
	eraseMessages = `UPDATE goen_message SET content = NULL, recipient = '' WHERE shop_id = ? AND customer_id = ?`
	eraseOrders   = `
		UPDATE goen_orders SET state = NULL
		WHERE shop_id = ? AND customer_id = ? AND order_id NOT IN (SELECT value FROM json_each(?))`
	eraseBody = `UPDATE goen_fact SET body = NULL WHERE shop_id = ? AND fact_id = ?`
)

// erase deletes the content of what belongs to customers, but the bodies of
// facts that are not folded yet. Ids and hashes of facts stay, so that a fact
// told again is still known. What the database file held is overwritten with
// zeros, since the connection has secure_delete on; the write-ahead log loses
// it when it begins anew.
func (u *update) erase(ctx context.Context, ch *crm.Changes) error {
	for _, erasure := range ch.Erase {
		var kept []string
		for _, o := range ch.Orders {
			if o.Customer == erasure.Customer {
				kept = append(kept, o.ID)
			}
		}
		if _, err := u.tx.run(ctx, eraseFacts, u.shop, erasure.Customer, list(erasure.Keep)); err != nil {
			return err
		}
		if _, err := u.tx.run(ctx, eraseMessages, u.shop, erasure.Customer); err != nil {
			return err
		}
		if _, err := u.tx.run(ctx, eraseOrders, u.shop, erasure.Customer, list(kept)); err != nil {
			return err
		}
	}
	return nil
}

// purge deletes the bodies of single facts.
func (u *update) purge(ctx context.Context, ch *crm.Changes) error {
	for _, fact := range ch.Purge {
		if _, err := u.tx.run(ctx, eraseBody, u.shop, fact); err != nil {
			return err
		}
	}
	return nil
}
