package crmtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A command is one line of a script with what is indented below it:
//
//	name argument … option=value …
//	  body
type command struct {
	name    string
	args    []string
	options map[string]string
	body    string
	err     error
}

// parseCommands reads commands. Blank lines, and lines that begin with "#",
// say nothing.
func parseCommands(text string) ([]*command, error) {
	var list []*command
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "#"):
		case (line[0] == ' ' || line[0] == '\t') && len(list) > 0:
			last := list[len(list)-1]
			last.body += line + "\n"
		default:
			c, err := parseCommand(trimmed)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	return list, nil
}

func parseCommand(line string) (*command, error) {
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	c := &command{name: words[0], options: make(map[string]string)}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			c.args = append(c.args, word)
			continue
		}
		if _, twice := c.options[name]; twice {
			return nil, fmt.Errorf("crmtest: %s: %s is given twice", c.name, name)
		}
		c.options[name] = value
	}
	return c, nil
}

// splitWords splits at spaces that are not within double quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case r == ' ' && !quoted:
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("crmtest: a quote is not closed: %s", line)
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// fail notes the first thing that is wrong with the command.
func (c *command) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// arg takes the next argument, which must be there.
func (c *command) arg(what string) string {
	if len(c.args) == 0 {
		c.fail("%s is missing", what)
		return ""
	}
	arg := c.args[0]
	c.args = c.args[1:]
	return arg
}

// rest takes the arguments that are left.
func (c *command) rest() []string {
	args := c.args
	c.args = nil
	return args
}

// option takes an option and reports whether it is there.
func (c *command) option(name string) (string, bool) {
	value, ok := c.options[name]
	delete(c.options, name)
	return value, ok
}

// text takes an option that may be left out.
func (c *command) text(name string) string {
	value, _ := c.option(name)
	return value
}

// pointer takes an option of which it matters whether it is there.
func (c *command) pointer(name string) *string {
	if value, ok := c.option(name); ok {
		return &value
	}
	return nil
}

// flag takes an option that is yes or no.
func (c *command) flag(name string) *bool {
	value, ok := c.option(name)
	if !ok {
		return nil
	}
	if value != "yes" && value != "no" {
		c.fail("%s is yes or no", name)
	}
	return new(value == "yes")
}

// parse takes an option in a form of its own, the zero value if it is not there.
func parse[T any](c *command, name string, read func(string) (T, error)) T {
	var v T
	if text, ok := c.option(name); ok {
		var err error
		if v, err = read(text); err != nil {
			c.fail("%s: %w", name, err)
		}
	}
	return v
}

// unread reports what nobody has taken, so that a misspelt word is found.
func (c *command) unread() error {
	switch {
	case len(c.args) > 0:
		return fmt.Errorf("%q is not understood", c.args[0])
	case len(c.options) > 0:
		return fmt.Errorf("%q is not understood", slices.Sorted(maps.Keys(c.options))[0]+"=")
	}
	return nil
}
