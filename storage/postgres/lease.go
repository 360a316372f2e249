package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// The fence, over message m: nothing that is not folded yet may speak against
// it. $1 is the shop, $2 is now.
const fence = `
	NOT EXISTS (
		SELECT FROM goen_customer AS c CROSS JOIN LATERAL (
			SELECT FROM goen_inbox AS i WHERE i.shop_id = $1 AND i.share = c.bucket % 8 AND i.customer_id = c.customer_id OFFSET 0
		) AS i WHERE c.shop_id = $1 AND c.customer_id IN (m.customer_id, m.address_key, m.cart_key)
	)
	AND NOT EXISTS (SELECT FROM goen_customer AS c WHERE c.shop_id = $1 AND c.customer_id = m.customer_id AND c.next_due <= $2)
	AND NOT EXISTS (SELECT FROM goen_incoming AS n WHERE n.shop_id = $1 AND n.refused IS NULL)`

// Where a claim looks: $3 is the lane, $4 and $5 the message after which it goes
// on, $6 and $12 that of the queue, $7 where leases begin, $8 and $9 the share.
const claimable = `
	m.shop_id = $1 AND (m.lane = 'bulk')::int = $3 AND ($8::int < 2 OR m.bucket % $8 = $9::int)`

// The locks of a claim, those of messages and those of every customer they name.
// Who is locked by somebody else is passed over: a transaction that has put a
// fact into a customer's inbox holds a lock on her until it ends. No customer is
// waited for, and none is changed. What was found out here, before all locks
// were taken, counts for nothing: see claimMessages.
const (
	lockClaim = `
		WITH queued AS MATERIALIZED (
			SELECT m.message_id, m.send_at, m.customer_id, m.address_key, m.cart_key FROM goen_message AS m
			WHERE ` + claimable + ` AND m.state = 'queued'
				AND (m.send_at, m.message_id) > ($6::timestamptz, $12::text) AND m.send_at <= $2 AND ($11 OR (` + fence + `))
			ORDER BY m.send_at, m.message_id LIMIT $10 FOR UPDATE SKIP LOCKED
		), old AS MATERIALIZED (
			SELECT m.message_id FROM goen_message AS m
			WHERE ` + claimable + ` AND m.state = 'claimed' AND m.lease_until BETWEEN $7 AND $2
				AND (m.send_at, m.message_id) > ($4::timestamptz, $5::text)
			ORDER BY m.lease_until
		), lapsed AS MATERIALIZED (
			SELECT m.message_id, m.send_at, m.customer_id, m.address_key, m.cart_key FROM old CROSS JOIN LATERAL (
				SELECT * FROM goen_message AS m
				WHERE m.shop_id = $1 AND m.message_id = old.message_id AND m.state = 'claimed' AND m.lease_until BETWEEN $7 AND $2
				FOR UPDATE SKIP LOCKED
			) AS m
		), candidate AS MATERIALIZED (
			SELECT * FROM queued UNION ALL SELECT * FROM lapsed ORDER BY send_at, message_id LIMIT $10
		), named AS MATERIALIZED (
			SELECT DISTINCT k.customer_id FROM candidate, unnest(ARRAY[customer_id, address_key, cart_key]) AS k (customer_id)
			WHERE k.customer_id <> '' ORDER BY k.customer_id
		), locked AS MATERIALIZED (
			SELECT c.customer_id FROM named AS k CROSS JOIN LATERAL (
				SELECT customer_id FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id FOR UPDATE SKIP LOCKED
			) AS c
		), missed AS MATERIALIZED (
			SELECT customer_id FROM named EXCEPT SELECT customer_id FROM locked
		), busy AS MATERIALIZED (
			SELECT c.customer_id FROM missed AS k CROSS JOIN LATERAL (
				SELECT customer_id FROM goen_customer WHERE shop_id = $1 AND customer_id = k.customer_id OFFSET 0
			) AS c
		)
		SELECT message_id, send_at,
			NOT EXISTS (SELECT FROM busy AS b WHERE b.customer_id IN (m.customer_id, m.address_key, m.cart_key))
		FROM candidate AS m ORDER BY send_at, message_id`

	// claimMessages reads the fence, on a snapshot taken after the locks.
	claimMessages = `
		UPDATE goen_message AS m SET state = 'claimed', attempt = m.attempt + 1, lease_until = $3
		FROM (
			SELECT t.ctid AS place, $1::text AS shop_id
			FROM unnest($4::text[]) WITH ORDINALITY AS u (message_id, place)
			CROSS JOIN LATERAL (
				SELECT ctid FROM goen_message AS m WHERE m.shop_id = $1 AND m.message_id = u.message_id AND ` + fence + ` OFFSET 0
			) AS t ORDER BY u.place LIMIT $5
		) AS u WHERE m.ctid = u.place AND m.shop_id = u.shop_id
		RETURNING ` + messageColumns

	selectExpired = `
		SELECT ` + messageColumns + ` FROM goen_message AS m
		WHERE m.shop_id = $1 AND m.lease_until BETWEEN $2 AND $3 AND m.state = 'started'
		ORDER BY m.lease_until`
	earliestQueued = `
		SELECT (SELECT m.send_at FROM goen_message AS m WHERE m.shop_id = $1 AND (m.lane = 'bulk')::int = $2 AND m.state = 'queued'
			ORDER BY m.send_at, m.message_id LIMIT 1)`
	earliestLease = `
		SELECT (SELECT m.lease_until FROM goen_message AS m WHERE m.shop_id = $1 AND m.state IN ('claimed', 'started') ORDER BY m.lease_until LIMIT 1)`
)

