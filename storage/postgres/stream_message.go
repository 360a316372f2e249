package postgres

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/goen-crm/crm"
)

// Messages implements [crm.Store].
func (s *Store) Messages(ctx context.Context, shop string, q crm.MessageQuery) iter.Seq2[crm.Message, error] {
	return pages(ctx, s, "messages", firstPage, func(tx *transaction, last *crm.Message, limit int) ([]crm.Message, error) {
		query, args := messagePage(shop, q, last, limit)
		if query == "" {
			return nil, nil // no state that there is
		}
		var page []crm.Message
		tx.each(query, args, func(rows pgx.Rows) error {
			page = append(page, crm.Message{})
			return scanMessage(rows, &page[len(page)-1])
		})
		return page, tx.run(ctx)
	})
}

// allStates are what a query means that names none.
var allStates = []crm.MessageState{
	crm.MessageQueued, crm.MessageClaimed, crm.MessageStarted, crm.MessageSent, crm.MessageFailed, crm.MessageUnknown, crm.MessageSkipped,
}

// inOrder are the conditions under which an index has a shop's messages of a
// state in order. Few are leased at a time: these are sorted.
func inOrder(state crm.MessageState) []string {
	if state == crm.MessageQueued {
		return []string{` AND m.state = 'queued' AND (m.lane = 'bulk')::int = 0`, ` AND m.state = 'queued' AND (m.lane = 'bulk')::int = 1`}
	}
	return []string{` AND m.state = '` + string(state) + `'`}
}

// messagePage is the query for the messages after last. One customer's, and one
// message, are looked up by their keys. A whole shop's are merged from the
// states: so those in a rare state are found without reading the others.
func messagePage(shop string, q crm.MessageQuery, last *crm.Message, limit int) (string, []any) {
	columns := messageWithoutContent
	if q.Content {
		columns = messageColumns
	}
	args := arguments{shop}
	where := `m.shop_id = $1`
	if q.Customer != "" {
		where += ` AND m.customer_id = ` + args.add(q.Customer)
	}
	if q.ID != "" {
		where += ` AND m.message_id = ` + args.add(q.ID)
	}
	if last != nil {
		where += ` AND (m.send_at, m.message_id) > (` + args.add(last.SendAt) + `, ` + args.add(last.ID) + `)`
	}
	end := ` ORDER BY m.send_at, m.message_id LIMIT ` + args.add(limit)
	if q.Customer != "" || q.ID != "" {
		if q.States != nil {
			where += ` AND m.state = ANY (` + args.add(column(q.States, func(s *crm.MessageState) string { return string(*s) })) + `)`
		}
		return `SELECT ` + columns + ` FROM goen_message AS m WHERE ` + where + end, args
	}
	var arms []string
	for _, state := range allStates {
		if q.States != nil && !slices.Contains(q.States, state) {
			continue
		}
		for _, condition := range inOrder(state) {
			arms = append(arms, `(SELECT * FROM goen_message AS m WHERE `+where+condition+end+`)`)
		}
	}
	if arms == nil {
		return ``, nil
	}
	return `SELECT ` + columns + ` FROM (` + strings.Join(arms, ` UNION ALL `) + `) AS m` + end, args
}
