package postgres

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Statements take many rows as one array for each column, read by unnest.
//
// column collects one column of rows.
func column[R, V any](rows []R, value func(*R) V) []V {
	values := make([]V, len(rows))
	for i := range rows {
		values[i] = value(&rows[i])
	}
	return values
}

// sparse is column for one that is often zero in all rows. It is empty then, and
// unnest reads it as NULLs.
func sparse[R any, V comparable](rows []R, value func(*R) V) []V {
	var zero V
	values := column(rows, value)
	for _, v := range values {
		if v != zero {
			return values
		}
	}
	return []V{}
}

// Times are a column of times, NULL where they are zero.
type times []time.Time

// Documents are a column of bytes or JSON, NULL where they are nil.
type documents [][]byte

var (
	_ pgtype.ArrayGetter = times(nil)
	_ pgtype.ArrayGetter = documents(nil)
)

// Dimensions implements [pgtype.ArrayGetter].
func (t times) Dimensions() []pgtype.ArrayDimension { return dimensions(len(t)) }

// Index implements [pgtype.ArrayGetter].
func (t times) Index(i int) any {
	if t[i].IsZero() {
		return nil
	}
	return t[i]
}

// IndexType implements [pgtype.ArrayGetter].
func (t times) IndexType() any { return time.Time{} }

// Dimensions implements [pgtype.ArrayGetter].
func (d documents) Dimensions() []pgtype.ArrayDimension { return dimensions(len(d)) }

// Index implements [pgtype.ArrayGetter].
func (d documents) Index(i int) any {
	if d[i] == nil {
		return nil
	}
	return d[i]
}

// IndexType implements [pgtype.ArrayGetter].
func (d documents) IndexType() any { return []byte(nil) }

func dimensions(n int) []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(n), LowerBound: 1}}
}

// blob is bytes that are never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// literal writes an array as PostgreSQL's text, documents as bytes, for drivers
// of database/sql that know no arrays.
func literal(arg any) any {
	switch arg := arg.(type) {
	case []string:
		return join(len(arg), func(b *strings.Builder, i int) { quote(b, arg[i]) })
	case []int16:
		return join(len(arg), func(b *strings.Builder, i int) { b.WriteString(strconv.Itoa(int(arg[i]))) })
	case times:
		return join(len(arg), func(b *strings.Builder, i int) {
			if arg[i].IsZero() {
				b.WriteString("NULL")
				return
			}
			quote(b, timestamp(arg[i]))
		})
	case []time.Time:
		return join(len(arg), func(b *strings.Builder, i int) { quote(b, timestamp(arg[i])) })
	case documents:
		return join(len(arg), func(b *strings.Builder, i int) {
			if arg[i] == nil {
				b.WriteString("NULL")
				return
			}
			quote(b, `\x`+hex.EncodeToString(arg[i]))
		})
	}
	return arg
}

func join(n int, element func(b *strings.Builder, i int)) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		element(&b, i)
	}
	b.WriteByte('}')
	return b.String()
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	_, _ = escapes.WriteString(b, s) // a builder takes everything
	b.WriteByte('"')
}

// timestamp is a time as every session reads it, whatever its DateStyle. Years
// before the common era do not occur.
func timestamp(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%04d-%s+00", t.Year(), t.Format("01-02 15:04:05.000000"))
}

// parseInts reads an array of integers as PostgreSQL writes it.
func parseInts(array string) ([]int32, error) {
	var ints []int32
	for _, word := range strings.FieldsFunc(array, func(r rune) bool { return r == '{' || r == ',' || r == '}' }) {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, err
		}
		ints = append(ints, int32(n))
	}
	return ints, nil
}
