package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// How rows are written that the transaction has locked: looked up by the key one
// by one, then changed where they are. With the key in the outer statement, the
// server might read a whole shop to find a few.
//
// Rows of many columns are unnested in a select list, which hands them on one by
// one, in their order: unnest in FROM writes each column down first.
const (
	// updateCustomers writes them where they were when they were locked: a row
	// that is locked stays in its place.
	updateCustomers = `
		UPDATE goen_customer AS c
		SET state = u.state::json, next_due = u.next_due, next_review = u.next_review
		FROM (
			SELECT unnest($2::text[])::tid AS place, unnest($3::text[]) AS state, unnest($4::timestamptz[]) AS next_due,
				unnest($5::timestamptz[]) AS next_review, $1::text AS shop_id
		) AS u WHERE c.ctid = u.place AND c.shop_id = u.shop_id`
	upsertOrders = `
		INSERT INTO goen_orders AS o (shop_id, customer_id, order_id, status, currency, total, refunded, placed_at, counted_at, state)
		SELECT $1, customer_id, order_id, status, currency, total, refunded, placed_at, counted_at, state::json
		FROM (
			SELECT unnest($2::text[]) AS customer_id, unnest($3::text[]) AS order_id, unnest($4::text[]) AS status, unnest($5::text[]) AS currency,
				unnest($6::bigint[]) AS total, unnest($7::bigint[]) AS refunded, unnest($8::timestamptz[]) AS placed_at,
				unnest($9::timestamptz[]) AS counted_at, unnest($10::text[]) AS state
		) AS u
		ON CONFLICT (shop_id, customer_id, order_id) DO UPDATE SET status = excluded.status, currency = excluded.currency,
			total = excluded.total, refunded = excluded.refunded,
			placed_at = excluded.placed_at, counted_at = excluded.counted_at, state = excluded.state`
	// deleteInbox deletes entries where they were when they were read: nobody else
	// deletes them while their customer is locked. Others it looks up.
	deleteInbox = `
		DELETE FROM goen_inbox AS i USING (
			SELECT u.customer_id, u.fact_id, $1::text AS shop_id, coalesce(nullif(u.place, '')::tid, (
				SELECT t.ctid FROM goen_inbox AS t
				WHERE t.shop_id = $1 AND t.share = u.share AND t.customer_id = u.customer_id AND t.fact_id = u.fact_id
			)) AS place
			FROM unnest($2::text[], $3::smallint[], $4::text[], $5::text[]) AS u (place, share, customer_id, fact_id) OFFSET 0
		) AS u WHERE i.ctid = u.place AND i.customer_id = u.customer_id AND i.fact_id = u.fact_id AND i.shop_id = u.shop_id`
	lockFacts = `
		SELECT count(*) FROM unnest($2::text[]) AS u (fact_id) CROSS JOIN LATERAL (
			SELECT FROM goen_fact WHERE shop_id = $1 AND fact_id = u.fact_id FOR NO KEY UPDATE
		) AS f`
	setAside = `
		UPDATE goen_fact AS f SET set_aside = nullif(u.reason, '')
		FROM (
			SELECT u.reason, t.ctid AS place, $1::text AS shop_id
			FROM unnest($2::text[], $3::text[]) AS u (fact_id, reason)
			CROSS JOIN LATERAL (
				SELECT ctid FROM goen_fact WHERE shop_id = $1 AND fact_id = u.fact_id OFFSET 0
			) AS t OFFSET 0
		) AS u WHERE f.ctid = u.place AND f.shop_id = u.shop_id`
	insertMessages = `
		INSERT INTO goen_message (shop_id, message_id, bucket, enrollment, journey, version, step, visit, template, template_version, class, lane,
			customer_id, address_key, cart_key, order_id, recipient, send_at, deadline, state, reason, stopped, attempt,
			lease_until, failures, unknowns, started_at, settled_at, content)
		SELECT $1, message_id, bucket, enrollment, journey, version, step, visit, template, template_version, class, coalesce(lane, ''),
			customer_id, coalesce(address_key, ''), coalesce(cart_key, ''), coalesce(order_id, ''), coalesce(recipient, ''), send_at, deadline,
			state, coalesce(reason, ''), coalesce(stopped, ''), coalesce(attempt, 0),
			lease_until, coalesce(failures, 0), coalesce(unknowns, 0), started_at, settled_at, content
		FROM (
			SELECT unnest($2::text[]) AS message_id, unnest($3::smallint[]) AS bucket, unnest($4::text[]) AS enrollment, unnest($5::text[]) AS journey,
				unnest($6::int[]) AS version, unnest($7::text[]) AS step, unnest($8::int[]) AS visit, unnest($9::text[]) AS template,
				unnest($10::int[]) AS template_version, unnest($11::text[]) AS class, unnest($12::text[]) AS lane,
				unnest($13::text[]) AS customer_id, unnest($14::text[]) AS address_key, unnest($15::text[]) AS cart_key,
				unnest($16::text[]) AS order_id, unnest($17::text[]) AS recipient, unnest($18::timestamptz[]) AS send_at,
				unnest($19::timestamptz[]) AS deadline, unnest($20::text[]) AS state, unnest($21::text[]) AS reason, unnest($22::text[]) AS stopped,
				unnest($23::int[]) AS attempt, unnest($24::timestamptz[]) AS lease_until, unnest($25::int[]) AS failures,
				unnest($26::int[]) AS unknowns, unnest($27::timestamptz[]) AS started_at, unnest($28::timestamptz[]) AS settled_at,
				unnest($29::bytea[]) AS content
		) AS u`
	// insertMissing passes over messages that are there: it looks each of them
	// up once more than insertMessages, which fails.
	insertMissing = insertMessages + ` ON CONFLICT DO NOTHING`
	lockMessages  = `
		SELECT count(*) FROM unnest($2::text[]) AS u (message_id) CROSS JOIN LATERAL (
			SELECT FROM goen_message WHERE shop_id = $1 AND message_id = u.message_id FOR NO KEY UPDATE
		) AS m`
	skipMessages = `
		UPDATE goen_message AS m
		SET state = CASE WHEN m.state IN ('queued', 'claimed') THEN 'skipped' ELSE m.state END,
			reason = CASE WHEN m.state IN ('queued', 'claimed') THEN u.reason ELSE m.reason END,
			settled_at = CASE WHEN m.state IN ('queued', 'claimed') THEN u.at ELSE m.settled_at END,
			lease_until = CASE WHEN m.state IN ('queued', 'claimed') THEN NULL ELSE m.lease_until END,
			stopped = CASE WHEN m.state IN ('queued', 'claimed') THEN m.stopped ELSE u.reason END
		FROM (
			SELECT u.*, t.ctid AS place, $1::text AS shop_id
			FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS u (message_id, reason, at)
			CROSS JOIN LATERAL (
				SELECT ctid FROM goen_message WHERE shop_id = $1 AND message_id = u.message_id OFFSET 0
			) AS t OFFSET 0
		) AS u WHERE m.ctid = u.place AND m.shop_id = u.shop_id AND m.state IN ('queued', 'claimed', 'started', 'unknown')`
	insertDecisions = `
		INSERT INTO goen_decision (shop_id, ` + decisionColumns + `)
		SELECT $1, customer_id, at, kind, coalesce(journey, ''), coalesce(version, 0), coalesce(enrollment, ''), coalesce(step, ''),
			coalesce(message_id, ''), coalesce(reason, ''), coalesce(detail, '')
		FROM (
			SELECT unnest($2::text[]) AS customer_id, unnest($3::timestamptz[]) AS at, unnest($4::text[]) AS kind, unnest($5::text[]) AS journey,
				unnest($6::int[]) AS version, unnest($7::text[]) AS enrollment, unnest($8::text[]) AS step, unnest($9::text[]) AS message_id,
				unnest($10::text[]) AS reason, unnest($11::text[]) AS detail
		) AS u`
)

