package customstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// mailColumns are those that scanMail reads; fullMail has the content too.
const (
	mailColumns = `m.doc, m.person, NULL`
	fullMail    = `m.doc, m.person, m.content`
)

// scanMail reads a message. Whose it is the column says: see move.
func scanMail(rows *sql.Rows) (m crm.Message, err error) {
	var doc []byte
	var person string
	var content []byte
	if err = rows.Scan(&doc, &person, &content); err != nil {
		return m, err
	}
	err = json.Unmarshal(doc, &m)
	m.Customer, m.Content = person, content
	for _, t := range []*time.Time{&m.SendAt, &m.Deadline, &m.LeaseUntil, &m.StartedAt, &m.SettledAt} {
		*t = t.UTC()
	}
	return m, err
}

// message loads a message with its content, or none.
func (c call) message(id string) ([]crm.Message, error) {
	return query(c, scanMail, `SELECT `+fullMail+` FROM crm_mail m WHERE shop = ?1 AND id = ?2`, id)
}

const insertMail = ` INTO crm_mail (shop, id, person, address_key, cart_key, bucket, lane, state, send_at, lease_until, doc, content)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`

// put writes a message as insert says.
func (c call) put(insert string, m crm.Message) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return c.exec(insert, m.ID, m.Customer, m.AddressKey, m.CartKey, crm.Bucket(m.ID), string(cmp.Or(m.Lane, crm.Prompt)), string(m.State),
		m.SendAt.UnixMicro(), micro(m.LeaseUntil), string(doc), m.Content)
}

// save replaces a message.
func (c call) save(m crm.Message) error { return c.put(`REPLACE`+insertMail, m) }

// queue adds a message, unless it is there: a decision taken twice is one mail.
func (c call) queue(m crm.Message) error {
	if err := c.enter(); err != nil {
		return err
	}
	return c.put(`INSERT OR IGNORE`+insertMail, m)
}

// skip takes a message off the queue. One that may be on its way can't be taken
// back, but there will be no second try.
func (c call) skip(s crm.Skip) error {
	list, err := c.message(s.Message)
	if err != nil || len(list) == 0 {
		return err
	}
	m := list[0]
	switch m.State {
	case crm.MessageQueued, crm.MessageClaimed:
		m.State, m.Reason, m.SettledAt, m.LeaseUntil = crm.MessageSkipped, s.Reason, s.At, time.Time{}
	case crm.MessageStarted, crm.MessageUnknown:
		m.Stopped = s.Reason
	default:
		return nil
	}
	return c.save(m)
}

// Lease claims messages that are due and that nothing speaks against. The
// transaction holds the write lock, so no cart has an open one: an order is
// either committed, and in the inbox, or not placed yet.
func (s *Store) Lease(ctx context.Context, shop string, req crm.LeaseRequest) (leases crm.Leases, err error) {
	err = s.write(ctx, shop, func(c call) (err error) {
		leases.Expired, err = query(c, scanMail, `SELECT `+fullMail+` FROM crm_mail m
			WHERE shop = ?1 AND state = 'started' AND lease_until <= ?2 ORDER BY send_at, id`, req.Now.UnixMicro())
		if err != nil {
			return err
		}
		leases.Claimed, err = query(c, scanMail, due, req.Now.UnixMicro(), string(cmp.Or(req.Lane, crm.Prompt)), req.Share.Part, req.Share.Of, req.Limit)
		for i := range leases.Claimed {
			m := &leases.Claimed[i]
			m.State, m.Attempt, m.LeaseUntil = crm.MessageClaimed, m.Attempt+1, req.Until
			if err := c.save(*m); err != nil {
				return err
			}
		}
		return err
	})
	return leases, err
}

// due are the messages that may be claimed at ?2. The last three conditions are
// the fence.
const due = `SELECT ` + fullMail + ` FROM crm_mail m
	WHERE shop = ?1 AND lane = ?3 AND (?5 < 2 OR bucket % ?5 = ?4) AND send_at <= ?2
	AND state IN ('queued', 'claimed') AND (state = 'queued' OR lease_until <= ?2)
	AND NOT EXISTS (SELECT 1 FROM crm_inbox i WHERE i.shop = ?1 AND i.person IN (m.person, m.address_key, m.cart_key))
	AND NOT EXISTS (SELECT 1 FROM crm_person p WHERE p.shop = ?1 AND p.id = m.person AND p.due_at <= ?2)
	ORDER BY send_at, id LIMIT ?6`

// Mark moves messages on.
func (s *Store) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	applied := make([]bool, len(marks))
	err := s.write(ctx, shop, func(c call) (err error) {
		for i, mark := range marks {
			if applied[i], err = c.mark(mark); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return applied, nil
}

// mark moves one message on, if it still is as the caller believes.
func (c call) mark(k crm.Mark) (bool, error) {
	list, err := c.message(k.Message)
	if err != nil || len(list) == 0 {
		return false, err
	}
	m := list[0]
	if m.Attempt != k.Attempt || !slices.Contains(k.From, m.State) || (k.To == crm.MessageStarted && !m.LeaseUntil.After(k.At)) {
		return false, nil
	}
	advance(&m, k)
	if err := c.save(m); err != nil {
		return false, err
	}
	if k.Decision != nil {
		d := *k.Decision
		d.Customer = m.Customer // whose message it is by now: she may have got an account meanwhile
		err = c.log(d)
	}
	return err == nil, err
}

// advance is what a mark does to a message.
func advance(m *crm.Message, k crm.Mark) {
	m.State, m.Reason, m.Failures, m.Unknowns = k.To, k.Reason, k.Failures, k.Unknowns
	m.LeaseUntil, m.SettledAt = time.Time{}, time.Time{}
	switch k.To {
	case crm.MessageQueued:
		m.SendAt = k.SendAt
	case crm.MessageClaimed:
		m.LeaseUntil = k.Lease
	case crm.MessageStarted:
		m.LeaseUntil, m.StartedAt = k.Lease, k.At
		if m.Content == nil {
			m.Content = k.Content
		}
	default:
		m.SettledAt = k.At
	}
}
