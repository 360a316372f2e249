package crm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A jsonReader reads JSON from front to back. After a failure it is at the end,
// where there is nothing to read; only the first counts.
type jsonReader struct {
	b    []byte
	text string // b, for the strings that are read to share
	i    int    // how much of b has been read
	err  error

	// Of the object that is being read: whether a field is next, its name, and
	// whether that stands for the same name in another case.
	more    bool
	name    string
	folding bool
}

func (r *jsonReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%w at byte %d", errDamaged, r.i)
	}
	r.i, r.more = len(r.b), false
}

func (r *jsonReader) space() {
	for r.i < len(r.b) && isSpace(r.b[r.i]) {
		r.i++
	}
}

func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\n' || c == '\t' || c == '\r') }

// is passes over c and reports whether it was next.
func (r *jsonReader) is(c byte) bool {
	r.space()
	if r.i < len(r.b) && r.b[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *jsonReader) want(c byte) {
	if !r.is(c) {
		r.fail()
	}
}

// word passes over a word and reports whether it was next.
func (r *jsonReader) word(w string) bool {
	r.space()
	if strings.HasPrefix(r.text[r.i:], w) {
		r.i += len(w)
		return true
	}
	return false
}

// null passes over a null, which leaves what it is read into as it is.
func (r *jsonReader) null() bool { return r.word("null") }

// end makes sure that nothing follows.
func (r *jsonReader) end() {
	if r.space(); r.i < len(r.b) {
		r.fail()
	}
}

// open goes to the first field of an object, next from a field's value to the
// next field.
func (r *jsonReader) open() {
	r.want('{')
	if r.more = !r.is('}'); r.more {
		r.key()
	}
}

func (r *jsonReader) next() {
	if r.more = r.is(','); r.more {
		r.key()
	} else {
		r.want('}')
	}
}

func (r *jsonReader) key() {
	r.name = r.quoted()
	r.want(':')
}

// at reports whether the next field goes by this name.
func (r *jsonReader) at(name string) bool {
	return r.more && (r.name == name || (r.folding && strings.EqualFold(r.name, name)))
}

// element reports whether a list goes on after n elements.
func (r *jsonReader) element(n int) bool {
	if n == 0 {
		r.want('[')
		return !r.is(']')
	}
	if r.is(',') {
		return true
	}
	r.want(']')
	return false
}

func (r *jsonReader) string(v *string) {
	if !r.null() {
		*v = r.quoted()
	}
}

// quoted reads a string.
func (r *jsonReader) quoted() string {
	token, plain := r.token()
	if plain {
		return token[1 : len(token)-1]
	}
	return r.unquote(token)
}

// unquote returns what a string means that is not written as it is. Other
// escapes than those of one letter are rare, and left to encoding/json.
func (r *jsonReader) unquote(token string) string {
	b := make([]byte, 0, len(token))
	for i := 1; i < len(token)-1; i++ {
		c := token[i]
		if c == '\\' {
			i++
			if c = meant[token[i]]; c == 0 {
				return r.unmarshal(token)
			}
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return r.unmarshal(token)
	}
	return string(b)
}

func (r *jsonReader) unmarshal(token string) (s string) {
	if json.Unmarshal([]byte(token), &s) != nil {
		r.fail()
	}
	return s
}

// meant are the bytes that escapes of one letter stand for, by letter.
var meant = [256]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '/': '/'}

// token returns a string as it stands there, with its quotes, and whether what
// is between them is what it means: valid UTF-8 without escapes.
func (r *jsonReader) token() (token string, plain bool) {
	r.want('"')
	escaped, wide := false, false
	for i := r.i; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			token = r.text[r.i-1 : i+1]
			r.i = i + 1
			return token, !escaped && (!wide || utf8.ValidString(token))
		case c == '\\':
			escaped = true
			i++
		case c >= utf8.RuneSelf:
			wide = true
		case c < ' ':
			r.fail()
			return "", false
		}
	}
	r.fail()
	return "", false
}

func (r *jsonReader) time(v *time.Time) {
	if r.null() {
		return
	}
	start := r.i + 1
	r.token()
	if r.err == nil && v.UnmarshalText(r.b[start:r.i-1]) != nil {
		r.fail()
	}
}

func (r *jsonReader) int(v *int64) {
	if r.null() {
		return
	}
	start := r.i
	for r.i < len(r.b) && (r.b[r.i] == '-' || (r.b[r.i] >= '0' && r.b[r.i] <= '9')) {
		r.i++
	}
	digits := strings.TrimPrefix(r.text[start:r.i], "-")
	n, err := strconv.ParseInt(r.text[start:r.i], 10, 64)
	if err != nil || (len(digits) > 1 && digits[0] == '0') {
		r.fail()
		return
	}
	*v = n
}

func (r *jsonReader) bool(v *bool) {
	switch {
	case r.null():
	case r.word("true"):
		*v = true
	case r.word("false"):
		*v = false
	default:
		r.fail()
	}
}

// raw returns the next value as it is written.
func (r *jsonReader) raw() json.RawMessage {
	r.space()
	start, plain := r.i, false
	if r.i < len(r.b) && r.b[r.i] == '"' {
		_, plain = r.token()
	} else {
		r.value()
	}
	v := r.b[start:r.i:r.i]
	if !plain && !json.Valid(v) {
		r.fail()
	}
	return v
}

// value returns the next value, whose end its quotes and brackets tell. Whether
// it is JSON is for its reader to find out.
func (r *jsonReader) value() json.RawMessage {
	r.space()
	start := r.i
	for depth := 0; r.i < len(r.b); {
		switch r.b[r.i] {
		case '"':
			r.token()
		case '{', '[':
			depth++
			r.i++
		case '}', ']':
			depth--
			r.i++
		default:
			r.i++
		}
		if depth == 0 && r.ends() {
			break
		}
	}
	return r.b[start:r.i:r.i]
}

// ends reports whether a value that is no string ends here.
func (r *jsonReader) ends() bool {
	if r.i == len(r.b) {
		return true
	}
	c := r.b[r.i]
	return c == ',' || c == '}' || c == ']' || isSpace(c)
}
