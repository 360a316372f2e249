package crmtest

import (
	"fmt"
	"os"
	"strings"
)

// ScriptOptions say what a script is run on. The zero ScriptOptions are fine.
type ScriptOptions struct {
	// Options are those of the scenario. The settings default to those of a
	// shop in Tokyo that writes in English.
	Options
	// Setup, if set, is called before the script: it publishes what the script
	// is about. Defaults to nil.
	Setup func(*Scenario)
	// Rewrite puts what happened into the file instead of comparing. Set it
	// from a flag of the test, and read the difference before you commit it.
	Rewrite bool
}

// RunScript runs a script and compares what happened with what it says; the
// package documentation tells how scripts are written. Nil options mean all
// defaults.
func RunScript(t TB, path string, options *ScriptOptions) {
	t.Helper()
	var o ScriptOptions
	if options != nil {
		o = *options
	}
	if o.Settings.Name == "" {
		o.Settings = Settings()
		o.Settings.Name, o.Settings.Locale, o.Settings.From.Name = "Harbour Tea", "en", "Harbour Tea"
		o.Settings.Legal.Name, o.Settings.Legal.Address = "Harbour Tea Ltd", "1-1 Chiyoda, Tokyo"
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("crmtest: %v", err)
	}
	s := New(t, &o.Options)
	if o.Setup != nil {
		o.Setup(s)
	}
	blocks := parseScript(string(content))
	for _, b := range blocks {
		got := s.block(path, b)
		switch {
		case o.Rewrite:
			b.want = got
		case got != b.want:
			t.Fatalf("%s:%d: this happened:\n%s\nand not what the script says:\n%s", path, b.line, got, b.want)
		}
	}
	if !o.Rewrite {
		return
	}
	var file strings.Builder
	for i, b := range blocks {
		if i > 0 {
			file.WriteString("\n")
		}
		b.write(&file)
	}
	if err := os.WriteFile(path, []byte(file.String()), 0o644); err != nil {
		t.Fatalf("crmtest: %v", err)
	}
}

// block runs the commands of a block and returns what they print.
func (s *Scenario) block(path string, b *block) string {
	s.t.Helper()
	list, err := parseCommands(b.commands)
	if err != nil {
		s.t.Fatalf("%s:%d: %v", path, b.line, err)
	}
	var out strings.Builder
	for _, c := range list {
		if err := s.do(c, &out); err != nil {
			s.t.Fatalf("%s:%d: %s: %v", path, b.line, c.name, err)
		}
	}
	return s.named(out.String())
}

// A block is some commands and what they print.
type block struct {
	line     int // where it begins
	commands string
	want     string
}

const separator = "----\n"

// parseScript splits a script at blank lines.
func parseScript(text string) []*block {
	var blocks []*block
	var current *block
	output := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n") + "\n"
		switch {
		case line == "\n":
			current, output = nil, false
			continue
		case current == nil:
			current = &block{line: number}
			blocks = append(blocks, current)
		}
		switch {
		case line == separator && !output:
			output = true
		case output:
			current.want += line
		default:
			current.commands += line
		}
	}
	return blocks
}

func (b *block) write(file *strings.Builder) {
	file.WriteString(b.commands)
	if b.want != "" {
		fmt.Fprint(file, separator, b.want)
	}
}
