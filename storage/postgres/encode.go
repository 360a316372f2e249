package postgres

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
)

// Arrays are most of what is sent to the server. pgx asks for their elements one
// by one, each in an interface, and lets its buffers grow as it goes: that took
// more of a worker's time than deciding did. These write themselves at once, into
// buffers that are large enough from the beginning.

// An array is a column of rows that writes itself in PostgreSQL's binary format.
// On connections that do not know it (see learn) it is one of pgx's own.
type array interface {
	pgtype.ArrayGetter
	fits(element uint32) bool
	size() int // in bytes, at most
	encode(buf []byte, element uint32) []byte
}

type (
	texts struct {
		rows []string
		room int // how much more is going to be written behind
	}
	numbers[N int16 | int | int64] []N
	instants                       []time.Time // of which none is NULL
)

var _, _, _, _, _ array = texts{}, numbers[int](nil), instants(nil), times(nil), documents(nil)

// arrays makes arrays of the columns among a statement's arguments, and tells
// the first of texts how large all of them are.
func arrays(args []any) (own []any, total int) {
	own = slices.Clone(args)
	first := -1
	for i, arg := range own {
		switch arg := arg.(type) {
		case []string:
			if arg != nil {
				own[i] = texts{rows: arg}
				if first < 0 {
					first = i
				}
			}
		case []int16:
			own[i] = numbers[int16](arg)
		case []int:
			if !slices.ContainsFunc(arg, func(n int) bool { return n != int(int32(n)) }) { // which pgx refuses
				own[i] = numbers[int](arg)
			}
		case []int64:
			own[i] = numbers[int64](arg)
		case []time.Time:
			own[i] = instants(arg)
		case string:
			total += len(arg)
		}
		if a, ok := own[i].(array); ok {
			total += a.size()
		}
	}
	if first >= 0 {
		own[first] = texts{own[first].(texts).rows, total}
	}
	return own, total
}

// learn teaches a connection of the store's own to write arrays. Connections of
// a host's pool stay as they are.
func learn(m *pgtype.Map) {
	for oid, element := range map[uint32]uint32{
		pgtype.TextArrayOID: pgtype.TextOID, pgtype.ByteaArrayOID: pgtype.ByteaOID, pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID,
		pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int4ArrayOID: pgtype.Int4OID, pgtype.Int8ArrayOID: pgtype.Int8OID,
	} {
		if t, known := m.TypeForOID(oid); known {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: t.OID, Codec: arrayCodec{t.Codec, element}})
		}
	}
}

// An arrayCodec is the codec of an array type that knows arrays too.
type arrayCodec struct {
	pgtype.Codec
	element uint32
}

// PlanEncode implements [pgtype.Codec].
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if a, ok := value.(array); ok && format == pgtype.BinaryFormatCode && a.fits(c.element) {
		return arrayPlan{c.element}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// An arrayPlan implements [pgtype.EncodePlan].
type arrayPlan struct{ element uint32 }

// Encode implements [pgtype.EncodePlan].
func (p arrayPlan) Encode(value any, buf []byte) ([]byte, error) {
	return value.(array).encode(buf, p.element), nil
}

// room makes the buffer of what is sent to the server large enough.
type room int

var _ pgproto3.FrontendMessage = room(0)

// Frontend implements [pgproto3.FrontendMessage].
func (room) Frontend() {}

// Decode implements [pgproto3.FrontendMessage].
func (room) Decode([]byte) error { return nil }

// Encode implements [pgproto3.FrontendMessage]. It writes nothing.
func (r room) Encode(buf []byte) ([]byte, error) { return slices.Grow(buf, int(r)), nil }

const (
	arrayHead = 20 // bytes before an array's elements
	nullSize  = 0xffffffff
)

// begin writes what comes before the elements of an array.
func begin(buf []byte, element uint32, n int, nulls bool) []byte {
	flag := uint32(0)
	if nulls {
		flag = 1
	}
	for _, word := range [...]uint32{1, flag, element, uint32(n), 1} {
		buf = binary.BigEndian.AppendUint32(buf, word)
	}
	return buf
}

func (t texts) fits(element uint32) bool { return element == pgtype.TextOID }

func (t texts) size() int {
	n := arrayHead + 4*len(t.rows)
	for _, s := range t.rows {
		n += len(s)
	}
	return n
}

func (t texts) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, max(t.room, t.size())), element, len(t.rows), false)
	for _, s := range t.rows {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(s)))
		buf = append(buf, s...)
	}
	return buf
}

