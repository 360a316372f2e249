package sqlite

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// An insertion is a statement that inserts rows. Many rows in one statement
// cost about a third less than as many statements of one row do; the sizes are
// few, so that the statements stay prepared.
type insertion struct {
	queries [len(insertSizes)]string
}

// insertSizes are how many rows one statement inserts, in descending order.
var insertSizes = [...]int{64, 8, 1}

// newInsertion makes an insertion of what stands before VALUES, how many
// columns it names, and what follows the rows.
func newInsertion(into string, columns int, tail string) *insertion {
	row := "(?" + strings.Repeat(", ?", columns-1) + ")"
	in := &insertion{}
	for i, n := range insertSizes {
		in.queries[i] = into + " VALUES " + row + strings.Repeat(", "+row, n-1) + " " + tail
	}
	return in
}

// of returns the statement for one of the insertSizes.
func (in *insertion) of(rows int) string { return in.queries[slices.Index(insertSizes[:], rows)] }

// chunks cuts rows into pieces of the insertSizes.
func chunks[T any](rows []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for _, n := range insertSizes {
			for ; len(rows) >= n; rows = rows[n:] {
				if !yield(rows[:n]) {
					return
				}
			}
		}
	}
}

// insert inserts a row for each element. values appends the columns of one.
func insert[T any](ctx context.Context, tx *session, in *insertion, rows []T, values func(args []any, row *T) []any) error {
	var args []any
	for chunk := range chunks(rows) {
		args = args[:0]
		for i := range chunk {
			args = values(args, &chunk[i])
		}
		if _, err := tx.run(ctx, in.of(len(chunk)), args...); err != nil {
			return err
		}
	}
	return nil
}
