package mysql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goen-crm/crm"
)

const (
	insertCustomers = `INSERT INTO goen_customer (shop_id, customer_id, bucket, state, next_due, next_review)`
	// They are there and locked, so that this updates all of them at once.
	replaceCustomers = `ON DUPLICATE KEY UPDATE state = VALUES(state), next_due = VALUES(next_due), next_review = VALUES(next_review)`

	insertOrders = `INSERT INTO goen_orders (shop_id, customer_id, order_id, status, currency, total, refunded, placed_at, counted_at, state)`
	replaceOrder = `
		ON DUPLICATE KEY UPDATE status = VALUES(status), currency = VALUES(currency), total = VALUES(total), refunded = VALUES(refunded),
			placed_at = VALUES(placed_at), counted_at = VALUES(counted_at), state = VALUES(state)`
	deleteTwins = `
		DELETE f FROM goen_orders f JOIN goen_orders t ON t.shop_id = f.shop_id AND t.order_id = f.order_id
		WHERE f.shop_id = ? AND f.customer_id = ? AND t.customer_id = ?`

	deleteInbox    = `DELETE i FROM goen_inbox i FORCE INDEX (PRIMARY) WHERE shop_id = ? AND customer_id ` + inList
	pickPairs      = ` AND CONCAT(LENGTH(customer_id), ' ', customer_id, fact_id) ` + inList
	setAside       = `UPDATE goen_fact SET set_aside = ? WHERE shop_id = ? AND fact_id ` + inList
	purgeFacts     = `UPDATE goen_fact SET body = NULL WHERE shop_id = ? AND fact_id ` + inList
	insertMessages = `
		INSERT INTO goen_message (shop_id, message_id, bucket, enrollment, journey, version, step, visit, template, template_version, class, lane,
			customer_id, address_key, cart_key, order_id, recipient, send_at, deadline, state, reason, stopped, attempt,
			lease_until, failures, unknowns, started_at, settled_at, content)`
	passOver        = `ON DUPLICATE KEY UPDATE message_id = VALUES(message_id)`
	insertDecisions = `INSERT INTO goen_decision (shop_id, customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail)`
)

var (
	// errNotLocked names no customer: her key may be personal.
	errNotLocked = errors.New("decide changes a customer who is not locked")
	// errRefused stands for decide's own error, which is returned as it is.
	errRefused = errors.New("decide failed")
)

