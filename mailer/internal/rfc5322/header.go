package rfc5322

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goen-crm/crm/mailer"
)

const (
	// width is where lines are folded, RFC 2047 section 2.
	width = 76
	// wordStart and wordEnd enclose the base64 text of an encoded word.
	wordStart, wordEnd = "=?utf-8?b?", "?="
	// wordBytes is how much text fits an encoded word of 75 bytes.
	wordBytes = (75 - len(wordStart) - len(wordEnd)) / 4 * 3
	// maxLine is the longest line without its CRLF, RFC 5322 section 2.1.1.
	maxLine = 998
	// maxName is the longest name of an extra field.
	maxName = 64
	// maxWord is the longest word that fits a line behind any name.
	maxWord = maxLine - maxName - len(": ")
	// maxQuotable is the longest word that fits a line with each byte escaped.
	maxQuotable = (maxWord - len(`""`)) / 2
)

// checkField refuses an extra field that would replace or repeat one that is
// written from the message, or that no line can hold.
func checkField(h mailer.Header) error {
	name := strings.ToLower(h.Name)
	switch {
	case len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }):
		return errors.New("has a name longer than 64 bytes or of unusual characters")
	case strings.HasPrefix(name, "content-"), strings.HasPrefix(name, "resent-"):
		return errors.New("is a field that goen writes itself")
	}
	switch name {
	case "from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "return-path", "received":
		return errors.New("is a field that goen writes itself")
	}
	if !isASCII(h.Value) {
		return nil
	}
	for word := range strings.SplitSeq(h.Value, " ") {
		// It is not encoded: that would break the URLs that get so long.
		if len(word) > maxWord {
			return errors.New("holds a word that no line can hold")
		}
	}
	return nil
}

// isToken reports whether r may be in a field name everywhere (RFC 9110,
// section 5.6.2; RFC 5322 itself allows more, many readers do not).
func isToken(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// writeField writes a field, folded between words where it gets too wide. A
// word that is too wide itself stays whole.
func writeField(b *bytes.Buffer, name string, words []string) {
	b.WriteString(name)
	b.WriteByte(':')
	column := len(name) + 1
	for i, word := range words {
		// The first word stays behind the name: a line of nothing but a name
		// is legal and yet not understood by all.
		if i > 0 && column+1+len(word) > width {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteByte(' ')
		b.WriteString(word)
		column += 1 + len(word)
	}
	b.WriteString("\r\n")
}

// text returns the words of an unstructured field: those of s, or encoded
// words where s could not be read back otherwise.
func text(name, s string) []string {
	if !isPlain(s, maxWord) {
		return encode(len(name)+2, s)
	}
	return strings.Split(s, " ")
}

// phrase returns the words of a display name, none if it is empty: a quoted
// string, or encoded words.
func phrase(name, s string) []string {
	switch {
	case s == "":
		return nil
	case !isPlain(s, maxQuotable):
		return encode(len(name)+2, s)
	}
	return strings.Split(`"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)+`"`, " ")
}

// isPlain reports whether s survives a header as it is: ASCII, with nothing
// that looks like an encoded word, spaces that folding cannot lose, and no word
// longer than limit.
func isPlain(s string, limit int) bool {
	if !isASCII(s) || strings.Contains(s, "=?") {
		return false
	}
	if s == "" {
		return true
	}
	for word := range strings.SplitSeq(s, " ") {
		if word == "" || len(word) > limit {
			return false
		}
	}
	return true
}

// encode returns s as encoded words (RFC 2047) of whole characters. The first
// one is kept short enough for a line that has been filled up to column.
func encode(column int, s string) []string {
	room := (width - column - len(wordStart) - len(wordEnd)) / 4 * 3
	if room < utf8.UTFMax {
		room = wordBytes
	}
	var words []string
	start, end := 0, 0
	for end < len(s) {
		_, size := utf8.DecodeRuneInString(s[end:])
		if end+size-start > room {
			words = append(words, encodedWord(s[start:end]))
			start, room = end, wordBytes
		}
		end += size
	}
	return append(words, encodedWord(s[start:]))
}

func encodedWord(s string) string {
	return wordStart + base64.StdEncoding.EncodeToString([]byte(s)) + wordEnd
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
