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
	shorts   []int16
	integers []int
	longs    []int64
	instants []time.Time // of which none is NULL
)

var _, _, _, _, _, _, _ array = texts{}, shorts(nil), integers(nil), longs(nil), instants(nil), times(nil), documents(nil)

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
			own[i] = shorts(arg)
		case []int:
			if !slices.ContainsFunc(arg, func(n int) bool { return n != int(int32(n)) }) { // which pgx refuses
				own[i] = integers(arg)
			}
		case []int64:
			own[i] = longs(arg)
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

func (s shorts) fits(element uint32) bool { return element == pgtype.Int2OID }

func (s shorts) size() int { return arrayHead + 6*len(s) }

func (s shorts) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, s.size()), element, len(s), false)
	for _, v := range s {
		buf = binary.BigEndian.AppendUint32(buf, 2)
		buf = binary.BigEndian.AppendUint16(buf, uint16(v))
	}
	return buf
}

func (n integers) fits(element uint32) bool { return element == pgtype.Int4OID }

func (n integers) size() int { return arrayHead + 8*len(n) }

func (n integers) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, n.size()), element, len(n), false)
	for _, v := range n {
		buf = binary.BigEndian.AppendUint32(buf, 4)
		buf = binary.BigEndian.AppendUint32(buf, uint32(int32(v)))
	}
	return buf
}

func (n longs) fits(element uint32) bool { return element == pgtype.Int8OID }

func (n longs) size() int { return arrayHead + 12*len(n) }

func (n longs) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, n.size()), element, len(n), false)
	for _, v := range n {
		buf = binary.BigEndian.AppendUint32(buf, 8)
		buf = binary.BigEndian.AppendUint64(buf, uint64(v))
	}
	return buf
}

// epoch is PostgreSQL's, in microseconds since Go's and Unix's.
const epoch = 946_684_800_000_000

func appendTime(buf []byte, t time.Time) []byte {
	buf = binary.BigEndian.AppendUint32(buf, 8)
	return binary.BigEndian.AppendUint64(buf, uint64(t.UnixMicro()-epoch))
}

func (t instants) fits(element uint32) bool { return element == pgtype.TimestamptzOID }

func (t instants) size() int { return arrayHead + 12*len(t) }

func (t instants) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, t.size()), element, len(t), false)
	for _, v := range t {
		buf = appendTime(buf, v)
	}
	return buf
}

func (t times) fits(element uint32) bool { return element == pgtype.TimestamptzOID }

func (t times) size() int { return arrayHead + 12*len(t) }

func (t times) encode(buf []byte, element uint32) []byte {
	buf = begin(slices.Grow(buf, t.size()), element, len(t), slices.ContainsFunc(t, time.Time.IsZero))
	for _, v := range t {
		if v.IsZero() {
			buf = binary.BigEndian.AppendUint32(buf, nullSize)
			continue
		}
		buf = appendTime(buf, v)
	}
	return buf
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
func (s shorts) Dimensions() []pgtype.ArrayDimension { return dimensions(len(s)) }

// Index implements [pgtype.ArrayGetter].
func (s shorts) Index(i int) any { return s[i] }

// IndexType implements [pgtype.ArrayGetter].
func (s shorts) IndexType() any { return int16(0) }

// Dimensions implements [pgtype.ArrayGetter].
func (n integers) Dimensions() []pgtype.ArrayDimension { return dimensions(len(n)) }

// Index implements [pgtype.ArrayGetter].
func (n integers) Index(i int) any { return n[i] }

// IndexType implements [pgtype.ArrayGetter].
func (n integers) IndexType() any { return 0 }

// Dimensions implements [pgtype.ArrayGetter].
func (n longs) Dimensions() []pgtype.ArrayDimension { return dimensions(len(n)) }

// Index implements [pgtype.ArrayGetter].
func (n longs) Index(i int) any { return n[i] }

// IndexType implements [pgtype.ArrayGetter].
func (n longs) IndexType() any { return int64(0) }

// Dimensions implements [pgtype.ArrayGetter].
func (t instants) Dimensions() []pgtype.ArrayDimension { return dimensions(len(t)) }

// Index implements [pgtype.ArrayGetter].
func (t instants) Index(i int) any { return t[i] }

// IndexType implements [pgtype.ArrayGetter].
func (t instants) IndexType() any { return time.Time{} }
