package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// Weather is how the mail server misbehaves: at every phase of a conversation,
// with temporary and permanent refusals, by hanging up and by falling silent.
// A nil Weather is fair.
type Weather struct {
	mu     sync.Mutex
	random *rand.Rand
	fair   bool
	knows  map[string]bool // recipients that were turned away once
	faults map[string]int  // by phase and kind
}

// greyPrefix is how addresses begin whose server turns everybody away the first
// time, as many do against spam.
const greyPrefix = "g"

// NewWeather returns weather that a seed determines.
func NewWeather(random *rand.Rand) *Weather {
	return &Weather{random: random, knows: make(map[string]bool), faults: make(map[string]int)}
}

// Clear ends the bad weather.
func (w *Weather) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fair = true
}

// TurnedAway reports whether a recipient's server has turned a mail away.
func (w *Weather) TurnedAway(to string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.knows[to]
}

// Faults returns how often the server misbehaved, by phase and kind.
func (w *Weather) Faults() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.faults)
}

// fault decides about one phase of a conversation.
func (w *Weather) fault(p smtptest.Phase, e smtptest.Envelope) *smtptest.Fault {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p == smtptest.PhaseRcpt && strings.HasPrefix(e.To[0], greyPrefix) && !w.knows[e.To[0]] {
		w.knows[e.To[0]] = true
		return &smtptest.Fault{Phase: p, Code: 450}
	}
	// A conversation that goes on begins without a greeting, which is why that
	// is seen less often.
	chance := 0.01
	if p == smtptest.PhaseGreeting || p == smtptest.PhaseEHLO {
		chance = 0.05
	}
	if w.fair || p == smtptest.PhaseQuit || p == smtptest.PhaseReset || w.random.Float64() >= chance {
		return nil
	}
	f := &smtptest.Fault{Phase: p}
	switch n := w.random.IntN(20); {
	case n < 9:
		f.Code = []int{421, 450, 451, 452}[w.random.IntN(4)]
	case n < 12:
		f.Code = []int{550, 552, 554}[w.random.IntN(3)]
	case n < 18:
		f.Drop = true
	default:
		f.Stall = true
	}
	w.faults[string(p)+" "+faultName(f)]++
	return f
}

// faultName is what a fault is called in the log, "" for none.
func faultName(f *smtptest.Fault) string {
	switch {
	case f == nil:
		return ""
	case f.Drop:
		return "drop"
	case f.Stall:
		return "stall"
	}
	return fmt.Sprint(f.Code)
}
