package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A Process is a worker in a process of its own.
type Process struct {
	Name string

	cmd   *exec.Cmd
	stdin io.WriteCloser
	gone  chan struct{} // gone is closed when the process has ended and its files are closed.
	err   error         // err is how it ended.

	mu     sync.Mutex
	killed bool
}

// StartWorker starts this program again as a worker, and returns when it works.
// Its log goes to stderr. What it says of where it is goes to hear, if that is
// not nil, a line at a time; the worker does not wait for it.
func StartWorker(s WorkerSettings, stderr io.Writer, hear func(line string)) (*Process, error) {
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
	p.cmd.Stderr = stderr
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
	working := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out) // Wait may be called only once all was read
		working <- lines.Scan() && lines.Text() == ready
		for lines.Scan() {
			if hear != nil {
				hear(lines.Text())
			}
		}
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	if !<-working {
		p.Kill()
		return nil, fmt.Errorf("worker %s did not begin: %w", s.Name, p.err)
	}
	return p, nil
}

// Kill ends the process with a signal that it cannot catch, and returns when
// it is dead.
func (p *Process) Kill() {
	p.strike()
	<-p.gone
}

// strike is Kill without waiting.
func (p *Process) strike() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	_ = p.cmd.Process.Kill() // an error says that it has ended already: Complaint tells how
}

// Proceed lets the process go on that has announced the site of its doom.
func (p *Process) Proceed() error {
	_, err := io.WriteString(p.stdin, "\n")
	return err
}

// Stop tells the process to complete what it has begun, and returns when it
// has ended.
func (p *Process) Stop() error {
	_ = p.stdin.Close() // an error says that it has ended already
	<-p.gone
	return p.Complaint()
}

// Complaint returns what is wrong with how a process ended that is gone, nil
// if it was killed or stopped.
func (p *Process) Complaint() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || p.killed && p.cmd.ProcessState != nil && p.cmd.ProcessState.ExitCode() < 0 { // -1: ended by a signal
		return nil
	}
	return fmt.Errorf("worker %s: %w", p.Name, p.err)
}
