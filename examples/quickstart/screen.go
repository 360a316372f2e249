package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/text/width"
)

// A screen is where the story is shown, in one of two languages, in colour if
// somebody sits in front of it. Only ASCII is drawn with: the width of other
// signs differs between terminals in East Asia and elsewhere.
type screen struct {
	out    io.Writer
	lang   string
	colour bool
	live   bool // live: lines can be drawn over.
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		s.live = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	s.colour = s.live && os.Getenv("NO_COLOR") == ""
	return s
}

// text chooses the language.
func (s *screen) text(ja, en string) string {
	if s.lang == "ja" {
		return ja
	}
	return en
}

// print writes. What cannot be shown is lost: the story goes on.
func (s *screen) print(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format, args...)
}

// say writes a line in the screen's language.
func (s *screen) say(ja, en string, args ...any) {
	s.print(s.text(ja, en)+"\n", args...)
}

// title begins a part.
func (s *screen) title(ja, en string) {
	s.print("\n%s\n\n", s.paint("1", "== "+s.text(ja, en)+" =="))
}

// paint gives text a colour or weight, as an ANSI code such as "1;32".
func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// bar is a bar of up to size signs.
func (s *screen) bar(value, most, size int) string {
	n := 0
	if most > 0 {
		n = (value*size + most - 1) / most
	}
	return s.paint("36", strings.Repeat("#", n))
}

// columns is how wide text is on a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// pad fills text up to n columns.
func pad(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-columns(text)))
}

// clip cuts text that is wider than n columns.
func clip(text string, n int) string {
	if columns(text) <= n {
		return text
	}
	runes := []rune(text)
	for columns(string(runes)) > n-3 {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "..."
}

// thousands writes a number as 1,234.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