// maxWindow is how many messages are locked at once, if most of them cannot be
// claimed.
const maxWindow = 1000

// Lease implements [crm.Store]. It takes two round trips. Where fenced messages
// or open transactions are in the way it goes on to further messages, in
// transactions of their own.
func (s *Store) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	c := &claim{shop: shop, req: req}
	limit := max(req.Limit, 0)
	for c.window = limit; ; c.window = min(2*c.window, max(limit, maxWindow)) {
		var leases crm.Leases
		err := s.write(ctx, "lease", 1, func(tx *transaction) (err error) {
			leases, err = c.take(ctx, tx)
			return err
		})
		if err != nil {
			if len(c.leases.Claimed) > 0 {
				break // these are ours; the error will come again
			}
			return crm.Leases{}, err
		}
		if c.rounds == 0 {
			c.leases.Expired = leases.Expired
		}
		c.rounds++
		c.leases.Claimed = append(c.leases.Claimed, leases.Claimed...)
		if c.ended || len(c.leases.Claimed) >= limit {
			break
		}
	}
	s.low.lower(shop, leasesDue, req.Until)
	return c.leases, nil
}

// A claim is one Lease, which may take several transactions.
type claim struct {
	shop   string
	req    crm.LeaseRequest
	leases crm.Leases
	rounds int

	window    int       // how many messages are locked next
	afterTime time.Time // the last message that was looked at
	afterID   string
	ended     bool // there are no more
}

// take is one transaction: it locks messages and customers, and claims those
// messages that the fence lets through.
func (c *claim) take(ctx context.Context, tx *transaction) (crm.Leases, error) {
	var leases crm.Leases
	var free []string
	var lastTime time.Time
	var lastID string
	seen := 0
	bulk := 0
	if c.req.Lane == crm.Bulk {
		bulk = 1
	}
	tx.queue(useKeys)
	messages := tx.above(c.shop, laneDue(c.req.Lane), c.req.Now, earliestQueued, c.shop, bulk)
	lapses := tx.above(c.shop, leasesDue, c.req.Now, earliestLease, c.shop)
	if c.rounds == 0 {
		tx.each(selectExpired, []any{c.shop, lapses.at, c.req.Now}, func(rows pgx.Rows) error {
			leases.Expired = append(leases.Expired, crm.Message{})
			return scanMessage(rows, &leases.Expired[len(leases.Expired)-1])
		})
	}
	if c.window > 0 {
		// One lower bound: of two, the server begins at whichever is named first.
		queue, queueID := c.afterTime, c.afterID
		if queue.Before(messages.at) {
			queue, queueID = messages.at, ""
		}
		args := []any{c.shop, c.req.Now, bulk, c.afterTime, c.afterID, queue, lapses.at, c.req.Share.Of, c.req.Share.Part, c.window, c.rounds == 0, queueID}
		tx.each(lockClaim, args, func(rows pgx.Rows) error {
			var open bool
			err := rows.Scan(&lastID, instant{&lastTime}, &open)
			seen++
			if open {
				free = append(free, lastID)
			}
			return err
		})
	}
	if err := tx.run(ctx); err != nil {
		return crm.Leases{}, err
	}
	messages.done()
	lapses.done()
	if len(free) > 0 {
		left := c.req.Limit - len(c.leases.Claimed)
		leases.Claimed = make([]crm.Message, 0, min(len(free), left))
		tx.each(claimMessages, []any{c.shop, c.req.Now, c.req.Until, free, left}, func(rows pgx.Rows) error {
			leases.Claimed = append(leases.Claimed, crm.Message{})
			return scanMessage(rows, &leases.Claimed[len(leases.Claimed)-1])
		})
	}
	if err := tx.commit(ctx); err != nil {
		return crm.Leases{}, err
	}
	for _, messages := range [][]crm.Message{leases.Claimed, leases.Expired} {
		slices.SortFunc(messages, func(a, b crm.Message) int {
			return cmp.Or(a.SendAt.Compare(b.SendAt), cmp.Compare(a.ID, b.ID))
		})
	}
	c.ended = seen < c.window || c.window == 0
	c.afterTime, c.afterID = lastTime, lastID
	return leases, nil
}
