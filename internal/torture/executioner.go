package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lifetime is how long a worker lives at most that never comes to the site
	// of its doom.
	lifetime = 10 * time.Second
	// patience is how long a worker waits for a mail server that has fallen silent.
	patience = 2 * time.Second
	// claimPause and startPause are how long a worker is stopped: longer than
	// the lease of a claim, and than that of a start, SendTimeout and a minute.
	claimPause, startPause = 6 * time.Second, 3*time.Minute + 10*time.Second
	// stillness is how long others have, in the machine's time, to take over
	// from a worker that is stopped while the clock is moved on.
	stillness = 500 * time.Millisecond
)

// An Executioner keeps workers alive, and ends each of them at the site of its
// doom.
type Executioner struct {
	database  Database
	relay     string // relay is the sink's address.
	clock     string // clock is the path of the clock's file.
	log       io.Writer
	incidents *Incidents
	suspend   func(time.Duration) error // suspend moves the clock on.
	realPause bool                      // realPause: some workers are stopped for as long as it takes, without moving the clock.

	mu        sync.Mutex
	random    *rand.Rand
	condemned map[string]*condemned // by worker
	kills     map[Phase]int
	hired     int
	paused    int
	problem   error // problem is what ended a worker but the executioner.
}

// A condemned is a worker with its doom.
type condemned struct {
	process *Process
	doom    Doom
	began   chan struct{} // began is closed when process is set.
	left    atomic.Bool   // left: it had left the site before it was killed.

	mu     sync.Mutex // mu is held while its doom comes.
	visits int
	struck bool  // struck: its doom has come, or never will.
	died   Phase // died is where it was killed.
}

// Reign keeps one worker alive after the other until ctx ends, and returns when
// the last one has ended, in peace.
func (x *Executioner) Reign(ctx context.Context) {
	for ctx.Err() == nil {
		c, err := x.hire(x.nextDoom())
		if err != nil { // the database may be down
			pause(ctx, 100*time.Millisecond)
			continue
		}
		life := lifetime
		if c.doom.Phase == Anywhere {
			life = c.doom.Delay
		}
		timer := time.NewTimer(life)
		select {
		case <-c.process.gone:
		case <-timer.C:
			c.kill(Anywhere)
		case <-ctx.Done():
			c.spare()
			_ = c.process.Stop() // bury looks how it ended
		}
		timer.Stop()
		<-c.process.gone
		x.bury(c)
	}
}

// Hire starts n workers that nothing is done to.
func (x *Executioner) Hire(n int) ([]*Process, error) {
	var workers []*Process
	for range n {
		c, err := x.hire(Doom{})
		if err != nil {
			return workers, err
		}
		workers = append(workers, c.process)
	}
	return workers, nil
}

func (x *Executioner) hire(d Doom) (*condemned, error) {
	x.mu.Lock()
	x.hired++
	name := fmt.Sprintf("w%d", x.hired)
	slow := []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond}[x.random.IntN(3)]
	c := &condemned{doom: d, began: make(chan struct{})}
	x.condemned[name] = c
	x.mu.Unlock()
	var err error
	c.process, err = StartWorker(WorkerSettings{
		Name: name, Database: x.database, Relay: x.relay, Clock: x.clock, Connections: connections,
		Patience: patience, Slow: slow, Doom: d,
	}, x.log, func(line string) { x.hear(c, line) })
	if err == nil {
		close(c.began)
	}
	return c, err
}

// nextDoom chooses a site in the phase in which the fewest workers were killed.
func (x *Executioner) nextDoom() Doom {
	x.mu.Lock()
	defer x.mu.Unlock()
	d := Doom{Phase: Phases[x.random.IntN(len(Phases))], Nth: 1 + x.random.IntN(6)}
	switch x.random.IntN(16) {
	case 0:
		d.Phase, d.Delay = Anywhere, upTo(x.random, 2*time.Second)
	case 1:
		if d.Pause = canPause; d.Pause {
			d.Phase = []Phase{Claim, Claim, Data, Answer}[x.random.IntN(4)]
		}
	default:
		for _, p := range Phases {
			if x.kills[p] < x.kills[d.Phase] {
				d.Phase = p
			}
		}
	}
	d.Site = sites[d.Phase][x.random.IntN(len(sites[d.Phase]))]
	if d.Pause {
		d.Site = pauses[d.Phase]
	}
	if d.Site.moving() && x.random.IntN(2) == 0 {
		d.Delay = upTo(x.random, time.Millisecond)
	}
	return d
}

// hear is told what a worker says of where it is.
func (x *Executioner) hear(c *condemned, line string) {
	switch line {
	case reached:
		<-c.began
		time.Sleep(c.doom.Delay)
		x.strike(c)
	case left:
		c.left.Store(true)
	}
}

// Visit is told of every event at the sink before it is answered. A worker that
// dies here is dead when it returns.
func (x *Executioner) Visit(e Event) {
	x.mu.Lock()
	c := x.condemned[e.Worker]
	x.mu.Unlock()
	if c == nil || string(c.doom.Site) != string(e.Phase) || !c.visit() {
		return
	}
	<-c.began
	x.strike(c)
	if !c.doom.Pause {
		<-c.process.gone
	}
}

// strike lets a worker's doom come at its site, unless it was spared.
func (x *Executioner) strike(c *condemned) {
	if !c.doom.Pause {
		c.kill(c.doom.Phase)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.struck {
		c.struck = true
		x.complain(x.stop(c))
	}
}

// stop stops a worker until its lease has run out, and lets it go on as if
// nothing had happened.
func (x *Executioner) stop(c *condemned) error {
	if err := c.process.Pause(); err != nil {
		return err
	}
	err := x.incidents.Note(Incident{Kind: Paused, Worker: c.process.Name, Phase: c.doom.Phase})
	long := startPause
	if c.doom.Phase == Claim {
		long = claimPause
	}
	x.mu.Lock()
	x.paused++
	really := x.realPause && c.doom.Phase == Claim && x.random.IntN(2) == 0
	x.mu.Unlock()
	if really {
		time.Sleep(long)
	} else {
		err = errors.Join(err, x.suspend(long))
		time.Sleep(stillness)
	}
	return errors.Join(err,
		x.incidents.Note(Incident{Kind: Resumed, Worker: c.process.Name}),
		c.process.Proceed(), c.process.Resume())
}

// bury notes how a worker ended.
func (x *Executioner) bury(c *condemned) {
	c.mu.Lock()
	phase := c.died
	c.mu.Unlock()
	if c.left.Load() {
		phase = Anywhere
	}
	x.complain(c.process.Complaint())
	if phase == "" {
		return
	}
	x.complain(x.incidents.Note(Incident{Kind: Killed, Worker: c.process.Name, Phase: phase}))
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kills[phase]++
}

// visit reports whether it is now that the worker is at the site of its doom.
func (c *condemned) visit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.visits++
	return c.visits == c.doom.Nth
}

// kill kills the worker, unless its doom has come or it was spared: one that
// was stopped lives until its time is up.
func (c *condemned) kill(where Phase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.died != "" || c.struck && where != Anywhere {
		return
	}
	c.struck, c.died = true, where
	c.process.strike()
}

// spare lets the worker live.
func (c *condemned) spare() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.struck = true
}

func (x *Executioner) complain(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.problem = errors.Join(x.problem, err)
}

// Kills returns how many workers were killed, by phase.
func (x *Executioner) Kills() map[Phase]int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.kills)
}