// apply queues changes in the order that [crm.Changes] gives: moves first,
// erasures and purges last.
func (u *update) apply(ch *crm.Changes) error {
	for i := range ch.Customers {
		if u.locked[ch.Customers[i].ID] == "" {
			return errNotLocked
		}
	}
	if len(ch.Move)+len(ch.Erase) > 0 {
		u.tx.queue(planAnew) // as many rows as a customer has are looked for by another index than the key
	}
	u.move(ch.Move)
	u.writeCustomers(ch.Customers)
	u.writeOrders(ch.Orders)
	u.consume(ch.Consumed)
	u.setAside(ch.SetAside)
	u.enqueue(ch.Queue)
	u.skip(ch.Skip)
	u.tx.log(u.shop, ch.Decisions)
	u.erase(ch.Erase, ch.Orders)
	u.purge(ch.Purge)
	return nil
}

// distinct returns rows in order of their keys, in which they are locked by all
// alike, and of several with one key the first.
func distinct[R any](rows []R, key func(*R) string) []R {
	type place struct {
		key string
		row int
	}
	order := make([]place, len(rows)) // rows are large
	for i := range rows {
		order[i] = place{key(&rows[i]), i}
	}
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.row, b.row)) })
	order = slices.CompactFunc(order, func(a, b place) bool { return a.key == b.key })
	return column(order, func(p *place) R { return rows[p.row] })
}

