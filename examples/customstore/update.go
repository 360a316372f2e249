package customstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/goen-crm/crm"
)

// Update lets decide change some customers. The transaction holds the write
// lock from its beginning, so nobody is locked by somebody else, and all that
// decide sees stays true until it commits.
func (s *Store) Update(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, err error) {
	err = s.write(ctx, shop, func(c call) error {
		ids, err := c.find(sel)
		if err != nil {
			return err
		}
		found = len(ids)
		work, err := c.work(ids)
		if err != nil {
			return err
		}
		changes, err := decide(work)
		if err != nil || changes == nil {
			return err
		}
		return c.apply(changes)
	})
	if err != nil {
		return 0, err
	}
	return found, nil
}

// find returns the ids of the customers that a selection names.
func (c call) find(sel crm.Selection) ([]string, error) {
	if sel.IDs != nil {
		return query(c, one[string], `SELECT id FROM crm_person WHERE shop = ?1 AND id IN (SELECT value FROM json_each(?2)) ORDER BY id`, array(sel.IDs))
	}
	if sel.Lane == crm.Bulk {
		return c.due(sel, `review_at <= ?2 ORDER BY review_at, id`)
	}
	timers, err := c.due(sel, `due_at <= ?2 ORDER BY due_at, id`)
	if err != nil {
		return nil, err
	}
	facts, err := c.due(sel, `id IN (SELECT person FROM crm_inbox WHERE shop = ?1) ORDER BY id`)
	return inTurn(sel.Limit, timers, facts), err
}

// due returns up to sel.Limit customers for whom a condition holds at ?2.
func (c call) due(sel crm.Selection, condition string) ([]string, error) {
	return query(c, one[string], `SELECT id FROM crm_person WHERE shop = ?1 AND id NOT IN (SELECT value FROM json_each(?3))
		AND (?5 < 2 OR bucket % ?5 = ?4) AND `+condition+` LIMIT ?6`,
		sel.DueBy.UnixMicro(), array(sel.Except), sel.Share.Part, sel.Share.Of, sel.Limit)
}

// inTurn takes ids from two lists by turns, each once and up to a limit, so that
// a flood of one kind of work does not stop the other.
func inTurn(limit int, a, b []string) []string {
	var ids []string
	for i := range max(len(a), len(b)) {
		for _, list := range [][]string{a, b} {
			if i < len(list) && len(ids) < limit && !slices.Contains(ids, list[i]) {
				ids = append(ids, list[i])
			}
		}
	}
	return ids
}

// array is a list for json_each.
func array[S ~string](list []S) string {
	b, _ := json.Marshal(append([]S{}, list...)) // strings always marshal
	return string(b)
}

// work loads customers, and lets decide load more.
func (c call) work(ids []string) (*crm.Work, error) {
	locked := make(map[string]bool)
	lock := func(ids []string) (list []crm.CustomerRow, err error) {
		ids, err = c.find(crm.Selection{IDs: append([]string{}, ids...)})
		for _, id := range ids {
			if locked[id] {
				continue
			}
			row, err := c.person(id)
			if err != nil {
				return nil, err
			}
			locked[id] = true
			list = append(list, row)
		}
		return list, err
	}
	pending := func(ids []string) ([]string, error) {
		return query(c, one[string], `
			SELECT DISTINCT k.value FROM json_each(?2) AS k
			WHERE EXISTS (SELECT 1 FROM crm_inbox WHERE shop = ?1 AND person = k.value) ORDER BY k.value`, array(ids))
	}
	fill := func(customers []crm.CustomerRow) (err error) {
		for i := range customers {
			if err == nil {
				customers[i].Orders, err = c.orders(customers[i].ID)
			}
			if err == nil {
				customers[i].Messages, err = c.unsettled(customers[i].ID)
			}
		}
		return err
	}
	revision, err := query(c, one[int64], `SELECT COUNT(*) FROM crm_definition WHERE shop = ?1`)
	if err != nil {
		return nil, err
	}
	customers, err := lock(ids)
	return &crm.Work{Revision: revision[0], Customers: customers, Lock: lock, Pending: pending, Fill: fill}, err
}

// unsettled loads a customer's mails that may still be skipped or stopped.
func (c call) unsettled(id string) ([]crm.Message, error) {
	return query(c, scanMail, `SELECT `+mailColumns+` FROM crm_mail m
		WHERE shop = ?1 AND person = ?2 AND state IN ('queued', 'claimed', 'started', 'unknown') ORDER BY id`, id)
}

// orders loads a customer's orders.
func (c call) orders(id string) ([]crm.OrderRow, error) {
	return query(c, scanOrder, `SELECT number, person, status, currency, total, refunded, placed_at, counted_at, state
		FROM crm_order WHERE shop = ?1 AND person = ?2 ORDER BY number`, id)
}

// person loads a customer with the facts in her inbox.
func (c call) person(id string) (crm.CustomerRow, error) {
	rows, err := query(c, scanPerson, `SELECT id, state, due_at, review_at FROM crm_person WHERE shop = ?1 AND id = ?2`, id)
	if err != nil || len(rows) == 0 {
		return crm.CustomerRow{}, err
	}
	row := rows[0]
	// CROSS JOIN has SQLite begin with the inbox, not with all facts in order of time.
	row.Pending, err = query(c, scanFact, `SELECT `+factColumns+` FROM crm_inbox i CROSS JOIN crm_fact f ON f.shop = i.shop AND f.id = i.fact
		WHERE i.shop = ?1 AND i.person = ?2 ORDER BY f.happened, f.id`, id)
	return row, err
}

func scanPerson(rows *sql.Rows) (p crm.CustomerRow, err error) {
	err = rows.Scan(&p.ID, &p.State, (*instant)(&p.NextDue), (*instant)(&p.NextReview))
	return p, err
}

func scanOrder(rows *sql.Rows) (o crm.OrderRow, err error) {
	err = rows.Scan(&o.ID, &o.Customer, &o.Status, &o.Currency, &o.Total, &o.Refunded, (*instant)(&o.PlacedAt), (*instant)(&o.CountedAt), &o.State)
	return o, err
}
