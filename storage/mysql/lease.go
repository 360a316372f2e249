package mysql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// Lease implements [crm.Store].
//
// It goes through what is due in pages, and for each page first locks the
// customers, then looks at the inboxes, in a statement of its own that sees what
// has been committed until then. A fact whose transaction is still open holds a
// share lock on its customers, by the inbox's foreign key, and they are passed
// over: that is the fence. Nothing is ever waited for.
func (s *Store) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	var leases crm.Leases
	err := s.write(ctx, func(ctx context.Context, tx *session) (err error) {
		c := &claim{tx: tx, shop: shop, req: req}
		leases = crm.Leases{}
		if leases.Expired, err = selectMessages(ctx, tx, selectExpired, shop, ordered(req.Now)); err != nil {
			return err
		}
		leases.Claimed, err = c.messages(ctx)
		return err
	})
	if err != nil {
		return crm.Leases{}, failed("lease", err)
	}
	return leases, nil
}

// A claim is one Lease in its transaction.
type claim struct {
	tx   *session
	shop string
	req  crm.LeaseRequest
}

// A candidate is a message that is due: what has to be known to see whether it
// may be claimed.
type candidate struct {
	id     string
	sendAt time.Time
	keys   [3]string // the customers it names; only the first one's timers matter
}

const (
	selectExpired = `
		SELECT ` + messageColumns + `, m.content FROM goen_message m FORCE INDEX (due)
		WHERE m.shop_id = ? AND m.state = 'started' AND m.next_at <= ? ORDER BY m.send_at, m.message_id`
	candidateColumns = `m.message_id, CAST(m.send_at AS CHAR) AS due_at, m.customer_id, m.address_key, m.cart_key`
	selectQueued     = `
		SELECT ` + candidateColumns + ` FROM goen_message m FORCE INDEX (due)
		WHERE m.shop_id = ? AND m.state = 'queued' AND m.lane = ? AND m.next_at <= ?`
	selectLapsed = `
		SELECT ` + candidateColumns + ` FROM goen_message m FORCE INDEX (due)
		WHERE m.shop_id = ? AND m.state = 'claimed' AND m.lane IN (?, ?) AND m.next_at <= ?`
	// A locking read: next_due is what was committed last.
	lockFence = `
		SELECT customer_id, CAST(next_due AS CHAR) FROM goen_customer FORCE INDEX (PRIMARY)
		WHERE shop_id = ? AND customer_id ` + inList + ` FOR UPDATE SKIP LOCKED`
	// One statement, so that a fact on its way from the incoming to an inbox is
	// seen in one of the two. The first row has no customer.
	selectWaiting = `
		SELECT '', EXISTS (SELECT 1 FROM goen_incoming w WHERE w.shop_id = ? AND w.refused IS NULL)
		UNION ALL
		SELECT DISTINCT i.customer_id, 1 FROM goen_inbox i WHERE i.shop_id = ? AND i.customer_id ` + inList
	lockClaimed = `
		SELECT ` + messageColumns + `, m.content FROM goen_message m FORCE INDEX (PRIMARY)
		WHERE m.shop_id = ? AND m.state IN ('queued', 'claimed') AND m.message_id ` + inList + ` FOR UPDATE SKIP LOCKED`
	claimMessages = `
		UPDATE goen_message SET state = 'claimed', attempt = attempt + 1, lease_until = ? WHERE shop_id = ? AND message_id ` + inList
)

// How many candidates a page has. Messages of one customer who is fenced come
// in rows, so that pages grow when little comes of them.
const (
	leastPage = 50
	mostPage  = chunk
)

// messages claims up to req.Limit messages.
func (c *claim) messages(ctx context.Context) ([]crm.Message, error) {
	var claimed []crm.Message
	var last *candidate
	for size := max(c.req.Limit, leastPage); len(claimed) < c.req.Limit; size *= 2 {
		size = min(size, mostPage)
		page, err := c.page(ctx, last, size)
		if err != nil || len(page) == 0 {
			return claimed, err
		}
		last = &page[len(page)-1]
		more, open, err := c.take(ctx, page, c.req.Limit-len(claimed))
		if err != nil {
			return nil, err
		}
		claimed = append(claimed, more...)
		if !open || len(page) < size {
			break
		}
	}
	return claimed, nil
}

// page returns the next messages that are due, without locking anything: what
// changes until they are locked is noticed then.
func (c *claim) page(ctx context.Context, last *candidate, limit int) ([]candidate, error) {
	lanes := []string{"", string(crm.Prompt)}
	if c.req.Lane == crm.Bulk {
		lanes = []string{string(crm.Bulk)}
	}
	now := ordered(c.req.Now)
	var arms []string
	var args []any
	add := func(query, column string, more ...any) {
		args = append(args, more...)
		if c.req.Share.Of > 1 {
			query += fmt.Sprintf(" AND m.bucket %% %d = %d", c.req.Share.Of, c.req.Share.Part)
		}
		if last != nil {
			at := ordered(last.sendAt)
			query += fmt.Sprintf(" AND m.%[1]s >= ? AND (m.%[1]s > ? OR m.message_id > ?)", column)
			args = append(args, at, at, last.id)
		}
		arms = append(arms, fmt.Sprintf("(%s ORDER BY m.%s, m.message_id LIMIT %d)", query, column, limit))
	}
	for _, lane := range lanes {
		add(selectQueued, "next_at", c.shop, lane, now) // which is their send_at
	}
	add(selectLapsed, "send_at", c.shop, lanes[0], lanes[len(lanes)-1], now)
	query := strings.Join(arms, " UNION ALL ") + fmt.Sprintf(" ORDER BY due_at, message_id LIMIT %d", limit)
	var page []candidate
	err := c.tx.each(ctx, query, args, func(scan scanner) error {
		var m candidate
		err := scan(&m.id, instant{&m.sendAt}, &m.keys[0], &m.keys[1], &m.keys[2])
		page = append(page, m)
		return err
	})
	return page, err
}

