package simulate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Fault is a kind of thing that goes wrong.
type Fault int

// The kinds of fault.
const (
	Torn   Fault = iota // a call of the store fails before anything is written
	Lost                // a call of the store is carried out, and its answer is lost
	Kill                // a worker dies at a call, and another begins
	Pause               // a worker is held up at a call, often past its lease
	Locked              // a transaction finds some customers locked by another
	Drift               // a worker's clock jumps, to half a second before or after the true time
	Delay               // a cart's transaction stays open while others commit
	Refuse              // the mail system answers 4xx or 5xx
	Break               // the connection breaks, before the start or after the end of data
	Stall               // the mail system does not answer in time
	numberOfFaults
)

var faultNames = [...]string{"torn", "lost", "kill", "pause", "locked", "drift", "delay", "refuse", "break", "stall"}

// String is the fault's name.
func (f Fault) String() string { return faultNames[f] }

// Faults are the kinds of fault that may happen.
type Faults [numberOfFaults]bool

// String lists them.
func (f Faults) String() string {
	var names []string
	for kind, on := range f {
		if on {
			names = append(names, faultNames[kind])
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " ")
}

// errTorn and errLost are what the store says of calls that failed, or seemed to.
var (
	errTorn = errors.New("simulate: the connection broke")
	errLost = errors.New("simulate: the answer was lost")
)

// A band is how often, of a thousand calls, a fault happens.
type band struct {
	fault Fault
	of    int
}

var (
	storeBands = []band{{Torn, 15}, {Lost, 15}, {Kill, 6}, {Pause, 8}, {Drift, 15}}
	mailBands  = []band{{Refuse, 150}, {Break, 150}, {Stall, 60}, {Kill, 60}, {Pause, 30}}
)

// none is no fault.
const none Fault = -1

// fault draws whether something goes wrong. Each draw takes the same from the
// source whether or not a fault is switched on, so that a smaller plan plays
// much like the one it was made from.
func (s *simulation) fault(bands []band) Fault {
	n := s.rand.IntN(1000)
	i := slices.IndexFunc(bands, func(b band) bool { n -= b.of; return n < 0 })
	if i < 0 || s.calm || !s.plan.Faults[bands[i].fault] {
		return none
	}
	return bands[i].fault
}

// A fault that is injected is part of the trace.
func (s *simulation) inject(who string, f Fault, at string) {
	s.trace.note(s.now, who, fmt.Sprintf("⚡ %s at %s", f, at))
}
