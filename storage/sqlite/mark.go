package sqlite

import (
	"context"
	"fmt"

	"github.com/goen-crm/crm"
)

// The compare-and-set of one message. What the states have in common comes
// first: state, reason, failures and unknowns to set; shop, message, attempt
// and the states to compare, with spaces around each.
const (
	markSet = `
		UPDATE goen_message SET state = ?1, reason = ?2, failures = ?3, unknowns = ?4, `
	markWhere = `
		WHERE shop_id = ?5 AND message_id = ?6 AND attempt = ?7 AND instr(?8, ' ' || state || ' ')`

	markStarted = markSet + `lease_until = ?9, started_at = ?10, settled_at = NULL, content = coalesce(content, ?11)` +
		markWhere + ` AND lease_until > ?12`
	markClaimed = markSet + `lease_until = ?9, settled_at = NULL` + markWhere
	markQueued  = markSet + `lease_until = NULL, settled_at = NULL, send_at = ?9` + markWhere
	markSettled = markSet + `lease_until = NULL, settled_at = ?9` + markWhere

	selectAddressee = `SELECT customer_id FROM goen_message WHERE shop_id = ? AND message_id = ?`
)

// Mark implements [crm.Store]. Marks of one message in one call are applied
// one after the other.
func (s *Store) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	applied := make([]bool, len(marks))
	err := s.work(ctx, func(ctx context.Context, tx *session) error {
		var decisions []crm.Decision
		for i, m := range marks {
			var err error
			if applied[i], err = mark(ctx, tx, shop, m); err != nil {
				return fmt.Errorf("sqlite: mark: %w", err)
			}
			if !applied[i] || m.Decision == nil {
				continue
			}
			d := *m.Decision
			if err := tx.one(ctx, selectAddressee, []any{shop, m.Message}, &d.Customer); err != nil {
				return fmt.Errorf("sqlite: mark: %w", err)
			}
			decisions = append(decisions, d)
		}
		if err := writeLog(ctx, tx, shop, decisions); err != nil {
			return fmt.Errorf("sqlite: mark: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return applied, nil
}

func mark(ctx context.Context, tx *session, shop string, m crm.Mark) (bool, error) {
	args := []any{string(m.To), string(m.Reason), m.Failures, m.Unknowns, shop, m.Message, m.Attempt, spaced(m.From)}
	switch m.To {
	case crm.MessageStarted:
		return tx.changed(ctx, markStarted, append(args, ordered(m.Lease), optional(m.At), optionalBlob(m.Content), ordered(m.At))...)
	case crm.MessageClaimed:
		return tx.changed(ctx, markClaimed, append(args, ordered(m.Lease))...)
	case crm.MessageQueued:
		return tx.changed(ctx, markQueued, append(args, ordered(m.SendAt))...)
	default:
		return tx.changed(ctx, markSettled, append(args, optional(m.At))...)
	}
}

// spaced is a list that SQLite searches without taking it apart.
func spaced(states []crm.MessageState) string {
	list := " "
	for _, state := range states {
		list += string(state) + " "
	}
	return list
}
