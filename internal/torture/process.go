package torture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// A Process is a worker in a process of its own.
type Process struct {
	Name string

	cmd   *exec.Cmd
	stdin io.Closer
	said  bytes.Buffer  // said is what it wrote to standard error, complete once gone is closed.
	gone  chan struct{} // gone is closed when the process has ended and its files are closed.
	err   error         // err is how it ended.

	mu     sync.Mutex
	killed bool
}

// StartWorker starts this program again as a worker, and returns when it works.
func StartWorker(s WorkerSettings) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	p := &Process{Name: s.Name, cmd: exec.Command(self), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(settings))
	p.cmd.Stderr = &p.said
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first, _ := bufio.NewReader(out).ReadString('\n')
	go func() {
		_, _ = io.Copy(io.Discard, out) // Wait may be called only once all was read
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	if strings.TrimSpace(first) != "ready" {
		p.Kill()
		return nil, fmt.Errorf("worker %s did not begin: it said %q and %s", s.Name, first, p.said.String())
	}
	return p, nil
}

// Kill ends the process with a signal that it cannot catch, and returns when
// it is gone.
func (p *Process) Kill() {
	p.mu.Lock()
	if !p.killed {
		p.killed = true
		_ = p.cmd.Process.Kill() // an error says that it has ended already: Complaint tells how
	}
	p.mu.Unlock()
	<-p.gone
}

// Stop tells the process to complete what it has begun, and returns when it
// has ended.
func (p *Process) Stop() error {
	_ = p.stdin.Close()
	<-p.gone
	return p.Complaint()
}

// Complaint returns what is wrong with how a process ended that is gone, nil
// if it was killed or stopped. Nothing that a worker lives through is worth a
// line in its log: whatever it wrote is wrong too.
func (p *Process) Complaint() error {
	var problems []error
	p.mu.Lock()
	killed := p.killed
	p.mu.Unlock()
	if p.err != nil && !(killed && p.cmd.ProcessState.ExitCode() < 0) { // -1: ended by a signal
		problems = append(problems, p.err)
	}
	if p.said.Len() > 0 {
		problems = append(problems, errors.New(p.said.String()))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("worker %s: %w", p.Name, errors.Join(problems...))
}
