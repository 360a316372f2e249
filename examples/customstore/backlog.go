package customstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/goen-crm/crm"
)

// waiting is a shop's earliest work of each kind, each found by an index.
const waiting = `SELECT shop,
	EXISTS (SELECT 1 FROM crm_inbox i WHERE i.shop = s.shop),
	(SELECT MIN(due_at) FROM crm_person p WHERE p.shop = s.shop AND due_at IS NOT NULL),
	(SELECT MIN(review_at) FROM crm_person p WHERE p.shop = s.shop AND review_at IS NOT NULL),
	(SELECT MIN(send_at) FROM crm_mail m WHERE m.shop = s.shop AND state = 'queued'),
	(SELECT MIN(lease_until) FROM crm_mail m WHERE m.shop = s.shop AND lease_until IS NOT NULL)
	FROM crm_shop s ORDER BY shop`

// Backlog returns the shops with something to do.
func (s *Store) Backlog(ctx context.Context, until time.Time) ([]crm.Backlog, error) {
	all, err := query(call{ctx, s.db, ""}, scanBacklog, waiting)
	var list []crm.Backlog
	for _, b := range all {
		if b.Pending || by(b.NextTimer, until) || by(b.NextReview, until) || by(b.NextSend, until) {
			list = append(list, b)
		}
	}
	return list, err
}

func scanBacklog(rows *sql.Rows) (b crm.Backlog, err error) {
	var lease time.Time
	err = rows.Scan(&b.Shop, &b.Pending, (*instant)(&b.NextTimer), (*instant)(&b.NextReview), (*instant)(&b.NextSend), (*instant)(&lease))
	if b.NextSend.IsZero() || by(lease, b.NextSend) {
		b.NextSend = lease
	}
	return b, err
}

// by reports whether t comes, and not after until.
func by(t, until time.Time) bool { return !t.IsZero() && !t.After(until) }