func (u *update) writeCustomers(customers []crm.CustomerRow) {
	if len(customers) == 0 {
		return
	}
	u.tx.queue(updateCustomers, u.shop,
		column(customers, func(c *crm.CustomerRow) string { return u.locked[c.ID] }),
		documents(column(customers, func(c *crm.CustomerRow) []byte { return c.State })),
		times(column(customers, func(c *crm.CustomerRow) time.Time { return c.NextDue })),
		times(column(customers, func(c *crm.CustomerRow) time.Time { return c.NextReview })))
}

func (u *update) writeOrders(orders []crm.OrderRow) {
	if len(orders) == 0 {
		return
	}
	orders = slices.Clone(orders)
	slices.Reverse(orders) // the last one of a key holds
	orders = distinct(orders, func(o *crm.OrderRow) string { return o.Customer + "\x00" + o.ID })
	u.tx.queue(upsertOrders, u.shop,
		column(orders, func(o *crm.OrderRow) string { return o.Customer }),
		column(orders, func(o *crm.OrderRow) string { return o.ID }),
		column(orders, func(o *crm.OrderRow) string { return o.Status }),
		column(orders, func(o *crm.OrderRow) string { return o.Currency }),
		column(orders, func(o *crm.OrderRow) int64 { return o.Total }),
		column(orders, func(o *crm.OrderRow) int64 { return o.Refunded }),
		times(column(orders, func(o *crm.OrderRow) time.Time { return o.PlacedAt })),
		times(column(orders, func(o *crm.OrderRow) time.Time { return o.CountedAt })),
		documents(column(orders, func(o *crm.OrderRow) []byte { return o.State })))
}

func (u *update) consume(entries []crm.InboxEntry) {
	if len(entries) == 0 {
		return
	}
	u.tx.queue(deleteInbox, u.shop,
		column(entries, func(e *crm.InboxEntry) string { return u.entries[*e] }),
		column(entries, func(e *crm.InboxEntry) int16 { return inboxShare(&e.Customer) }),
		column(entries, func(e *crm.InboxEntry) string { return e.Customer }),
		column(entries, func(e *crm.InboxEntry) string { return e.Fact }))
}

func (u *update) setAside(reasons map[string]string) {
	if len(reasons) == 0 {
		return
	}
	facts := slices.Sorted(maps.Keys(reasons))
	u.tx.queue(lockFacts, u.shop, facts)
	u.tx.queue(setAside, u.shop, facts, column(facts, func(id *string) string { return reasons[*id] }))
}

