package mysql

import (
	"context"

	"github.com/goen-crm/crm"
)

const (
	eraseFacts = `
		UPDATE goen_fact f SET f.body = NULL WHERE f.shop_id = ? AND f.customer_id = ?
			AND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = f.shop_id AND i.fact_id = f.fact_id)`
	eraseMessages = `UPDATE goen_message SET content = NULL, recipient = '' WHERE shop_id = ? AND customer_id = ?`
	eraseOrders   = `UPDATE goen_orders SET state = NULL WHERE shop_id = ? AND customer_id = ?`
)

// erase deletes the content of what belongs to customers. Ids and hashes of
// facts stay, so that a fact told again is still known.
func (u *update) erase(ctx context.Context, ch *crm.Changes) error {
	for _, erasure := range ch.Erase {
		var kept []string
		for _, o := range ch.Orders {
			if o.Customer == erasure.Customer {
				kept = append(kept, o.ID)
			}
		}
		if err := u.eraseBut(ctx, eraseFacts, "f.type", erasure.Customer, erasure.Keep); err != nil {
			return err
		}
		if err := u.eraseBut(ctx, eraseOrders, "order_id", erasure.Customer, kept); err != nil {
			return err
		}
		if _, err := u.tx.exec(ctx, eraseMessages, u.shop, erasure.Customer); err != nil {
			return err
		}
	}
	return nil
}

// eraseBut runs a statement on a customer's rows but those whose column is in a
// list.
func (u *update) eraseBut(ctx context.Context, query, column, customer string, but []string) error {
	args := []any{u.shop, customer}
	if len(but) > 0 {
		query, args = listed(query+" AND "+column+" NOT "+inList, args, but)
	}
	_, err := u.tx.exec(ctx, query, args...)
	return err
}
