//go:build unix

package dbtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a program of the server's, with all the processes it starts.
type process struct {
	cmd   *exec.Cmd
	guard *guard
	// alive is a pipe that nobody writes to. It ends when the last process has
	// ended that holds its other end: only then is what they shared free.
	alive    *os.File
	logFile  string
	logStart int64 // where this process's part of the log begins
}

// ended waits until all of the process has ended, but not longer than patience,
// and reports whether it has.
func (p *process) ended(patience time.Duration) bool {
	if p.alive.SetReadDeadline(time.Now().Add(patience)) != nil {
		return false
	}
	if _, err := p.alive.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return false
	}
	_ = p.wait()
	return true
}

// wait waits until all of the process has ended, and returns how it ended.
func (p *process) wait() error {
	defer drop(p.alive)
	if err := p.alive.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, p.alive); err != nil {
		return err
	}
	return errors.Join(p.guard.forget(), p.cmd.Wait())
}

// stopTime is how long a server may take to end in good order.
const stopTime = time.Minute

// stop asks the process to end, and kills it if it does not.
func (p *process) stop(signal syscall.Signal) error {
	if err := syscall.Kill(p.cmd.Process.Pid, signal); err != nil {
		return err
	}
	if !p.ended(stopTime) {
		return errors.Join(fmt.Errorf("dbtest: server did not stop in %v: %s", stopTime, p.log()), p.kill())
	}
	return nil
}

// kill kills all of the process. The parent is halted first, so that it does
// not act on the death of its children.
func (p *process) kill() error {
	pid := p.cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for _, child := range children(pid) {
		_ = syscall.Kill(child, syscall.SIGKILL) // it may have ended by itself
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := p.wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		return err
	}
	return nil
}

// signal sends a signal to the process's group. Children of PostgreSQL's are
// not in it.
func (p *process) signal(signal syscall.Signal) error {
	return syscall.Kill(-p.cmd.Process.Pid, signal)
}

// children returns the ids of a process's children.
func children(pid int) []int {
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil { // not Linux, or not all of it
		list, _ = exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	}
	var ids []int
	for _, field := range strings.Fields(string(list)) {
		if id, err := strconv.Atoi(field); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// log returns the end of what the process logged.
func (p *process) log() string {
	b, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	const enough = 4 << 10
	b = b[min(p.logStart, int64(len(b))):]
	return string(b[max(0, len(b)-enough):])
}
