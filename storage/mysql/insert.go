package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// preparedRows is how many rows a prepared insertion has. Literals are a good
// part of what the server does for an INSERT; a prepared one has none.
const preparedRows = 50

// repeated are the insertions that workers run all the time: what stands before
// VALUES, what comes after, and how many columns there are.
var repeated = []struct {
	head, tail string
	columns    int
}{
	{insertCustomers, replaceCustomers, 6},
	{insertOrders, replaceOrder, 10},
	{insertMessages, passOver, 29},
	{insertStandings, replaceStandings, 12},
	{insertDecisions, "", 11},
	{insertInbox, "", 4},
}

// prepare prepares the repeated insertions on a handle of our own. It is done
// beforehand: a transaction that asks the pool for a second connection may wait
// for ever.
func (s *Store) prepare(ctx context.Context) error {
	s.prepared = make(map[string]*sql.Stmt, len(repeated))
	for _, in := range repeated {
		stmt, err := s.db.PrepareContext(ctx, s.insertion(in.head, in.tail, preparedRows, in.columns))
		if err != nil {
			return errors.Join(err, s.unprepare())
		}
		s.prepared[in.head+in.tail] = stmt
	}
	return nil
}

func (s *Store) unprepare() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}

// insertion is an INSERT of some rows: head is all before VALUES, tail what
// comes after them.
func (s *Store) insertion(head, tail string, rows, columns int) string {
	group := "(" + marks(columns) + ")"
	return s.sql(head) + " VALUES " + strings.TrimSuffix(strings.Repeat(group+", ", rows), ", ") + " " + s.sql(tail)
}

// insert adds rows of equal length with as few statements as fit, prepared
// ones as far as there are any.
func (tx *session) insert(ctx context.Context, head, tail string, rows [][]any) error {
	for len(rows) > 0 {
		n := tx.store.fitting(rows)
		stmt := tx.store.prepared[head+tail]
		if stmt == nil || tx.own == nil || n < preparedRows {
			if err := tx.insertOnce(ctx, head, tail, rows[:n]); err != nil {
				return err
			}
			rows = rows[n:]
			continue
		}
		if _, err := tx.own.StmtContext(ctx, stmt).ExecContext(ctx, values(rows[:preparedRows])...); err != nil {
			return err
		}
		rows = rows[preparedRows:]
	}
	return nil
}

func (tx *session) insertOnce(ctx context.Context, head, tail string, rows [][]any) error {
	_, err := tx.ExecContext(ctx, tx.store.insertion(head, tail, len(rows), len(rows[0])), values(rows)...)
	return err
}

// values are the columns of rows, one row after the other.
func values(rows [][]any) []any {
	args := make([]any, 0, len(rows)*len(rows[0]))
	for _, row := range rows {
		args = append(args, row...)
	}
	return args
}

// fitting is how many of the rows, at least one, go into one statement.
func (s *Store) fitting(rows [][]any) int {
	size := 0
	for n, row := range rows {
		for _, value := range row {
			size += 8
			switch value := value.(type) {
			case string:
				size += len(value)
			case []byte:
				size += len(value)
			}
		}
		if n > 0 && (size > s.packet || n == chunk) {
			return n
		}
	}
	return len(rows)
}
