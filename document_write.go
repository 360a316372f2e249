package crm

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// A jsonWriter appends JSON. After a failure what it has written is worth
// nothing; only the first counts.
type jsonWriter struct {
	b   []byte
	err error
}

func (w *jsonWriter) mark(c byte) { w.b = append(w.b, c) }

func (w *jsonWriter) null() { w.b = append(w.b, "null"...) }

// separate goes on to the next field or element.
func (w *jsonWriter) separate() {
	if c := w.b[len(w.b)-1]; c != '{' && c != '[' {
		w.mark(',')
	}
}

// name writes the name of a field, which needs no escapes.
func (w *jsonWriter) name(name string) {
	w.separate()
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// key writes the key of an entry.
func (w *jsonWriter) key(key string) {
	w.separate()
	w.string(key)
	w.mark(':')
}

// string writes s. Other escapes than those of one letter are rare, and left to
// encoding/json.
func (w *jsonWriter) string(s string) {
	b, from, all := append(w.b, '"'), 0, byte(0)
	for i := range len(s) {
		c := s[i]
		all |= c
		letter := escapes[c]
		if letter == 0 {
			continue
		}
		if letter == 'u' {
			w.marshal(s)
			return
		}
		b = append(append(b, s[from:i]...), '\\', letter)
		from = i + 1
	}
	if all >= utf8.RuneSelf && !utf8.ValidString(s) {
		w.marshal(s)
		return
	}
	w.b = append(append(b, s[from:]...), '"')
}

// startsSeparator starts U+2028 and U+2029, and more that needs no escapes.
const startsSeparator = 0xE2

// escapes are, by byte, the letters of their escapes, 'u' if these have several,
// 0 for bytes that are written as they are.
var escapes = func() (letters [256]byte) {
	for c := range ' ' {
		letters[c] = 'u'
	}
	for _, c := range []byte{'<', '>', '&', startsSeparator} {
		letters[c] = 'u'
	}
	for letter, c := range meant {
		if c != 0 && c != '/' {
			letters[c] = byte(letter)
		}
	}
	return letters
}()

// raw writes a value that is JSON already, without its white space.
func (w *jsonWriter) raw(v json.RawMessage) {
	if !compact(v) {
		w.marshal(v)
		return
	}
	w.b = append(w.b, v...)
}

// compact reports whether v, which is JSON, is sure to hold no white space and
// nothing that is to be escaped.
func compact(v json.RawMessage) bool {
	for _, c := range v {
		switch c {
		case ' ', '\n', '\t', '\r', '<', '>', '&', startsSeparator:
			return false
		}
	}
	return len(v) > 0
}

func (w *jsonWriter) time(t time.Time) {
	var err error
	w.mark('"')
	if w.b, err = t.AppendText(w.b); err != nil {
		w.fail(err)
	}
	w.mark('"')
}

func (w *jsonWriter) int(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }

func (w *jsonWriter) bool(v bool) { w.b = strconv.AppendBool(w.b, v) }

func (w *jsonWriter) marshal(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		w.fail(err)
	}
	w.b = append(w.b, b...)
}

func (w *jsonWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