func (u *update) enqueue(messages []crm.Message) {
	if len(messages) == 0 {
		return
	}
	messages = distinct(messages, func(m *crm.Message) string { return m.ID })
	insert := insertMessages
	if u.known {
		insert = insertMissing
	}
	u.tx.queue(insert, u.shop,
		column(messages, func(m *crm.Message) string { return m.ID }),
		column(messages, func(m *crm.Message) int16 { return int16(crm.Bucket(m.ID)) }),
		column(messages, func(m *crm.Message) string { return m.Enrollment }),
		column(messages, func(m *crm.Message) string { return m.Journey }),
		column(messages, func(m *crm.Message) int { return m.Version }),
		column(messages, func(m *crm.Message) string { return m.Step }),
		column(messages, func(m *crm.Message) int { return m.Visit }),
		column(messages, func(m *crm.Message) string { return m.Template }),
		column(messages, func(m *crm.Message) int { return m.TemplateVersion }),
		column(messages, func(m *crm.Message) string { return string(m.Class) }),
		sparse(messages, func(m *crm.Message) string { return string(m.Lane) }),
		column(messages, func(m *crm.Message) string { return m.Customer }),
		sparse(messages, func(m *crm.Message) string { return m.AddressKey }),
		sparse(messages, func(m *crm.Message) string { return m.CartKey }),
		sparse(messages, func(m *crm.Message) string { return m.Order }),
		sparse(messages, func(m *crm.Message) string { return m.To }),
		column(messages, func(m *crm.Message) time.Time { return m.SendAt }),
		times(sparse(messages, func(m *crm.Message) time.Time { return m.Deadline })),
		column(messages, func(m *crm.Message) string { return string(m.State) }),
		sparse(messages, func(m *crm.Message) string { return string(m.Reason) }),
		sparse(messages, func(m *crm.Message) string { return string(m.Stopped) }),
		sparse(messages, func(m *crm.Message) int { return m.Attempt }),
		times(sparse(messages, func(m *crm.Message) time.Time { return m.LeaseUntil })),
		sparse(messages, func(m *crm.Message) int { return m.Failures }),
		sparse(messages, func(m *crm.Message) int { return m.Unknowns }),
		times(sparse(messages, func(m *crm.Message) time.Time { return m.StartedAt })),
		times(sparse(messages, func(m *crm.Message) time.Time { return m.SettledAt })),
		contents(messages, func(m *crm.Message) []byte { return m.Content }))
}

func (u *update) skip(skips []crm.Skip) {
	if len(skips) == 0 {
		return
	}
	skips = distinct(skips, func(s *crm.Skip) string { return s.Message })
	messages := column(skips, func(s *crm.Skip) string { return s.Message })
	u.tx.queue(lockMessages, u.shop, messages)
	u.tx.queue(skipMessages, u.shop, messages,
		column(skips, func(s *crm.Skip) string { return string(s.Reason) }),
		times(column(skips, func(s *crm.Skip) time.Time { return s.At })))
}

// contents is sparse for bytes of which none are NULL.
func contents[R any](rows []R, value func(*R) []byte) documents {
	values := column(rows, func(r *R) []byte {
		if v := value(r); len(v) > 0 {
			return v
		}
		return nil
	})
	if slices.ContainsFunc(values, func(v []byte) bool { return v != nil }) {
		return values
	}
	return documents{}
}

// log queues decisions to be written in this order.
func (tx *transaction) log(shop string, decisions []crm.Decision) {
	if len(decisions) > 0 {
		tx.queue(insertDecisions, append([]any{shop}, decisionArgs(decisions)...)...)
	}
}

func decisionArgs(decisions []crm.Decision) []any {
	return []any{
		column(decisions, func(d *crm.Decision) string { return d.Customer }),
		column(decisions, func(d *crm.Decision) time.Time { return d.At }),
		column(decisions, func(d *crm.Decision) string { return string(d.Kind) }),
		sparse(decisions, func(d *crm.Decision) string { return d.Journey }),
		sparse(decisions, func(d *crm.Decision) int { return d.Version }),
		sparse(decisions, func(d *crm.Decision) string { return d.Enrollment }),
		sparse(decisions, func(d *crm.Decision) string { return d.Step }),
		sparse(decisions, func(d *crm.Decision) string { return d.Message }),
		sparse(decisions, func(d *crm.Decision) string { return string(d.Reason) }),
		sparse(decisions, func(d *crm.Decision) string { return d.Detail }),
	}
}