// apply writes changes in the order that [crm.Changes] gives: moves first,
// erasures and purges last.
func (u *update) apply(ctx context.Context, ch *crm.Changes) error {
	for _, step := range []func(context.Context, *crm.Changes) error{
		u.move, u.writeCustomers, u.writeOrders, u.consume, u.setAside, u.queue, u.skip, u.log, u.erase, u.purge,
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
		if _, err := u.tx.exec(ctx, deleteTwins, u.shop, m.From, m.To); err != nil {
			return err
		}
		for _, table := range []string{"goen_fact", "goen_orders", "goen_message", "goen_decision"} {
			_, err := u.tx.exec(ctx, `UPDATE `+table+` SET customer_id = ? WHERE shop_id = ? AND customer_id = ?`, m.To, u.shop, m.From)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *update) writeCustomers(ctx context.Context, ch *crm.Changes) error {
	rows := make([][]any, len(ch.Customers))
	for i, c := range ch.Customers {
		if !u.locked[c.ID] {
			return errNotLocked
		}
		rows[i] = []any{u.shop, c.ID, crm.Bucket(c.ID), document(c.State), optional(c.NextDue), optional(c.NextReview)}
	}
	return u.tx.insert(ctx, insertCustomers, replaceCustomers, rows)
}

func (u *update) writeOrders(ctx context.Context, ch *crm.Changes) error {
	rows := make([][]any, len(ch.Orders))
	for i, o := range ch.Orders {
		rows[i] = []any{u.shop, o.Customer, o.ID, o.Status, o.Currency, o.Total, o.Refunded, optional(o.PlacedAt), optional(o.CountedAt), document(o.State)}
	}
	return u.tx.insert(ctx, insertOrders, replaceOrder, rows)
}

// consume deletes inbox entries. The customers find them, the pairs pick them;
// a pair is one string, because lists of strings are searched by halves, and
// lists of rows from end to end.
func (u *update) consume(ctx context.Context, ch *crm.Changes) error {
	entries := slices.SortedFunc(slices.Values(ch.Consumed), func(a, b crm.InboxEntry) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Fact, b.Fact))
	})
	for part := range slices.Chunk(entries, chunk) {
		var customers, pairs []string
		for _, entry := range part {
			customers = append(customers, entry.Customer)
			pairs = append(pairs, fmt.Sprintf("%d %s%s", len(entry.Customer), entry.Customer, entry.Fact))
		}
		query, args := listed(deleteInbox, []any{u.shop}, slices.Compact(customers))
		query, args = listed(query+pickPairs, args, pairs)
		if _, err := u.tx.exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) setAside(ctx context.Context, ch *crm.Changes) error {
	byReason := make(map[string][]string)
	for fact, reason := range ch.SetAside {
		byReason[reason] = append(byReason[reason], fact)
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		if err := u.tx.execIn(ctx, setAside, []any{optionalText(reason), u.shop}, slices.Sorted(slices.Values(byReason[reason]))); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) queue(ctx context.Context, ch *crm.Changes) error {
	messages := slices.SortedStableFunc(slices.Values(ch.Queue), func(a, b crm.Message) int { return cmp.Compare(a.ID, b.ID) })
	rows := make([][]any, len(messages))
	for i, m := range messages {
		rows[i] = []any{u.shop, m.ID, crm.Bucket(m.ID), m.Enrollment, m.Journey, m.Version, m.Step, m.Visit, m.Template, m.TemplateVersion, string(m.Class), string(m.Lane),
			m.Customer, m.AddressKey, m.CartKey, m.Order, m.To, ordered(m.SendAt), optional(m.Deadline), string(m.State), string(m.Reason), string(m.Stopped), m.Attempt,
			optional(m.LeaseUntil), m.Failures, m.Unknowns, optional(m.StartedAt), optional(m.SettledAt), optionalBlob(m.Content)}
	}
	return u.tx.insert(ctx, insertMessages, passOver, rows)
}

// skip takes messages off the queue, each by what it is now.
func (u *update) skip(ctx context.Context, ch *crm.Changes) error {
	if len(ch.Skip) == 0 {
		return nil
	}
	ids := make([]string, len(ch.Skip))
	for i, skip := range ch.Skip {
		ids[i] = skip.Message
	}
	standings, err := lockStandings(ctx, u.tx, u.shop, ids)
	if err != nil {
		return err
	}
	for _, skip := range ch.Skip {
		if m := standings[skip.Message]; m != nil {
			m.skip(skip)
		}
	}
	return writeStandings(ctx, u.tx, u.shop, standings)
}

func (u *update) log(ctx context.Context, ch *crm.Changes) error {
	return writeDecisions(ctx, u.tx, u.shop, ch.Decisions)
}

// writeDecisions appends to the log. The rows of one statement are numbered in
// their order, and those of a later one come after them.
func writeDecisions(ctx context.Context, tx *session, shop string, decisions []crm.Decision) error {
	rows := make([][]any, len(decisions))
	for i, d := range decisions {
		rows[i] = []any{shop, d.Customer, ordered(d.At), string(d.Kind), d.Journey, d.Version, d.Enrollment, d.Step, d.Message, string(d.Reason), d.Detail}
	}
	return tx.insert(ctx, insertDecisions, "", rows)
}

func (u *update) purge(ctx context.Context, ch *crm.Changes) error {
	return u.tx.execIn(ctx, purgeFacts, []any{u.shop}, slices.Sorted(slices.Values(ch.Purge)))
}
