package sqlite

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/goen-crm/crm"
)

// Messages implements [crm.Store].
func (s *Store) Messages(ctx context.Context, shop string, q crm.MessageQuery) iter.Seq2[crm.Message, error] {
	if q.States != nil && len(q.States) == 0 {
		return func(func(crm.Message, error) bool) {}
	}
	return pages(ctx, s, "messages", func(ctx context.Context, tx *session, last *crm.Message, limit int) ([]crm.Message, error) {
		query, args := messagePage(shop, q, last, limit)
		return selectMessages(ctx, tx, query, args...)
	})
}

// states are all there are, for a query that does not name any.
var states = []crm.MessageState{
	crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageSent, crm.MessageFailed, crm.MessageUnknown, crm.MessageSkipped,
}

// messagePage is the query for the messages after last. One customer's, and one
// message, are looked up by their keys. A whole shop's are merged from the
// states, each of which has them in order: so those in a rare state are found
// without reading the others.
func messagePage(shop string, q crm.MessageQuery, last *crm.Message, limit int) (string, []any) {
	selected := `SELECT ` + messageColumns + `, NULL AS content FROM goen_message m WHERE m.shop_id = ?1`
	if q.Content {
		selected = strings.Replace(selected, "NULL AS content", "m.content", 1)
	}
	args := []any{shop, limit, nil, nil}
	if last != nil {
		selected += ` AND (m.send_at, m.message_id) > (?3, ?4)`
		args[2], args[3] = ordered(last.SendAt), last.ID
	}
	var arms []string
	if q.Customer != "" || q.ID != "" {
		if q.Customer != "" {
			args = append(args, q.Customer)
			selected += fmt.Sprintf(` AND m.customer_id = ?%d`, len(args))
		}
		if q.ID != "" {
			args = append(args, q.ID)
			selected += fmt.Sprintf(` AND m.message_id = ?%d`, len(args))
		}
		if q.States != nil {
			args = append(args, list(q.States))
			// The plus keeps the planner from going by state.
			selected += fmt.Sprintf(` AND +m.state IN (SELECT value FROM json_each(?%d))`, len(args))
		}
		arms = []string{selected}
	} else {
		wanted := q.States
		if wanted == nil {
			wanted = states
		}
		for _, state := range slices.Compact(slices.Sorted(slices.Values(wanted))) {
			if state == crm.MessageQueued { // has an index of its own, by lane
				for _, lane := range []crm.Lane{crm.Prompt, crm.Bulk} {
					arms = append(arms, selected+fmt.Sprintf(` AND m.state = 'queued' AND m.lane = '%s'`, lane))
				}
				continue
			}
			args = append(args, string(state))
			arms = append(arms, selected+fmt.Sprintf(` AND m.state <> 'queued' AND m.state = ?%d`, len(args)))
		}
	}
	return strings.Join(arms, ` UNION ALL `) + ` ORDER BY send_at, message_id LIMIT ?2`, args
}
