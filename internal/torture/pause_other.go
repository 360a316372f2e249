//go:build !unix

package main

import "errors"

// canPause reports whether processes can be stopped on this system.
const canPause = false

// Pause returns an error: there is no signal for it here.
func (p *Process) Pause() error { return errors.ErrUnsupported }

// Resume returns an error: there is no signal for it here.
func (p *Process) Resume() error { return errors.ErrUnsupported }