// kind is what PostgreSQL calls the numbers, and how many bytes it takes for one.
func (n numbers[N]) kind() (element uint32, width int) {
	switch any(N(0)).(type) {
	case int16:
		return pgtype.Int2OID, 2
	case int:
		return pgtype.Int4OID, 4
	}
	return pgtype.Int8OID, 8
}

func (n numbers[N]) fits(element uint32) bool {
	kind, _ := n.kind()
	return element == kind
}

func (n numbers[N]) size() int {
	_, width := n.kind()
	return arrayHead + (4+width)*len(n)
}

func (n numbers[N]) encode(buf []byte, element uint32) []byte {
	_, width := n.kind()
	buf = begin(slices.Grow(buf, n.size()), element, len(n), false)
	var word [8]byte
	for _, v := range n {
		buf = binary.BigEndian.AppendUint32(buf, uint32(width))
		binary.BigEndian.PutUint64(word[:], uint64(v))
		buf = append(buf, word[len(word)-width:]...)
	}
	return buf
}

// epoch is PostgreSQL's, in microseconds since Go's and Unix's.
const epoch = 946_684_800_000_000

// encodeTimes writes times, zero ones as NULL where that is wanted.
func encodeTimes(buf []byte, element uint32, rows []time.Time, nulls bool) []byte {
	buf = begin(buf, element, len(rows), nulls && slices.ContainsFunc(rows, time.Time.IsZero))
	for _, t := range rows {
		if nulls && t.IsZero() {
			buf = binary.BigEndian.AppendUint32(buf, nullSize)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, 8)
		buf = binary.BigEndian.AppendUint64(buf, uint64(t.UnixMicro()-epoch))
	}
	return buf
}

func (t instants) fits(element uint32) bool { return element == pgtype.TimestamptzOID }

func (t instants) size() int { return arrayHead + 12*len(t) }

func (t instants) encode(buf []byte, element uint32) []byte {
	return encodeTimes(slices.Grow(buf, t.size()), element, t, false)
}

func (t times) fits(element uint32) bool { return element == pgtype.TimestamptzOID }

func (t times) size() int { return instants(t).size() }

func (t times) encode(buf []byte, element uint32) []byte {
	return encodeTimes(slices.Grow(buf, t.size()), element, t, true)
}

func (d documents) fits(element uint32) bool {
	return element == pgtype.ByteaOID || element == pgtype.TextOID
}

func (d documents) size() int {
	n := arrayHead + 4*len(d)
	for _, b := range d {
		n += len(b)
	}
	return n
}

func (d documents) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, d.size()), element, len(d), slices.ContainsFunc(d, func(b []byte) bool { return b == nil }))
	for _, b := range d {
		if b == nil {
			buf = binary.BigEndian.AppendUint32(buf, nullSize)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(b)))
		buf = append(buf, b...)
	}
	return buf
}

// How pgx reads the arrays on a connection that does not know them.

// Dimensions implements [pgtype.ArrayGetter].
func (t texts) Dimensions() []pgtype.ArrayDimension { return dimensions(len(t.rows)) }

// Index implements [pgtype.ArrayGetter].
func (t texts) Index(i int) any { return t.rows[i] }

// IndexType implements [pgtype.ArrayGetter].
func (t texts) IndexType() any { return "" }

// Dimensions implements [pgtype.ArrayGetter].
func (n numbers[N]) Dimensions() []pgtype.ArrayDimension { return dimensions(len(n)) }

// Index implements [pgtype.ArrayGetter].
func (n numbers[N]) Index(i int) any { return n[i] }

// IndexType implements [pgtype.ArrayGetter].
func (n numbers[N]) IndexType() any { return N(0) }

// Dimensions implements [pgtype.ArrayGetter].
func (t instants) Dimensions() []pgtype.ArrayDimension { return dimensions(len(t)) }

// Index implements [pgtype.ArrayGetter].
func (t instants) Index(i int) any { return t[i] }

// IndexType implements [pgtype.ArrayGetter].
func (t instants) IndexType() any { return time.Time{} }
