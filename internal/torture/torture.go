package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/goen-crm/crm/internal/dbtest"
)

// Settings are what a run is like.
type Settings struct {
	Store    string
	Workers  int           // Workers is how many processes are alive at a time.
	Duration time.Duration // Duration is how long the torture goes on, without the drain.
	Seed     uint64
	Dir      string    // Dir is an empty directory for the run's files.
	Progress io.Writer // Progress is told how far it is, a line at a time.
}

const (
	// connections is how many mails a worker sends at a time.
	connections = 3
	// rest is how long the sink must have heard nothing before the clock is
	// moved on in the drain, so that no lease of a living worker is cut short.
	rest = 200 * time.Millisecond
	// horizon is beyond everything that can be due: see [Publish].
	horizon = 120 * 24 * time.Hour
	logFile = "workers.log"
)

// A torment is one torture under way.
type torment struct {
	Settings
	clock       *Clock
	incidents   *Incidents
	ledger      *Ledger
	weather     *Weather
	sink        *Sink
	server      *dbtest.Server // server is nil for a database without one.
	driver      *Driver
	executioner *Executioner
	log         *os.File

	closers []func() error
}

// Torture tortures one store, and audits what came of it. The error says why
// that could not be done.
func Torture(ctx context.Context, s Settings) (report *Report, err error) {
	began := time.Now()
	t := &torment{Settings: s}
	defer func() { err = errors.Join(err, t.close()) }()
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	if err := t.torture(ctx); err != nil {
		return nil, err
	}
	if err := t.drain(ctx); err != nil {
		return nil, err
	}
	if report, err = t.audit(ctx); err == nil {
		report.Seconds = time.Since(began).Seconds()
	}
	return report, err
}

func (t *torment) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(t.Seed, stream)) }

// open makes everything ready.
func (t *torment) open(ctx context.Context) (err error) {
	path := filepath.Join(t.Dir, "clock")
	if t.clock, err = OpenClock(path); err != nil {
		return err
	}
	t.closers = append(t.closers, t.clock.Close)
	if t.incidents, err = OpenIncidents(t.Dir); err != nil {
		return err
	}
	t.closers = append(t.closers, t.incidents.Close)
	if t.ledger, err = OpenLedger(t.Dir, t.clock); err != nil {
		return err
	}
	t.closers = append(t.closers, t.ledger.Close)
	if t.log, err = os.Create(filepath.Join(t.Dir, logFile)); err != nil {
		return err
	}
	t.closers = append(t.closers, t.log.Close)
	var database Database
	if database, t.server, err = CreateDatabase(ctx, t.Store, t.Dir); err != nil {
		return err
	}
	if t.server != nil {
		t.closers = append(t.closers, t.server.Stop)
	}
	t.weather = NewWeather(t.random(1))
	t.executioner = &Executioner{
		database: database, clock: path, log: t.log, incidents: t.incidents, suspend: t.suspend, random: t.random(2),
		realPause: t.Duration > 2*time.Minute, condemned: make(map[string]*condemned), kills: make(map[Phase]int),
	}
	if t.sink, err = NewSink(t.Dir, t.clock, t.weather, t.executioner.Visit); err != nil {
		return err
	}
	t.closers = append(t.closers, t.sink.Close)
	t.executioner.relay = t.sink.Addr
	if t.driver, err = NewDriver(ctx, database, t.Seed, t.ledger, t.clock, t.weather); err != nil {
		return err
	}
	t.closers = append(t.closers, t.driver.Close)
	t.driver.suspend = t.suspend
	t.driver.rest = min(max(t.Duration/40, time.Second/2), 10*time.Second)
	return nil
}

// close closes what open has opened, the last first.
func (t *torment) close() (err error) {
	for len(t.closers) > 0 {
		last := len(t.closers) - 1
		err = errors.Join(err, t.closers[last]())
		t.closers = t.closers[:last]
	}
	return err
}

// suspend moves the clock on, as if all machines had been suspended.
func (t *torment) suspend(d time.Duration) error {
	return errors.Join(t.incidents.Note(Incident{Kind: Suspended, By: d}), t.clock.Advance(d))
}

