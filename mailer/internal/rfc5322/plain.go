package rfc5322

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/k3a/html2text"
)

var (
	// comments hold the markup that Outlook alone reads.
	comments   = regexp.MustCompile(`(?s)<!--.*?-->`)
	lineSpace  = regexp.MustCompile(`[ \t]*\n[ \t]*`)
	blankLines = regexp.MustCompile(`\n{3,}`)
)

// plain returns the text of an HTML body, with each link's address behind it
// in angle brackets. It is empty if nothing is left to read, as with a mail
// that is one picture.
func plain(html string) string {
	html = escapeStray(comments.ReplaceAllString(html, ""))
	s := html2text.HTML2TextWithOptions(html,
		html2text.WithUnixLineBreaks(), html2text.WithLinksInnerText(), html2text.WithListSupport())
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	s = lineSpace.ReplaceAllString(s, "\n")
	return strings.TrimSpace(blankLines.ReplaceAllString(s, "\n\n"))
}

// escapeStray writes angle brackets that belong to no tag as entities.
// html2text takes each > for the end of the last tag: it would lose them, and
// take time quadratic in their number.
func escapeStray(html string) string {
	var b strings.Builder
	b.Grow(len(html))
	inTag, afterEqual, quote := false, false, byte(0)
	for i := range len(html) {
		c := html[i]
		switch {
		case quote != 0:
			if c == '>' {
				b.WriteString("&gt;")
				continue
			}
			if c == quote {
				quote = 0
			}
		case inTag && afterEqual && (c == '"' || c == '\''):
			quote = c
		case c == '<' && !inTag:
			if i+1 == len(html) || !opensTag(html[i+1]) {
				b.WriteString("&lt;")
				continue
			}
			inTag = true
		case c == '>':
			if !inTag {
				b.WriteString("&gt;")
				continue
			}
			inTag = false
		}
		afterEqual = c == '=' || (afterEqual && c == ' ')
		b.WriteByte(c)
	}
	return b.String()
}

// opensTag reports whether a < before c begins a tag, as in the HTML standard,
// section 13.2.5.6.
func opensTag(c byte) bool {
	return c == '/' || c == '!' || c == '?' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
