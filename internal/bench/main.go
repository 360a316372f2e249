// Command bench measures goen against hand-written SQL. Each scenario does its
// work with goen and then writes the same rows with the bare driver, in the same
// run on the same machine, so that the ratio of the two can be compared where
// the figures themselves cannot.
//
//	go run ./internal/bench journeys -store sqlite -customers 20000
//	go run ./internal/bench journeys -store postgres -json
//
// It collects garbage as docs/operations.md advises for a worker, unless GOGC
// says otherwise.
//
// Without -dsn, servers of PostgreSQL and MariaDB are started for the run, with
// durable settings and 1 GB of memory for their pages (for MariaDB also 1 GB of
// redo log), and thrown away after it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settle()
	if text := os.Getenv(childEnv); text != "" {
		if err := beChild(ctx, text); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settle sets what docs/operations.md advises for a process that only works.
// The limit is for worker processes alone: the bench holds what it measures with.
func settle() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv(childEnv) != "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(24 << 20)
	}
}

// A scenario is one thing that is measured.
type scenario struct {
	name  string
	about string
	// prepare declares the scenario's flags and returns what runs it.
	prepare func(*flag.FlagSet) func(context.Context, *stage) (figures, error)
}

var scenarios = []scenario{
	{"journeys", "steps of journeys from trigger to end, and delivery", journeys},
	{"ingest", "facts recorded, and folded", ingest},
	{"due", "claims while very many wait", due},
	{"churn", "claims while an old snapshot is held open", churn},
	{"shops", "the backlog of very many shops", shops},
	{"import", "history taken in", history},
	{"memory", "what a worker with a large backlog holds in memory", footprint},
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	chosen, err := choose(args)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet(chosen.name, flag.ContinueOnError)
	s := &stage{}
	s.declare(flags)
	asJSON := flags.Bool("json", false, "print one JSON object")
	profile := flags.String("cpuprofile", "", "write a CPU profile to this `file`: its samples are labelled part=goen, floor or setup")
	measure := chosen.prepare(flags)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *profile != "" {
		stop, err := startProfile(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	defer func() { err = errors.Join(err, s.close()) }()
	measured, err := measure(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %w", chosen.name, err)
	}
	result := append(figures{{"scenario", chosen.name}, {"store", s.kind}}, measured...)
	if *asJSON {
		return json.NewEncoder(out).Encode(result)
	}
	_, err = fmt.Fprint(out, result)
	return err
}

func choose(args []string) (scenario, error) {
	if len(args) > 0 {
		for _, s := range scenarios {
			if s.name == args[0] {
				return s, nil
			}
		}
	}
	usage := "usage: bench SCENARIO [flags]; scenarios are\n"
	for _, s := range scenarios {
		usage += fmt.Sprintf("  %-9s %s\n", s.name, s.about)
	}
	return scenario{}, errors.New(usage)
}

func startProfile(name string) (stop func() error, err error) {
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
