package torture

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// A Moment is where in its work a worker dies.
type Moment string

// The moments. At those of a conversation the worker is dead before the sink
// answers what the moment is named after.
const (
	AtMail     Moment = "mail"    // it has sent MAIL
	AtRcpt     Moment = "rcpt"    // it has sent RCPT
	AtData     Moment = "data"    // it has sent DATA: the start is marked, nothing was transmitted
	AtBody     Moment = "body"    // it was told to go on, and may have transmitted a part, or all
	AtReply    Moment = "reply"   // it has sent the final dot; the mail is accepted, and it never learns
	AfterReply Moment = "replied" // it was told 250, and may have marked that, or not
	AtTime     Moment = "time"    // a while after its start, whatever it does: folding, claiming, waiting
	AtRest     Moment = "rest"    // nothing was left to do
)

// phases are the sink's phases in which the moments of a conversation lie.
var phases = map[Moment]smtptest.Phase{
	AtMail: smtptest.PhaseMail, AtRcpt: smtptest.PhaseRcpt, AtData: smtptest.PhaseData,
	AtBody: smtptest.PhaseBody, AtReply: smtptest.PhaseReply, AfterReply: smtptest.PhaseReply,
}

// A Doom says when one worker is to die.
type Doom struct {
	Moment Moment
	Nth    int           // Nth: at the nth time it comes to the moment, from 1.
	Delay  time.Duration // Delay is how long after, for AfterReply and AtTime.
}

// Dooms returns n of each moment but AtRest, in random order.
func Dooms(n int, random *rand.Rand) []Doom {
	var dooms []Doom
	for range n {
		for _, m := range []Moment{AtMail, AtRcpt, AtData, AtBody, AtReply, AfterReply, AtTime} {
			d := Doom{Moment: m, Nth: 1 + random.IntN(60)}
			switch m {
			case AfterReply: // about as long as it takes to mark the message sent
				d.Delay = upTo(random, 3*time.Millisecond)
			case AtTime:
				d.Delay = upTo(random, 300*time.Millisecond)
			}
			dooms = append(dooms, d)
		}
	}
	random.Shuffle(len(dooms), func(i, j int) { dooms[i], dooms[j] = dooms[j], dooms[i] })
	return dooms
}

// An Executioner kills workers at the moments of their dooms.
type Executioner struct {
	mu        sync.Mutex
	condemned map[string]*condemned // by worker
	kills     map[Moment]int
}

type condemned struct {
	process *Process
	doom    Doom
	visits  int
	timer   *time.Timer // for a doom that has a Delay, once it runs
	dead    bool
}

// NewExecutioner returns an executioner. Its Visit belongs to a sink.
func NewExecutioner() *Executioner {
	return &Executioner{condemned: make(map[string]*condemned), kills: make(map[Moment]int)}
}

// Condemn sets a worker's doom.
func (x *Executioner) Condemn(p *Process, d Doom) {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := &condemned{process: p, doom: d}
	x.condemned[p.Name] = c
	if d.Moment == AtTime {
		c.timer = time.AfterFunc(d.Delay, func() { x.kill(c, AtTime) })
	}
}

// Visit is told of every event before it is answered.
func (x *Executioner) Visit(e Event) {
	x.mu.Lock()
	c := x.condemned[e.Worker]
	if c == nil || phases[c.doom.Moment] != e.Phase {
		x.mu.Unlock()
		return
	}
	c.visits++
	due := c.visits == c.doom.Nth
	if due && c.doom.Moment == AfterReply {
		c.timer = time.AfterFunc(c.doom.Delay, func() { x.kill(c, AfterReply) })
		due = false
	}
	x.mu.Unlock()
	if due {
		x.kill(c, c.doom.Moment)
	}
}

// Finish kills a worker that has nothing left to do, if it is alive, and
// reports whether it did: its doom is still to come for another then.
func (x *Executioner) Finish(p *Process) (spared bool) {
	x.mu.Lock()
	c := x.condemned[p.Name]
	if c.timer != nil {
		c.timer.Stop()
	}
	x.mu.Unlock()
	return x.kill(c, AtRest)
}

// kill kills a worker that is alive, and reports whether it was.
func (x *Executioner) kill(c *condemned, m Moment) bool {
	x.mu.Lock()
	alive := !c.dead
	if alive {
		c.dead = true
		x.kills[m]++
	}
	x.mu.Unlock()
	c.process.Kill()
	return alive
}

// Kills returns how many workers were killed, by moment.
func (x *Executioner) Kills() map[Moment]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	kills := make(map[Moment]int, len(x.kills))
	for m, n := range x.kills {
		kills[m] = n
	}
	return kills
}
