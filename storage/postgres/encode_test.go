package postgres

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// What arrays write of themselves is what pgx writes of them, and what it reads.
func TestArraysAsPgx(t *testing.T) {
	plain, learned := pgtype.NewMap(), pgtype.NewMap()
	learn(learned)
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		n := r.IntN(5)
		words, small, numbers, large := make([]string, n), make([]int16, n), make([]int, n), make([]int64, n)
		at, sometimes, contents := make([]time.Time, n), make(times, n), make(documents, n)
		for i := range n {
			words[i] = strings.Repeat("é\x01", r.IntN(40))
			small[i], numbers[i], large[i] = int16(r.Uint64()), int(int32(r.Uint64())), int64(r.Uint64())
			at[i] = time.UnixMicro(r.Int64N(8e15) - 4e15).Add(time.Duration(r.IntN(1000)))
			if r.IntN(3) > 0 {
				sometimes[i], contents[i] = at[i].In(time.FixedZone("", 3600)), []byte(words[i])
			}
		}
		for _, c := range []struct {
			oid  uint32
			arg  any
			into any
		}{
			{pgtype.TextArrayOID, words, new([]string)},
			{pgtype.Int2ArrayOID, small, new([]int16)},
			{pgtype.Int4ArrayOID, numbers, new([]int)},
			{pgtype.Int8ArrayOID, large, new([]int64)},
			{pgtype.TimestamptzArrayOID, at, new([]time.Time)},
			{pgtype.TimestamptzArrayOID, sometimes, new([]*time.Time)},
			{pgtype.ByteaArrayOID, contents, new([][]byte)},
			{pgtype.TextArrayOID, contents, new([]*string)},
		} {
			want, err := plain.Encode(c.oid, pgtype.BinaryFormatCode, c.arg, nil)
			if err != nil {
				t.Fatal(err)
			}
			own, size := arrays([]any{c.arg})
			a, ok := own[0].(array)
			if !ok {
				t.Fatalf("%T is no array", c.arg)
			}
			if _, own := learned.PlanEncode(c.oid, pgtype.BinaryFormatCode, a).(arrayPlan); !own {
				t.Errorf("pgx writes %T", a)
			}
			for name, m := range map[string]*pgtype.Map{"by itself": learned, "by pgx": plain} {
				got, err := m.Encode(c.oid, pgtype.BinaryFormatCode, a, []byte("before"))
				if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
					t.Errorf("%T %v, written %s: %x, %v, not %x", a, c.arg, name, got, err, want)
				}
			}
			if len(want) > size {
				t.Errorf("%T takes %d bytes, not %d", a, len(want), size)
			}
			if err := plain.Scan(c.oid, pgtype.BinaryFormatCode, want, c.into); err != nil {
				t.Errorf("%T is read: %v", a, err)
			}
		}
	}
}

// A number that is too large for its column is refused, not cut.
func TestArraysOfLargeNumbers(t *testing.T) {
	m := pgtype.NewMap()
	learn(m)
	own, _ := arrays([]any{[]int{1, 1 << 40}})
	if b, err := m.Encode(pgtype.Int4ArrayOID, pgtype.BinaryFormatCode, own[0], nil); err == nil {
		t.Errorf("written as %x", b)
	}
}

// The server reads what arrays write, and writes the same values.
func TestArraysOnServer(t *testing.T) {
	s := openInternal(t)
	old := time.Date(1899, 12, 31, 23, 59, 59, 123_456_000, time.UTC)
	sent := []any{
		[]string{"", "寺", `{",\}`}, []string{}, []int16{-1, 32767}, []int{-7, 1 << 30}, []int64{-1 << 62, 5},
		[]time.Time{old}, times{old, {}}, documents{{0, 255}, nil, {}}, documents{[]byte(`{"a":1}`), nil},
	}
	var words, none []string
	var small []int16
	var numbers []int
	var large []int64
	var at []time.Time
	var sometimes []*time.Time
	var contents, texts [][]byte
	own, _ := arrays(sent)
	err := s.pool.QueryRow(t.Context(), `SELECT $1::text[], $2::text[], $3::int2[], $4::int4[], $5::int8[], $6::timestamptz[], $7::timestamptz[], $8::bytea[], $9::text[]`, own...).
		Scan(&words, &none, &small, &numbers, &large, &at, &sometimes, &contents, &texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(sometimes) != 2 || sometimes[1] != nil {
		t.Fatalf("times come back as %v", sometimes)
	}
	for i := range at {
		at[i] = at[i].UTC()
	}
	got := []any{words, none, small, numbers, large, at, times{sometimes[0].UTC(), {}}, documents(contents), documents(texts)}
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("%v comes back as %v", sent, got)
	}
}
