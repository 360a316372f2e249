//go:build unix

package dbtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// A guard is a small process that outlives us, if only for a moment: when we
// have ended, in whichever way, it ends the server and deletes its folder.
//
// It knows by two pipes. Into the first each program that we start writes its
// process id before it becomes the server, so there is no moment at which the
// server runs and the guard does not know; an empty line says that it ended.
// That pipe closes when we end, or leave. The second closes when the server's
// processes have ended, too.
type guard struct {
	cmd  *exec.Cmd
	ids  *os.File // process ids go in here
	held *os.File // held open by us and by the server
}

const guardScript = `
trap '' HUP INT TERM
server=
while read -r line; do server=$line; done
if [ -n "$server" ]; then
	kill -"$2" -"$server"
	kill -CONT -"$server"
fi
cat <&3
rm -rf "$1"
`

// startScript tells the guard its process id and becomes the program.
const startScript = `echo $$ >&3; exec "$@" 3>&-`

func newGuard(folder string, signal syscall.Signal) (*guard, error) {
	ids, idsWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer drop(ids)
	held, heldWriter, err := os.Pipe()
	if err != nil {
		drop(idsWriter)
		return nil, err
	}
	defer drop(held)
	g := &guard{ids: idsWriter, held: heldWriter}
	g.cmd = exec.Command("/bin/sh", "-c", guardScript, "goen-db-guard", folder, fmt.Sprint(int(signal)))
	g.cmd.Stdin, g.cmd.ExtraFiles = ids, []*os.File{held}
	g.cmd.Dir = "/"
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C is for us, not for it
	if err := g.cmd.Start(); err != nil {
		return nil, errors.Join(err, g.ids.Close(), g.held.Close())
	}
	return g, nil
}

// start starts a program of the server's in its folder.
func (g *guard) start(f *folder, command []string) (*process, error) {
	log, err := os.OpenFile(f.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer drop(log)
	logStart, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer drop(write)
	cmd := exec.Command("/bin/sh", append([]string{"-c", startScript, "goen-db"}, command...)...)
	cmd.Dir = f.root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TMPDIR=" + f.root}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{g.ids, write, g.held}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if f.uid >= 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(f.uid), Gid: uint32(f.gid)}
	}
	if err := cmd.Start(); err != nil {
		drop(read)
		return nil, err
	}
	return &process{cmd: cmd, guard: g, alive: read, logFile: log.Name(), logStart: logStart}, nil
}

// run runs a program to its end.
func (g *guard) run(ctx context.Context, f *folder, command []string) error {
	p, err := g.start(f, command)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.signal(syscall.SIGKILL) })
	defer stop()
	if err := p.wait(); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fmt.Errorf("dbtest: %s: %w: %s", command[0], err, p.log())
	}
	return nil
}

// forget tells that the program that was started last has ended.
func (g *guard) forget() error {
	_, err := g.ids.WriteString("\n")
	return err
}

// leave lets the guard delete the folder, and waits until it has.
func (g *guard) leave() error {
	return errors.Join(g.ids.Close(), g.held.Close(), g.cmd.Wait())
}
