package sqlite

import (
	"context"
	"errors"

	"github.com/goen-crm/crm"
)

const (
	updateCustomer = `
		UPDATE goen_customer SET state = ?, next_due = ?, next_review = ?, version = version + 1
		WHERE rowid = ? AND version = ? AND customer_id = ?`
	keepCustomer = `UPDATE goen_customer SET version = version + 1 WHERE rowid = ? AND version = ? AND customer_id = ?`
	upsertOrder  = `
		INSERT INTO goen_orders (shop_id, customer_id, order_id, status, currency, total, refunded, placed_at, counted_at, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (shop_id, customer_id, order_id) DO UPDATE SET status = excluded.status, currency = excluded.currency,
			total = excluded.total, refunded = excluded.refunded,
			placed_at = excluded.placed_at, counted_at = excluded.counted_at, state = excluded.state`
	deleteTwins = `
		DELETE FROM goen_orders WHERE shop_id = ?1 AND customer_id = ?2
			AND order_id IN (SELECT order_id FROM goen_orders WHERE shop_id = ?1 AND customer_id = ?3)`
	deleteInbox = `DELETE FROM goen_inbox WHERE shop_id = ? AND customer_id = ? AND fact_id = ?`
	setAside    = `UPDATE goen_fact SET set_aside = ? WHERE shop_id = ? AND fact_id = ?`
	skipMessage = `
		UPDATE goen_message SET state = 'skipped', reason = ?, settled_at = ?, lease_until = NULL
		WHERE shop_id = ? AND message_id = ? AND state IN ('queued', 'claimed')`
	stopMessage = `UPDATE goen_message SET stopped = ? WHERE shop_id = ? AND message_id = ? AND state IN ('started', 'unknown')`
)

var insertMessages = newInsertion(`
	INSERT OR FAIL INTO goen_message (shop_id, message_id, enrollment, journey, version, step, visit, template, template_version, class,
		customer_id, address_key, cart_key, order_id, recipient, send_at, deadline, state, reason, stopped, attempt,
		lease_until, failures, unknowns, started_at, settled_at, content, lane, bucket)`, 29, `ON CONFLICT DO NOTHING`)

// errNotLocked names no customer: her key may be personal.
var errNotLocked = errors.New("decide changes a customer who is not locked")

// apply writes changes in the order that [crm.Changes] gives: moves first,
// erasures and purges last.
func (u *update) apply(ctx context.Context, ch *crm.Changes) error {
	for _, step := range []func(context.Context, *crm.Changes) error{
		u.move, u.writeCustomers, u.keepOthers, u.writeOrders, u.consume, u.setAside, u.queue, u.skip, u.log, u.erase, u.purge,
	} {
		if err := step(ctx, ch); err != nil {
			return err
		}
	}
	return nil
}

// move re-addresses rows. Of an order that both have, To's stays. The inbox
// stays: its entries are what Consumed names.
func (u *update) move(ctx context.Context, ch *crm.Changes) error {
	for _, m := range ch.Move {
		if m.From == m.To {
			continue
		}
		if _, err := u.tx.run(ctx, deleteTwins, u.shop, m.From, m.To); err != nil {
			return err
		}
		for _, table := range []string{"goen_fact", "goen_orders", "goen_message", "goen_decision"} {
			_, err := u.tx.run(ctx, `UPDATE `+table+` SET customer_id = ? WHERE shop_id = ? AND customer_id = ?`, m.To, u.shop, m.From)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writeCustomers, like keepOthers, fails if a customer is not as she was loaded.
// Her id is compared since VACUUM gives rows other numbers.
func (u *update) writeCustomers(ctx context.Context, ch *crm.Changes) error {
	for _, c := range ch.Customers {
		e, locked := u.locked[c.ID]
		if !locked {
			return errNotLocked
		}
		same, err := u.tx.changed(ctx, updateCustomer, text(c.State), optional(c.NextDue), optional(c.NextReview), e.rowid, e.version, c.ID)
		if err != nil {
			return err
		}
		if !same {
			return errOvertaken
		}
		e.version, e.written = e.version+1, true
		u.locked[c.ID] = e
	}
	return nil
}

// keepOthers counts up the versions of those whose row is not written: that
// they stay as they are may be what was decided.
func (u *update) keepOthers(ctx context.Context, _ *crm.Changes) error {
	for id, e := range u.locked {
		if e.written {
			continue
		}
		same, err := u.tx.changed(ctx, keepCustomer, e.rowid, e.version, id)
		if err != nil {
			return err
		}
		if !same {
			return errOvertaken
		}
	}
	return nil
}

func (u *update) writeOrders(ctx context.Context, ch *crm.Changes) error {
	for _, o := range ch.Orders {
		_, err := u.tx.run(ctx, upsertOrder, u.shop, o.Customer, o.ID, o.Status, o.Currency, o.Total, o.Refunded,
			optional(o.PlacedAt), optional(o.CountedAt), text(o.State))
		if err != nil {
			return err
		}
	}
	return nil
}

func (u *update) consume(ctx context.Context, ch *crm.Changes) error {
	for _, entry := range ch.Consumed {
		if _, err := u.tx.run(ctx, deleteInbox, u.shop, entry.Customer, entry.Fact); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) setAside(ctx context.Context, ch *crm.Changes) error {
	for fact, reason := range ch.SetAside {
		if _, err := u.tx.run(ctx, setAside, optionalText(reason), u.shop, fact); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) queue(ctx context.Context, ch *crm.Changes) error {
	return insert(ctx, u.tx, insertMessages, ch.Queue, func(args []any, m *crm.Message) []any {
		return append(args, u.shop, m.ID, m.Enrollment, m.Journey, m.Version, m.Step, m.Visit,
			m.Template, m.TemplateVersion, string(m.Class), m.Customer, m.AddressKey, m.CartKey, m.Order, m.To,
			ordered(m.SendAt), optional(m.Deadline), string(m.State), string(m.Reason), string(m.Stopped), m.Attempt,
			optional(m.LeaseUntil), m.Failures, m.Unknowns, optional(m.StartedAt), optional(m.SettledAt), optionalBlob(m.Content),
			named(m.Lane), crm.Bucket(m.ID))
	})
}

func (u *update) skip(ctx context.Context, ch *crm.Changes) error {
	for _, skip := range ch.Skip {
		if _, err := u.tx.run(ctx, stopMessage, string(skip.Reason), u.shop, skip.Message); err != nil {
			return err
		}
		if _, err := u.tx.run(ctx, skipMessage, string(skip.Reason), optional(skip.At), u.shop, skip.Message); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) log(ctx context.Context, ch *crm.Changes) error {
	return writeLog(ctx, u.tx, u.shop, ch.Decisions)
}
