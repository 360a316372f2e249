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
	if q.States != nil && len(q.States) == 0 {
		return func(func(crm.Message, error) bool) {}
	}
	return pages(ctx, s, "messages", func(tx *transaction, last *crm.Message, limit int) ([]crm.Message, error) {
		query, args := messagePage(shop, q, last, limit)
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

// messagePage is the query for the messages after last. One customer's, and one
// message, are looked up by their keys. A whole shop's are merged from the
// states, each of which has them in order: so those in a rare state are found
// without reading the others.
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
	wanted := q.States
	if wanted == nil {
		wanted = allStates
	}
	wanted = slices.Compact(slices.Sorted(slices.Values(wanted)))
	if q.Customer != "" || q.ID != "" {
		if q.States != nil {
			where += ` AND m.state = ANY (` + args.add(column(wanted, func(s *crm.MessageState) string { return string(*s) })) + `)`
		}
		return `SELECT ` + columns + ` FROM goen_message AS m WHERE ` + where + end, args
	}
	var arms []string
	for _, state := range wanted {
		arms = append(arms, `(SELECT * FROM goen_message AS m WHERE `+where+` AND m.state = `+args.add(string(state))+end+`)`)
	}
	return `SELECT ` + columns + ` FROM (` + strings.Join(arms, ` UNION ALL `) + `) AS m` + end, args
}
