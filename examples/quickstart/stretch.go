package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// The last weeks are sent by a process of its own, which is killed three times
// while it is sending: with SIGKILL, which no program can catch. Each time a
// new one goes on with the same database.

// A kill is planned for the first time that a worker reaches a phase of the
// SMTP conversation after so many of its mails were accepted.
type kill struct {
	after int
	phase smtptest.Phase
}

// planKills draws three moments. The phases are those after which the server
// can't have the mail: up to RCPT the message is merely claimed and the next
// worker sends it; after DATA it is marked as started, and its fate is unknown
// to the shop until somebody looks into the server's log (see resolve).
//
// Drawn by a seed, so that the figures are the same on every run. They come out
// right with any.
func planKills(seed uint64) []kill {
	random := rand.New(rand.NewPCG(seed, 0))
	phases := []smtptest.Phase{smtptest.PhaseMail, smtptest.PhaseRcpt, smtptest.PhaseData}
	random.Shuffle(len(phases), func(i, j int) { phases[i], phases[j] = phases[j], phases[i] })
	var plan []kill
	for _, phase := range phases {
		plan = append(plan, kill{after: 5 + random.IntN(25), phase: phase})
	}
	return plan
}

// A killer kills the workers it is given, each at the next planned moment.
type killer struct {
	mu     sync.Mutex
	plan   []kill
	done   []kill // done are those carried out.
	worker *worker
}

// A worker is a child process at work.
type worker struct {
	process  *os.Process
	gone     chan struct{} // gone is closed once the process has ended.
	accepted int           // accepted is how many of its mails the server took.
	killed   bool
}

// phase is told of every step of every SMTP conversation, while the client
// waits for the answer. If now is the moment it kills the client and returns
// when that is dead.
func (k *killer) phase(p smtptest.Phase) {
	k.mu.Lock()
	w := k.worker
	due := w != nil && !w.killed && len(k.plan) > 0 && p == k.plan[0].phase && w.accepted >= k.plan[0].after
	if due {
		w.killed = true
		k.done, k.plan = append(k.done, k.plan[0]), k.plan[1:]
	}
	k.mu.Unlock()
	if due {
		_ = w.process.Kill() // It fails only if the process has ended.
		<-w.gone
	}
}

// accepted is told of every mail that the server takes.
func (k *killer) accepted() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.worker != nil {
		k.worker.accepted++
	}
}

func (k *killer) watch(w *worker) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.worker = w
}

// run has one child after the other work until the end of the stretch. looked
// is told of each look of theirs.
func (k *killer) run(ctx context.Context, o orders, looked func(time.Time)) error {
	for {
		at, killed, err := k.child(ctx, o, looked)
		if err != nil || !killed {
			return err
		}
		o.From, o.Resumed = at, true
	}
}

// child runs a child until it is done or killed, and returns the time of the
// last look that it told of.
func (k *killer) child(ctx context.Context, o orders, looked func(time.Time)) (at time.Time, killed bool, err error) {
	program, err := os.Executable()
	if err != nil {
		return at, false, err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return at, false, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return at, false, err
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return at, false, err
	}
	if err := cmd.Start(); err != nil {
		return at, false, err
	}
	w := &worker{process: cmd.Process, gone: make(chan struct{})}
	k.watch(w)
	at = o.From
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if at, err = time.Parse(time.RFC3339, lines.Text()); err != nil {
			err = fmt.Errorf("a child said %q: %w", lines.Text(), err)
			_ = cmd.Process.Kill()
			break
		}
		looked(at)
	}
	ended := cmd.Wait()
	k.watch(nil)
	close(w.gone)
	if w.killed {
		return at, true, err
	}
	return at, false, errors.Join(err, ended)
}
