package crm

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// A document is JSON of the core's on its way in or out. Its types name their
// fields once, in a method called fields, in the order in which they are
// written; the same method reads them. What is written is, byte for byte, what
// encoding/json writes for the struct, and what is read is all that
// encoding/json reads: any order, unknown fields, null, names in another case.
//
// It is here because a step of a journey is little else than reading and
// writing such documents: with encoding/json, which finds its way by reflection
// and goes over each byte twice, that was 43 % of it. BenchmarkFold measures what
// is left.
type document struct {
	writing bool
	in      jsonReader
	out     jsonWriter
}

// documented is what a document holds.
type documented interface{ fields(*document) }

// errDamaged: a document is not what goen wrote.
var errDamaged = errors.New("crm: damaged document")

// decodeDocument reads b into v, which keeps parts of b.
func decodeDocument(b []byte, v documented) error { return new(document).decode(b, v) }

// decode reads b into v, which keeps parts of b. One document may read and
// write many, one after the other.
func (d *document) decode(b []byte, v documented) error {
	d.writing, d.in = false, jsonReader{b: b, text: string(b)}
	d.object(v)
	d.in.end()
	return d.in.err
}

// encode writes v, and reports whether that is another document than it was.
func (d *document) encode(v documented, was []byte) (b []byte, changed bool, err error) {
	d.writing, d.out = true, jsonWriter{b: d.out.b[:0]}
	d.object(v)
	if d.out.err != nil || bytes.Equal(d.out.b, was) {
		return was, false, d.out.err
	}
	return bytes.Clone(d.out.b), true, nil
}

// object reads or writes the fields of v.
func (d *document) object(v documented) {
	if d.writing {
		d.out.mark('{')
		v.fields(d)
		d.out.mark('}')
		return
	}
	r := &d.in
	if r.null() {
		return
	}
	// Fields that come in the order in which they are named are read at once;
	// for each that does not, they are gone through again.
	for r.open(); r.more; {
		before := r.i
		v.fields(d)
		if r.i > before {
			continue
		}
		if r.folding = !r.folding; !r.folding { // it is none of them, however it is spelt
			r.raw()
			r.next()
		}
	}
}

// Whether a field is written while it is empty.
const (
	always   = false
	optional = true
)

// field reads or writes a field, which is left out of what is written if omit
// says so.
func field[V any](d *document, name string, v *V, omit bool, value func(*document, *V)) {
	switch {
	case !d.writing && d.in.at(name):
		value(d, v)
		d.in.next()
	case d.writing && !omit:
		d.out.name(name)
		value(d, v)
	}
}

func (d *document) text(name string, v *string, omit bool) {
	field(d, name, v, omit && *v == "", (*document).string)
}

func (d *document) number(name string, v *int, omit bool) {
	field(d, name, v, omit && *v == 0, integer[int])
}

func (d *document) flag(name string, v *bool, omit bool) {
	field(d, name, v, omit && !*v, (*document).bool)
}

func (d *document) moment(name string, v *time.Time, omit bool) {
	field(d, name, v, omit && v.IsZero(), (*document).time)
}

// dict reads or writes a map, which is left out if it is empty.
func dict[V any](d *document, name string, m *map[string]V, value func(*document, *V)) {
	field(d, name, m, len(*m) == 0, func(d *document, m *map[string]V) {
		if d.writing {
			writeMap(d, *m, value)
		} else {
			readMap(d, m, value)
		}
	})
}

func writeMap[V any](d *document, m map[string]V, value func(*document, *V)) {
	var v V // one for all: it escapes
	d.out.mark('{')
	for _, key := range sortedKeys(m) {
		d.out.key(key)
		v = m[key]
		value(d, &v)
	}
	d.out.mark('}')
}

func readMap[V any](d *document, m *map[string]V, value func(*document, *V)) {
	r := &d.in
	if r.null() {
		*m = nil
		return
	}
	if *m == nil {
		*m = make(map[string]V)
	}
	var v, zero V
	for r.open(); r.more; r.next() {
		key := r.name
		v = zero
		value(d, &v)
		(*m)[key] = v
	}
}

// list reads or writes a slice.
func list[V any](d *document, name string, l *[]V, omit bool, value func(*document, *V)) {
	field(d, name, l, omit && len(*l) == 0, func(d *document, l *[]V) {
		if d.writing {
			writeSlice(d, *l, value)
		} else {
			readSlice(d, l, value)
		}
	})
}

func writeSlice[V any](d *document, l []V, value func(*document, *V)) {
	if l == nil {
		d.out.null()
		return
	}
	d.out.mark('[')
	for i := range l {
		d.out.separate()
		value(d, &l[i])
	}
	d.out.mark(']')
}

func readSlice[V any](d *document, l *[]V, value func(*document, *V)) {
	r := &d.in
	if r.null() {
		*l = nil
		return
	}
	n := 0
	for ; r.element(n); n++ {
		*l = slices.Grow((*l)[:n], 1)[:n+1]
		value(d, &(*l)[n])
	}
	if *l = (*l)[:n]; n == 0 {
		*l = []V{}
	}
}

// object reads or writes a value that has fields.
func object[T any, P interface {
	*T
	documented
}](d *document, v *T) {
	d.object(P(v))
}

// pointer reads or writes a pointer to such a value, which may be nil.
func pointer[T any, P interface {
	*T
	documented
}](d *document, v **T) {
	switch {
	case d.writing && *v == nil:
		d.out.null()
	case !d.writing && d.in.null():
		*v = nil
	default:
		if *v == nil {
			*v = new(T)
		}
		d.object(P(*v))
	}
}

func (d *document) string(v *string) {
	if d.writing {
		d.out.string(*v)
	} else {
		d.in.string(v)
	}
}

func integer[N int | int64](d *document, v *N) {
	n := int64(*v)
	if d.writing {
		d.out.int(n)
		return
	}
	d.in.int(&n)
	if *v = N(n); int64(*v) != n {
		d.in.fail()
	}
}

func (d *document) bool(v *bool) {
	if d.writing {
		d.out.bool(*v)
	} else {
		d.in.bool(v)
	}
}

func (d *document) time(v *time.Time) {
	if d.writing {
		d.out.time(*v)
	} else {
		d.in.time(v)
	}
}

func (d *document) raw(v *json.RawMessage) {
	if d.writing {
		d.out.raw(*v)
	} else {
		*v = d.in.raw()
	}
}

// unread is raw, but what is read is for its reader to check.
func (d *document) unread(v *json.RawMessage) {
	if d.writing {
		d.out.raw(*v)
	} else {
		*v = d.in.value()
	}
}
