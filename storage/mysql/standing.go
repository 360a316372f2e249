package mysql

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// A standing is what changes about a message after it was queued. It is read
// under the message's lock, changed here, and written back: so that many
// messages are compared and set with two statements.
type standing struct {
	id, customer                             string
	state                                    crm.MessageState
	attempt, failures, unknowns              int
	reason, stopped                          crm.Reason
	sendAt, leaseUntil, startedAt, settledAt time.Time

	content []byte // content is what is to be stored, unless there is some.
	changed bool
}

const (
	selectStandings = `
		SELECT message_id, customer_id, state, attempt, failures, unknowns, reason, stopped,
			CAST(send_at AS CHAR), CAST(lease_until AS CHAR), CAST(started_at AS CHAR), CAST(settled_at AS CHAR)
		FROM goen_message FORCE INDEX (PRIMARY) WHERE shop_id = ? AND message_id ` + inList + ` ORDER BY message_id FOR UPDATE`
	insertStandings = `
		INSERT INTO goen_message (shop_id, message_id, state, failures, unknowns, reason, stopped, send_at, lease_until, started_at, settled_at, content)`
	// The rows are there and locked.
	replaceStandings = `
		ON DUPLICATE KEY UPDATE state = VALUES(state), failures = VALUES(failures), unknowns = VALUES(unknowns), reason = VALUES(reason),
			stopped = VALUES(stopped), send_at = VALUES(send_at), lease_until = VALUES(lease_until), started_at = VALUES(started_at),
			settled_at = VALUES(settled_at), content = COALESCE(content, VALUES(content))`
)

// lockStandings locks those of the messages that exist, in order of id, and
// waits for those who have some of them.
func lockStandings(ctx context.Context, tx *session, shop string, ids []string) (map[string]*standing, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	standings := make(map[string]*standing, len(ids))
	err := tx.eachIn(ctx, selectStandings, []any{shop}, ids, func(scan scanner) error {
		m := &standing{}
		err := scan(&m.id, &m.customer, &m.state, &m.attempt, &m.failures, &m.unknowns, &m.reason, &m.stopped,
			instant{&m.sendAt}, instant{&m.leaseUntil}, instant{&m.startedAt}, instant{&m.settledAt})
		standings[m.id] = m
		return err
	})
	return standings, err
}

func writeStandings(ctx context.Context, tx *session, shop string, standings map[string]*standing) error {
	var rows [][]any
	for _, id := range slices.Sorted(maps.Keys(standings)) {
		if m := standings[id]; m.changed {
			rows = append(rows, []any{shop, m.id, string(m.state), m.failures, m.unknowns, string(m.reason), string(m.stopped), ordered(m.sendAt),
				optional(m.leaseUntil), optional(m.startedAt), optional(m.settledAt), optionalBlob(m.content)})
		}
	}
	return tx.insert(ctx, insertStandings, replaceStandings, rows)
}

// skip takes the message off the queue; one that is being sent, or may have
// been, only learns that it must not be tried again.
func (m *standing) skip(skip crm.Skip) {
	switch m.state {
	case crm.MessageQueued, crm.MessageClaimed:
		m.state, m.reason, m.settledAt, m.leaseUntil = crm.MessageSkipped, skip.Reason, exact(skip.At), time.Time{}
	case crm.MessageStarted, crm.MessageUnknown:
		m.stopped = skip.Reason
	default:
		return
	}
	m.changed = true
}

// mark applies a mark, unless something speaks against it.
func (m *standing) mark(mark crm.Mark) bool {
	if m.attempt != mark.Attempt || !slices.Contains(mark.From, m.state) {
		return false
	}
	if mark.To == crm.MessageStarted && !m.leaseUntil.After(exact(mark.At)) {
		return false
	}
	m.state, m.reason, m.failures, m.unknowns, m.changed = mark.To, mark.Reason, mark.Failures, mark.Unknowns, true
	m.leaseUntil, m.settledAt = time.Time{}, time.Time{}
	switch mark.To {
	case crm.MessageStarted:
		m.leaseUntil, m.startedAt = exact(mark.Lease), exact(mark.At)
		if len(m.content) == 0 {
			m.content = mark.Content
		}
	case crm.MessageClaimed:
		m.leaseUntil = exact(mark.Lease)
	case crm.MessageQueued:
		m.sendAt = exact(mark.SendAt)
	default:
		m.settledAt = exact(mark.At)
	}
	return true
}
