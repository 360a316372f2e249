package simulate

import (
	"fmt"
	"hash"
	"hash/fnv"
	"strings"
	"time"
)

// A trace is what happened, step by step: always as a digest, and as text if
// somebody wants to read it.
type trace struct {
	sum  hash.Hash64
	text *strings.Builder // nil if nobody reads it
}

func newTrace(verbose bool) *trace {
	t := &trace{sum: fnv.New64a()}
	if verbose {
		t.text = new(strings.Builder)
	}
	return t
}

// note adds a line.
func (t *trace) note(at time.Time, who, what string) {
	t.digest([]byte(what))
	t.digest([]byte(who))
	if t.text != nil {
		fmt.Fprintf(t.text, "%s  %-7s %s\n", clockTime(at), who, what)
	}
}

// digest adds bytes that are too many to read.
func (t *trace) digest(b []byte) { _, _ = t.sum.Write(b) }

// clockTime shows an instant of the simulation, which lasts some days.
func clockTime(t time.Time) string { return t.Format("02 15:04:05.000") }

// short is enough of an id to tell it from others.
func short(id string) string { return id[:min(len(id), 8)] }
