//go:build unix

package dbtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// An installation is a server of our own.
type installation struct {
	product product
	folder  *folder
	port    int

	mu      sync.Mutex
	guard   *guard   // nil once removed
	process *process // nil while the server does not run
}

// install makes a new data folder and starts a server on it.
func install(ctx context.Context, p product) (*installation, error) {
	found, err := findPrograms(p)
	if err != nil {
		return nil, err
	}
	f, err := newFolder(p, found)
	if err != nil {
		return nil, err
	}
	g, err := newGuard(f.root, p.killSignal())
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(f.root))
	}
	i := &installation{product: p, folder: f, guard: g}
	if err = i.fill(ctx); err == nil {
		err = i.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, i.remove())
	}
	return i, nil
}

func (i *installation) dsn() string { return i.product.dsn(i.folder, i.port) }

// fill makes the data folder.
func (i *installation) fill(ctx context.Context) error {
	commands, err := i.product.install(i.folder)
	if err != nil {
		return err
	}
	for _, command := range commands {
		if err = i.guard.run(ctx, i.folder, command); err == nil {
			break
		}
	}
	return err
}

// open starts the server on a port of its own.
func (i *installation) open(ctx context.Context) (err error) {
	for range 3 { // another process may take the port before the server does
		if i.port, err = freePort(); err != nil {
			return err
		}
		if err = i.launch(ctx); !errors.Is(err, errEnded) {
			return err
		}
	}
	return err
}

var errEnded = errors.New("ended while starting")

const (
	startTime = 2 * time.Minute // how long a server may take to start, with recovery
	tryTime   = 5 * time.Second // how long to wait for one answer: something else may listen there
)

// launch starts the server's process and returns when it answers.
func (i *installation) launch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	p, err := i.guard.start(i.folder, i.product.serve(i.folder, i.port))
	if err != nil {
		return err
	}
	for {
		err := i.ask(ctx)
		if err == nil {
			i.process = p
			return nil
		}
		if p.ended(20 * time.Millisecond) {
			return fmt.Errorf("dbtest: %s %w: %s", i.product.name(), errEnded, p.log())
		}
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("dbtest: %s does not answer: %w: %s", i.product.name(), err, p.log()), p.kill())
		}
	}
}

func (i *installation) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return i.product.exec(ctx, i.dsn(), "SELECT 1")
}

func (i *installation) kill() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.guard == nil {
		return ErrStopped
	}
	return i.end((*process).kill)
}

func (i *installation) restart(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.guard == nil {
		return ErrStopped
	}
	stop := func(p *process) error { return p.stop(i.product.stopSignal()) }
	if err := i.end(stop); err != nil {
		return err
	}
	return i.launch(ctx)
}

// remove stops the server and deletes its folder.
func (i *installation) remove() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.guard == nil {
		return nil
	}
	err := errors.Join(i.end((*process).kill), i.guard.leave()) // in no good order: nobody will miss the data
	i.guard = nil
	return err
}

// end ends the server's process, if there is one.
func (i *installation) end(how func(*process) error) error {
	if i.process == nil {
		return nil
	}
	err := how(i.process)
	i.process = nil
	return err
}
