package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// markMessages compares and sets messages that are locked, and logs what goes
// with those that were set, to the customer whose message it is by now. It
// returns the places of these marks, from 1.
const markMessages = `
	WITH applied AS (
		UPDATE goen_message AS m
		SET state = u.state, reason = u.reason, failures = u.failures, unknowns = u.unknowns,
			lease_until = CASE WHEN u.state IN ('claimed', 'started') THEN u.lease END,
			send_at = CASE WHEN u.state = 'queued' THEN u.send_at ELSE m.send_at END,
			started_at = CASE WHEN u.state = 'started' THEN u.at ELSE m.started_at END,
			settled_at = CASE WHEN u.state NOT IN ('queued', 'claimed', 'started') THEN u.at END,
			content = CASE WHEN u.state = 'started' THEN coalesce(m.content, u.content) ELSE m.content END
		FROM (
			SELECT u.*, t.ctid AS row, $1::text AS shop_id
			FROM unnest($2::text[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
				$9::int[], $10::int[], $11::text[], $12::bytea[],
				$13::boolean[], $14::timestamptz[], $15::text[], $16::text[], $17::int[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[])
				WITH ORDINALITY AS u (message_id, attempt, compare, state, at, lease, send_at, failures, unknowns, reason, content,
				decided, d_at, d_kind, d_journey, d_version, d_enrollment, d_step, d_message, d_reason, d_detail, place)
			CROSS JOIN LATERAL (
				SELECT ctid FROM goen_message WHERE shop_id = $1 AND message_id = u.message_id OFFSET 0
			) AS t OFFSET 0
		) AS u
		WHERE m.ctid = u.row AND m.shop_id = u.shop_id
			AND m.attempt = u.attempt AND m.state = ANY (string_to_array(u.compare, ' '))
			AND (u.state <> 'started' OR m.lease_until > u.at)
		RETURNING u.place, m.customer_id, decided, d_at, d_kind, d_journey, d_version, d_enrollment, d_step, d_message, d_reason, d_detail
	), logged AS (
		INSERT INTO goen_decision (shop_id, ` + decisionColumns + `)
		SELECT $1, customer_id, d_at, d_kind, coalesce(d_journey, ''), coalesce(d_version, 0), coalesce(d_enrollment, ''), coalesce(d_step, ''),
			coalesce(d_message, ''), coalesce(d_reason, ''), coalesce(d_detail, '')
		FROM applied WHERE decided
		ORDER BY place
	)
	SELECT place FROM applied`

// Mark implements [crm.Store]. It is one round trip. Marks of one message in one
// call are applied, and logged, one after the other.
func (s *Store) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	applied := make([]bool, len(marks))
	if len(marks) == 0 {
		return applied, ctx.Err()
	}
	err := s.write(ctx, "mark", 1, func(tx *transaction) error {
		clear(applied)
		tx.queue(useKeys)
		tx.queue(lockMessages, shop, slices.Compact(slices.Sorted(slices.Values(column(marks, func(m *crm.Mark) string { return m.Message })))))
		first := 0
		for _, turn := range turns(marks) {
			before := first
			first += len(turn)
			tx.each(markMessages, markArgs(shop, turn), func(rows pgx.Rows) error {
				var n int
				err := rows.Scan(&n)
				if err == nil {
					applied[before+n-1] = true
				}
				return err
			})
		}
		return tx.commit(ctx)
	})
	for _, m := range marks { // also if nobody knows whether it was committed
		switch m.To {
		case crm.MessageQueued:
			s.low.lower(shop, promptDue, m.SendAt)
			s.low.lower(shop, bulkDue, m.SendAt)
		case crm.MessageClaimed, crm.MessageStarted:
			s.low.lower(shop, leasesDue, m.Lease)
		}
	}
	if err != nil {
		return nil, err
	}
	return applied, nil
}

// turns cuts marks, in their order, so that no message has two in one turn.
func turns(marks []crm.Mark) [][]crm.Mark {
	var all [][]crm.Mark
	seen := make(map[string]bool, len(marks))
	first := 0
	for i, m := range marks {
		if seen[m.Message] {
			all = append(all, marks[first:i])
			first = i
			clear(seen)
		}
		seen[m.Message] = true
	}
	return append(all, marks[first:])
}

func markArgs(shop string, marks []crm.Mark) []any {
	decisions := column(marks, func(m *crm.Mark) (d crm.Decision) {
		if m.Decision != nil {
			d = *m.Decision
		}
		return d
	})
	args := []any{
		shop,
		column(marks, func(m *crm.Mark) string { return m.Message }),
		column(marks, func(m *crm.Mark) int { return m.Attempt }),
		column(marks, func(m *crm.Mark) string { return states(m.From) }),
		column(marks, func(m *crm.Mark) string { return string(m.To) }),
		times(column(marks, func(m *crm.Mark) time.Time { return m.At })),
		times(sparse(marks, func(m *crm.Mark) time.Time { return m.Lease })),
		column(marks, func(m *crm.Mark) time.Time { return m.SendAt }),
		column(marks, func(m *crm.Mark) int { return m.Failures }),
		column(marks, func(m *crm.Mark) int { return m.Unknowns }),
		column(marks, func(m *crm.Mark) string { return string(m.Reason) }),
		contents(marks, func(m *crm.Mark) []byte { return m.Content }),
		sparse(marks, func(m *crm.Mark) bool { return m.Decision != nil }),
	}
	return append(args, decisionArgs(decisions)[1:]...) // but for whose they are
}

func states(from []crm.MessageState) string {
	words := make([]string, len(from))
	for i, state := range from {
		words[i] = string(state)
	}
	return strings.Join(words, " ")
}
