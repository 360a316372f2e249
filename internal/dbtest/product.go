package dbtest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// A product is a kind of database server.
type product interface {
	name() string
	variable() string   // the environment variable that names a server to use instead
	packages() string   // what to install, for people
	programs() []need   // what has to be there
	folders() []string  // where to look beside PATH, as patterns
	accounts() []string // system users to run as if we are root, best first

	install(f *folder) ([][]string, error) // commands that make the data folder, to be tried in order until one works
	serve(f *folder, port int) []string    // the command that runs the server
	stopSignal() syscall.Signal            // asks the server to end soon, in good order
	killSignal() syscall.Signal            // ends it at once when nobody looks after it any more
	dsn(f *folder, port int) string
	inDatabase(dsn, name string) (string, error) // the same DSN, for another database
	exec(ctx context.Context, dsn, statement string) error
	cut(ctx context.Context, dsn string) error // ends all other clients' connections
}

// A need is a program by any of its names, the usual one first.
type need []string

// programs are the paths of programs by their usual names.
type programs map[string]string

// findPrograms finds what a product needs, on PATH or in its usual folders.
func findPrograms(p product) (programs, error) {
	found := programs{}
	for _, need := range p.programs() {
		path := find(need, p.folders())
		if path == "" {
			return nil, fmt.Errorf("%w: no %s server here: install %s or set %s", ErrMissing, p.name(), p.packages(), p.variable())
		}
		found[need[0]] = path
	}
	return found, nil
}

func find(names need, patterns []string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Base(real) == name {
				path = real // PostgreSQL finds its files beside its program
			}
			return path
		}
	}
	for _, pattern := range patterns {
		folders, _ := filepath.Glob(pattern)
		slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
		for _, folder := range folders {
			for _, name := range names {
				if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
					return path
				}
			}
		}
	}
	return ""
}

// version is the major version in a folder such as /usr/lib/postgresql/15/bin,
// or 0.
func version(folder string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return n
}

// freePort returns a port on 127.0.0.1 that nobody listens on. It lies below
// the ports that systems give to outgoing connections, so that none of those
// takes it, or connects to itself on it, while the server is down.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 10_000 + rand.IntN(22_000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

// drop closes what was only read from, or is of no use after an error.
func drop(c io.Closer) { _ = c.Close() }
