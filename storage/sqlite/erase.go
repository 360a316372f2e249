package sqlite

import (
	"context"

	"github.com/goen-crm/crm"
)

const (
	eraseFacts    = `UPDATE goen_fact SET body = NULL WHERE shop_id = ? AND customer_id = ?`
	eraseMessages = `UPDATE goen_message SET content = NULL, recipient = '' WHERE shop_id = ? AND customer_id = ?`
	eraseOrders   = `
		DELETE FROM goen_orders WHERE shop_id = ? AND customer_id = ? AND order_id NOT IN (SELECT value FROM json_each(?))`
)

// erase deletes the content of what belongs to customers. Ids and hashes of
// facts stay, so that a fact told again is still known. What the database file
// held is overwritten with zeros, since the connection has secure_delete on;
// the write-ahead log loses it when it begins anew.
func (u *update) erase(ctx context.Context, ch *crm.Changes) error {
	for _, erasure := range ch.Erase {
		customer := erasure.Customer
		var kept []string
		for _, o := range ch.Orders {
			if o.Customer == customer {
				kept = append(kept, o.ID)
			}
		}
		if _, err := u.tx.run(ctx, eraseFacts, u.shop, customer); err != nil {
			return err
		}
		if _, err := u.tx.run(ctx, eraseMessages, u.shop, customer); err != nil {
			return err
		}
		if _, err := u.tx.run(ctx, eraseOrders, u.shop, customer, list(kept)); err != nil {
			return err
		}
	}
	return nil
}