// take claims those of a page that nothing speaks against, up to limit, and
// reports whether it is worth going on.
func (c *claim) take(ctx context.Context, page []candidate, limit int) (claimed []crm.Message, open bool, err error) {
	free, open, err := c.free(ctx, page)
	if err != nil || !open {
		return nil, open, err
	}
	byID := make(map[string]candidate)
	var ids []string
	for _, m := range page {
		if free(m.keys) {
			byID[m.id], ids = m, append(ids, m.id)
		}
	}
	for len(ids) > 0 && len(claimed) < limit {
		n := min(len(ids), limit-len(claimed))
		more, err := c.lock(ctx, ids[:n], byID)
		if err != nil {
			return nil, false, err
		}
		claimed, ids = append(claimed, more...), ids[n:]
	}
	return claimed, true, c.set(ctx, claimed)
}

// free locks the customers of a page and returns what tells whether nothing
// that is not folded yet speaks against a message to some of them. open is
// false if facts have come in that nobody has looked at.
func (c *claim) free(ctx context.Context, page []candidate) (free func([3]string) bool, open bool, err error) {
	var keys []string
	for _, m := range page {
		for _, key := range m.keys {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	locked := make(map[string]time.Time, len(keys)) // with the next timer
	err = c.tx.eachIn(ctx, lockFence, []any{c.shop}, keys, func(scan scanner) error {
		var id string
		var due time.Time
		err := scan(&id, instant{&due})
		locked[id] = due
		return err
	})
	if err != nil {
		return nil, false, err
	}
	closed := make(map[string]bool) // customers who may not be written to
	if len(locked) < len(keys) {
		// Who is there but not locked is somebody else's now.
		err := c.tx.eachIn(ctx, selectMet, []any{c.shop}, keys, func(scan scanner) error {
			var id string
			err := scan(&id)
			if _, ours := locked[id]; !ours {
				closed[id] = true
			}
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	open = true
	for ids := range slices.Chunk(keys, chunk) {
		err := c.tx.eachIn(ctx, selectWaiting, []any{c.shop, c.shop}, ids, func(scan scanner) error {
			var id string
			var waiting bool
			err := scan(&id, &waiting)
			if id == "" && waiting {
				open = false
			} else if waiting {
				closed[id] = true
			}
			return err
		})
		if err != nil {
			return nil, false, err
		}
	}
	now := exact(c.req.Now)
	return func(keys [3]string) bool {
		return !closed[keys[0]] && !closed[keys[1]] && !closed[keys[2]] && !isDue(locked[keys[0]], now)
	}, open, nil
}

// lock locks and loads messages, and leaves out those that others have, or that
// are no longer what they were when the page was read.
func (c *claim) lock(ctx context.Context, ids []string, byID map[string]candidate) ([]crm.Message, error) {
	var messages []crm.Message
	err := c.tx.eachIn(ctx, lockClaimed, []any{c.shop}, ids, func(scan scanner) error {
		var m crm.Message
		err := scanMessage(scan, &m)
		due := m.State == crm.MessageQueued && isDue(m.SendAt, exact(c.req.Now)) || isDue(m.LeaseUntil, exact(c.req.Now))
		if due && byID[m.ID].keys == [3]string{m.Customer, m.AddressKey, m.CartKey} {
			messages = append(messages, m)
		}
		return err
	})
	slices.SortFunc(messages, func(a, b crm.Message) int { return cmp.Or(a.SendAt.Compare(b.SendAt), cmp.Compare(a.ID, b.ID)) })
	return messages, err
}

// set makes locked messages claimed, in the database and here.
func (c *claim) set(ctx context.Context, messages []crm.Message) error {
	ids := make([]string, len(messages))
	for i := range messages {
		m := &messages[i]
		ids[i] = m.ID
		m.State, m.Attempt, m.LeaseUntil = crm.MessageClaimed, m.Attempt+1, exact(c.req.Until)
	}
	slices.Sort(ids)
	return c.tx.execIn(ctx, claimMessages, []any{ordered(c.req.Until), c.shop}, ids)
}

func selectMessages(ctx context.Context, tx *session, query string, args ...any) ([]crm.Message, error) {
	var messages []crm.Message
	err := tx.each(ctx, query, args, func(scan scanner) error {
		var m crm.Message
		err := scanMessage(scan, &m)
		messages = append(messages, m)
		return err
	})
	return messages, err
}