// torture lets everything happen at once, until the time is up and every story
// begun has come to its end.
func (t *torment) torture(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	day, dusk := context.WithTimeout(ctx, t.Duration)
	defer dusk()
	var ending sync.WaitGroup
	done := make(chan struct{})
	var calamity error
	calamities := &Calamities{server: t.server, incidents: t.incidents, suspend: t.suspend, random: t.random(3)}
	for range t.Workers {
		ending.Go(func() { t.executioner.Reign(ctx) })
	}
	ending.Go(func() {
		if calamity = calamities.Run(day, t.Duration); calamity != nil {
			stop()
		}
	})
	ending.Go(func() { t.tell(done) })
	err := t.driver.Run(ctx, day.Done())
	stop()
	close(done)
	ending.Wait()
	return errors.Join(err, calamity)
}

// tell says every few seconds how far it is.
func (t *torment) tell(done <-chan struct{}) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for began := time.Now(); ; {
		select {
		case <-done:
			return
		case <-ticker.C:
			t.say("torture: %3.0f s: %d batches told, %d mails received, kills %v\n",
				time.Since(began).Seconds(), t.ledger.batches.Load(), t.sink.server.Len(), t.executioner.Kills())
		}
	}
}

// say tells whoever waits for the run. It is not worth failing for.
func (t *torment) say(format string, args ...any) { _, _ = fmt.Fprintf(t.Progress, format, args...) }

// drain leaves workers in peace until nothing is due any more, and moves the
// clock to what is. They have the time that they would need many times over.
func (t *torment) drain(ctx context.Context) (err error) {
	limit := 45*time.Second + t.Duration/4
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t.weather.Clear()
	workers, err := t.executioner.Hire(t.Workers)
	defer func() {
		for _, w := range workers {
			err = errors.Join(err, w.Stop())
		}
	}()
	if err != nil {
		return err
	}
	for {
		pause(ctx, rest/4)
		if ctx.Err() != nil {
			t.say("torture: workers are not done within %v\n", limit)
			return nil // what waits is the audit's to find
		}
		now := t.clock.Now()
		due, ok, err := t.driver.crm.NextDue(ctx, now.Add(horizon))
		switch {
		case err != nil:
			return err
		case !t.sink.Quiet(rest):
		case !ok:
			return nil
		case due.After(now):
			if err := t.clock.Advance(due.Sub(now)); err != nil {
				return err
			}
		}
	}
}

// audit reads back what was written down, and compares.
func (t *torment) audit(ctx context.Context) (*Report, error) {
	said, err := Ask(ctx, t.driver.crm, t.clock.Now())
	if err != nil {
		return nil, err
	}
	e := Evidence{Said: said, Senders: t.Workers * connections, Connections: connections}
	if e.Ledger, err = readJournal[Entry](filepath.Join(t.Dir, ledgerFile)); err != nil {
		return nil, err
	}
	if e.Log, err = readJournal[Event](filepath.Join(t.Dir, sinkFile)); err != nil {
		return nil, err
	}
	if e.Incidents, err = readJournal[Incident](filepath.Join(t.Dir, incidentFile)); err != nil {
		return nil, err
	}
	report := Audit(e)
	report.Store, report.Seed, report.Faults = t.Store, t.Seed, t.weather.Faults()
	report.Facts, report.Workers = int(t.ledger.batches.Load()), t.executioner.hired
	if err := t.executioner.problem; err != nil {
		report.Violations = append(report.Violations, err.Error())
	}
	return report, t.complaints(report)
}

// complaints reads the workers' log. A worker lives through failures of a
// database that is killed, and one that finds no database does not begin;
// nothing else should be worth an error.
func (t *torment) complaints(r *Report) error {
	file, err := os.Open(filepath.Join(t.Dir, logFile))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.Contains(line, "level=INFO"), strings.Contains(line, "level=WARN"):
		case t.server != nil && (strings.Contains(line, "worker failed, will try again") || strings.HasPrefix(line, "worker:")):
			r.Errors++
		default:
			r.Violations = append(r.Violations, "a worker says: "+line)
		}
	}
	return lines.Err()
}
