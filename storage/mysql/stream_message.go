package mysql

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

// What a message's state and lane may be, for a query that does not name them.
var (
	states = []crm.MessageState{
		crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageSent, crm.MessageFailed, crm.MessageUnknown, crm.MessageSkipped,
	}
	lanes = []crm.Lane{"", crm.Prompt, crm.Bulk}
)

// messagePage is the query for the messages after last. One customer's, and one
// message, are looked up by their keys. A whole shop's are merged from the
// states and lanes, each of which has them in order: so those in a rare state
// are found without reading the others.
func messagePage(shop string, q crm.MessageQuery, last *crm.Message, limit int) (string, []any) {
	selected := `SELECT ` + messageColumns + `, NULL AS content FROM goen_message m FORCE INDEX (%s) WHERE m.shop_id = ?`
	if q.Content {
		selected = strings.Replace(selected, "NULL AS content", "m.content", 1)
	}
	var args []any
	arm := func(index, column, where string, more ...any) string {
		query := fmt.Sprintf(selected, index) + where
		args = append(append(args, shop), more...)
		if last != nil {
			at := ordered(last.SendAt)
			query += fmt.Sprintf(" AND m.%[1]s >= ? AND (m.%[1]s > ? OR m.message_id > ?)", column)
			args = append(args, at, at, last.ID)
		}
		return query + fmt.Sprintf(" ORDER BY m.%s, m.message_id LIMIT %d", column, limit)
	}
	if q.Customer != "" || q.ID != "" {
		index, where, more := "customer", "", []any(nil)
		if q.Customer != "" {
			where, more = " AND m.customer_id = ?", append(more, q.Customer)
		}
		if q.ID != "" {
			index, where, more = "PRIMARY", where+" AND m.message_id = ?", append(more, q.ID)
		}
		if q.States != nil {
			where, more = listed(where+" AND m.state "+inList, more, q.States)
		}
		query := arm(index, "send_at", where, more...)
		return query, args
	}
	wanted := q.States
	if wanted == nil {
		wanted = states
	}
	var arms []string
	for _, state := range slices.Compact(slices.Sorted(slices.Values(wanted))) {
		column := "next_at" // the same, and in order in the index
		if state == crm.MessageClaimed || state == crm.MessageStarted {
			column = "send_at" // they are few, and sorted
		}
		for _, lane := range lanes {
			arms = append(arms, "("+arm("due", column, " AND m.state = ? AND m.lane = ?", string(state), string(lane))+")")
		}
	}
	return strings.Join(arms, " UNION ALL ") + fmt.Sprintf(" ORDER BY due_at, message_id LIMIT %d", limit), args
}
