package customstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"math"

	"github.com/goen-crm/crm"
)

// pageSize is how many rows a stream reads at once. Between pages it holds
// nothing, so whoever reads it may write meanwhile, or take his time.
const pageSize = 200

// pages streams what next returns after the last row, nil for the first.
func pages[R any](next func(last *R) ([]R, error)) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var last *R
		for {
			page, err := next(last)
			if err != nil {
				yield(*new(R), err)
				return
			}
			for i := range page {
				if last = &page[i]; !yield(page[i], nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

// where is a condition if it is asked for. One that is always there, as in
// "?4 = ” OR person = ?4", would keep the database from using its index.
func where(asked bool, condition string) string {
	if !asked {
		return ""
	}
	return " AND " + condition
}

// Customers streams customers. A page of them is read in one transaction.
func (s *Store) Customers(ctx context.Context, shop string, q crm.CustomerQuery) iter.Seq2[crm.CustomerRow, error] {
	return pages(func(last *crm.CustomerRow) (list []crm.CustomerRow, err error) {
		after := q.After
		if last != nil {
			after = last.ID
		}
		err = s.read(ctx, shop, func(c call) error {
			ids, err := query(c, one[string], `SELECT id FROM crm_person WHERE shop = ?1 AND id > ?2`+
				where(q.IDs != nil, `id IN (SELECT value FROM json_each(?3))`)+` ORDER BY id LIMIT ?4`, after, array(q.IDs), pageSize)
			for _, id := range ids {
				row, err := c.person(id)
				if err == nil {
					row.Orders, err = c.orders(id)
				}
				if err != nil {
					return err
				}
				list = append(list, row)
			}
			return err
		})
		return list, err
	})
}

// Facts streams facts.
func (s *Store) Facts(ctx context.Context, shop string, q crm.FactQuery) iter.Seq2[crm.FactRow, error] {
	c := call{ctx, s.db, shop}
	return pages(func(last *crm.FactRow) ([]crm.FactRow, error) {
		at, id := int64(math.MinInt64), ""
		if last != nil {
			at, id = last.Time.UnixMicro(), last.ID
		}
		return query(c, scanFact, `SELECT `+factColumns+` FROM crm_fact f WHERE shop = ?1 AND (happened, id) > (?2, ?3)`+
			where(q.Customer != "", `person = ?4`)+where(q.ID != "", `id = ?5`)+where(q.SetAside, `set_aside <> ''`)+
			` ORDER BY happened, id LIMIT ?6`, at, id, q.Customer, q.ID, pageSize)
	})
}

// Messages streams messages.
func (s *Store) Messages(ctx context.Context, shop string, q crm.MessageQuery) iter.Seq2[crm.Message, error] {
	c := call{ctx, s.db, shop}
	columns := mailColumns
	if q.Content {
		columns = fullMail
	}
	return pages(func(last *crm.Message) ([]crm.Message, error) {
		at, id := int64(math.MinInt64), ""
		if last != nil {
			at, id = last.SendAt.UnixMicro(), last.ID
		}
		return query(c, scanMail, `SELECT `+columns+` FROM crm_mail m WHERE shop = ?1 AND (send_at, id) > (?2, ?3)`+
			where(q.Customer != "", `person = ?4`)+where(q.ID != "", `id = ?5`)+where(q.States != nil, `state IN (SELECT value FROM json_each(?6))`)+
			` ORDER BY send_at, id LIMIT ?7`, at, id, q.Customer, q.ID, array(q.States), pageSize)
	})
}

// Decisions streams the decision log.
func (s *Store) Decisions(ctx context.Context, shop string, q crm.DecisionQuery) iter.Seq2[crm.Decision, error] {
	c := call{ctx, s.db, shop}
	lines := pages(func(last *line) ([]line, error) {
		var seq int64
		if last != nil {
			seq = last.seq
		}
		return query(c, scanLine, `SELECT seq, person, doc FROM crm_decision WHERE shop = ?1 AND seq > ?2`+
			where(q.Customer != "", `person = ?3`)+` ORDER BY seq LIMIT ?4`, seq, q.Customer, pageSize)
	})
	return func(yield func(crm.Decision, error) bool) {
		for l, err := range lines {
			if !yield(l.Decision, err) {
				return
			}
		}
	}
}

// A line is a decision with its place in the log.
type line struct {
	crm.Decision
	seq int64
}

func scanLine(rows *sql.Rows) (l line, err error) {
	var person string
	var doc []byte
	if err = rows.Scan(&l.seq, &person, &doc); err != nil {
		return l, err
	}
	err = json.Unmarshal(doc, &l.Decision)
	l.Customer, l.At = person, l.At.UTC()
	return l, err
}
