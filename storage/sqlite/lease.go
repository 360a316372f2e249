package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/goen-crm/crm"
)

// The fence, over message m: nothing that is not folded, or not even read yet,
// may speak against it. ?1 is the shop, ?2 is now.
const fence = `
	NOT EXISTS (SELECT 1 FROM goen_incoming n WHERE n.shop_id = ?1 AND n.refused IS NULL)
	AND NOT EXISTS (SELECT 1 FROM goen_inbox i WHERE i.shop_id = ?1 AND i.customer_id IN (m.customer_id, m.address_key, m.cart_key))
	AND NOT EXISTS (SELECT 1 FROM goen_customer c WHERE c.shop_id = ?1 AND c.customer_id = m.customer_id AND c.next_due <= ?2)`

const (
	selectQueued = `
		SELECT ` + messageColumns + `, m.content FROM goen_message m INDEXED BY goen_message_queue
		WHERE m.shop_id = ?1 AND m.state = 'queued' AND m.lane = ?4 AND m.send_at <= ?2 AND m.bucket % ?5 = ?6 AND ` + fence + `
		ORDER BY m.send_at, m.message_id LIMIT ?3 + 0`
	selectLapsed = `
		SELECT ` + messageColumns + `, m.content FROM goen_message m INDEXED BY goen_message_lease
		WHERE m.shop_id = ?1 AND m.lease_until <= ?2 AND m.state = 'claimed' AND m.lane = ?4 AND m.bucket % ?5 = ?6 AND ` + fence + `
		ORDER BY m.send_at, m.message_id LIMIT ?3 + 0`
	selectExpired = `
		SELECT ` + messageColumns + `, m.content FROM goen_message m INDEXED BY goen_message_lease
		WHERE m.shop_id = ?1 AND m.lease_until <= ?2 AND m.state = 'started'
		ORDER BY m.send_at, m.message_id`
	claimMessage = `
		UPDATE goen_message SET state = 'claimed', attempt = ?, lease_until = ? WHERE shop_id = ? AND message_id = ?`
)

// Lease implements [crm.Store]. The write lock is taken before the first
// statement, so the fence sees every fact whose transaction has committed, and
// no transaction with an uncommitted one is open.
func (s *Store) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (crm.Leases, error) {
	var leases crm.Leases
	err := s.work(ctx, func(ctx context.Context, tx *session) (err error) {
		now, limit := ordered(req.Now), max(req.Limit, 0)
		if leases.Expired, err = selectMessages(ctx, tx, selectExpired, shop, now); err != nil {
			return fmt.Errorf("sqlite: lease: %w", err)
		}
		of, part := shares(req.Share)
		queued, err := selectMessages(ctx, tx, selectQueued, shop, now, limit, named(req.Lane), of, part)
		if err != nil {
			return fmt.Errorf("sqlite: lease: %w", err)
		}
		lapsed, err := selectMessages(ctx, tx, selectLapsed, shop, now, limit, named(req.Lane), of, part)
		if err != nil {
			return fmt.Errorf("sqlite: lease: %w", err)
		}
		leases.Claimed = append(queued, lapsed...)
		slices.SortFunc(leases.Claimed, func(a, b crm.Message) int {
			return cmp.Or(a.SendAt.Compare(b.SendAt), cmp.Compare(a.ID, b.ID))
		})
		leases.Claimed = leases.Claimed[:min(len(leases.Claimed), limit)]
		for i := range leases.Claimed {
			m := &leases.Claimed[i]
			m.State, m.Attempt, m.LeaseUntil = crm.MessageClaimed, m.Attempt+1, exact(req.Until)
			if _, err := tx.run(ctx, claimMessage, m.Attempt, ordered(req.Until), shop, m.ID); err != nil {
				return fmt.Errorf("sqlite: lease: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return crm.Leases{}, err
	}
	return leases, nil
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
