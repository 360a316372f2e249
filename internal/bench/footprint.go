package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// childEnv holds the orders for a worker process: with it in its environment
// the program is one.
const childEnv = "GOEN_BENCH_CHILD"

// memoryLimit is what a worker may hold at most, in megabytes.
const memoryLimit = 100

// Orders say what a worker process has to do.
type workerOrders struct {
	Store   string    `json:"store"`
	Name    string    `json:"name"` // Name is the database's: a path or a DSN.
	Now     time.Time `json:"now"`
	Workers int       `json:"workers"`
	Batch   int       `json:"batch"`
}

// footprint measures what a worker process holds while it works off a backlog.
func footprint(flags *flag.FlagSet) func(context.Context, *stage) (figures, error) {
	backlog := flags.Int("backlog", 50_000, "`number` of facts that wait")
	return func(ctx context.Context, s *stage) (figures, error) {
		var peak samples
		for range s.rounds {
			megabytes, err := s.workerPeak(ctx, *backlog)
			if err != nil {
				return nil, err
			}
			peak.add(megabytes)
		}
		result := figures{
			{"backlog", *backlog}, {"workers", s.workers}, {"rounds", s.rounds},
			{"peak_megabytes", peak.median()}, {"limit_megabytes", memoryLimit},
		}
		if peak.median() > memoryLimit {
			return result, fmt.Errorf("a worker held %.0f MB, more than %d", peak.median(), memoryLimit)
		}
		return result, nil
	}
}

// workerPeak makes a backlog and lets a process of its own work it off.
func (s *stage) workerPeak(ctx context.Context, backlog int) (megabytes float64, err error) {
	d, err := s.desk(ctx, busy())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	at := opening.Add(day)
	d.clock.Set(at.Add(time.Minute))
	if err := d.record(ctx, orders(backlog, 1000, at), s.workers); err != nil {
		return 0, err
	}
	text, err := json.Marshal(workerOrders{Store: s.kind, Name: d.name, Now: d.clock.Now(), Workers: s.workers, Batch: s.batch})
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), childEnv+"="+string(text))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(string(out), &megabytes)
	return megabytes, err
}

// beChild works off the backlog and prints the process's peak of memory.
func beChild(ctx context.Context, text string) error {
	var o workerOrders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	s := &stage{kind: o.Store, workers: o.Workers, batch: o.Batch}
	d, err := s.deskAt(ctx, o.Name, o.Now)
	if err != nil {
		return err
	}
	if err := errors.Join(d.work(ctx, o.Now), d.close()); err != nil {
		return err
	}
	megabytes, err := peakMemory()
	if err == nil {
		_, err = fmt.Println(megabytes)
	}
	return err
}

// errNoPeak: the system does not say what a process has held.
var errNoPeak = errors.New("the peak of memory is read from Linux's /proc")

// peakMemory is the most that this process has held in memory.
func peakMemory() (megabytes float64, err error) {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, errors.Join(errNoPeak, err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kilobytes float64
			_, err := fmt.Sscan(text, &kilobytes)
			return kilobytes / 1024, err
		}
	}
	return 0, errNoPeak
}
