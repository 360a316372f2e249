//go:build unix

package main

import (
	"fmt"
	"syscall"
)

// canPause reports whether processes can be stopped on this system.
const canPause = true

// Pause stops the process where it stands, as a machine does that runs out of
// memory or is suspended. It returns when the process has stopped.
func (p *Process) Pause() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil {
		return err
	}
	if !status.Stopped() {
		return fmt.Errorf("worker %s ended instead of stopping", p.Name)
	}
	return nil
}

// Resume lets it go on, as if nothing had happened in between.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
