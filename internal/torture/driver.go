package torture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/sqlite"
)

const (
	// generation is how far clocks go on between two generations of workers:
	// more than the longest lease, SendTimeout and a minute, and than the pause
	// after a loss.
	generation = 3 * time.Minute
	// sendTimeout is long enough that a send is never given up on a busy
	// machine, which would be a loss without a kill.
	sendTimeout = 30 * time.Second
	// look is how often the driver looks whether there is something to do, and
	// rest how long the sink must have heard nothing before there is not.
	look, rest = 50 * time.Millisecond, 150 * time.Millisecond
	// patience bounds one generation, in the machine's time.
	patience = 4 * time.Minute
)

// A Driver tortures one shop.
type Driver struct {
	Database    string // Database is the path of a SQLite file that does not exist yet.
	Ledger      *Ledger
	Dooms       []Doom
	Workers     int // Workers is how many processes are alive at a time.
	Connections int // Connections is how many each of them has.

	// Shop is a handle of the driver's own, set by Open.
	Shop *crm.Shop

	store       *sqlite.Store
	crm         *crm.CRM
	clock       *Clock
	sink        *Sink
	executioner *Executioner
	started     int // workers, so far
}

// Open makes the shop known and starts the sink.
func (d *Driver) Open(ctx context.Context) (err error) {
	if d.store, err = sqlite.Open(ctx, d.Database); err != nil {
		return err
	}
	d.clock, d.executioner = new(Clock), NewExecutioner()
	nobody := mailer.Func(func(context.Context, *mailer.Message) error { panic("the driver does not send") })
	if d.crm, err = crm.New(d.store, nobody, &crm.Config{Clock: d.clock.Now}); err != nil {
		return err
	}
	d.sink = NewSink(d.executioner.Visit)
	d.Shop = d.crm.Shop(ShopID)
	// Facts older than a journey do not start it, and some are a minute old.
	d.clock.Advance(-generation)
	defer d.clock.Advance(generation)
	return Publish(ctx, d.Shop)
}

// Close stops the sink and closes the driver's store.
func (d *Driver) Close() error {
	if d.sink != nil {
		d.sink.Close()
	}
	return d.store.Close()
}

// Run carries out all dooms while the ledger's facts come in, and then lets
// workers live until nothing is due.
func (d *Driver) Run(ctx context.Context) error {
	dooms, left := d.Dooms, d.Ledger.Entries
	// Few enough at a time that there is work for the last doom too.
	portion := len(left) * d.Workers / (len(dooms) + d.Workers)
	for len(dooms) > 0 {
		now := left[:min(portion, len(left))]
		left = left[len(now):]
		n := min(d.Workers, len(dooms))
		spared, err := d.generation(ctx, dooms[:n], now)
		if err != nil {
			return err
		}
		if len(left) == 0 && len(spared) == n {
			return fmt.Errorf("everything is sent, and %d dooms are left: more customers are needed", len(dooms))
		}
		dooms = append(dooms[n:], spared...)
	}
	return d.complete(ctx, left)
}

// generation starts a worker for each doom, and records entries while they
// work. It ends when all are dead: those that are not killed by their doom are
// when nothing is left to do. Their dooms are returned.
func (d *Driver) generation(ctx context.Context, dooms []Doom, entries []Entry) (spared []Doom, err error) {
	defer d.clock.Advance(generation)
	var workers []*Process
	defer func() {
		for _, w := range workers {
			w.Kill() // if not dead yet: there was an error
			err = errors.Join(err, w.Complaint())
		}
	}()
	for _, doom := range dooms {
		w, err := d.start()
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
		d.executioner.Condemn(w, doom)
	}
	if err := d.live(ctx, entries, workers...); err != nil {
		return nil, err
	}
	for i, w := range workers {
		if d.executioner.Finish(w) {
			spared = append(spared, dooms[i])
		}
	}
	return spared, nil
}

// complete records what is left, and lets one generation of workers after the
// other live until nothing is due any more.
func (d *Driver) complete(ctx context.Context, entries []Entry) error {
	for {
		w, err := d.start()
		if err != nil {
			return err
		}
		if err := errors.Join(d.live(ctx, entries, w), w.Stop()); err != nil {
			return err
		}
		entries = nil
		d.clock.Advance(generation)
		if _, due, err := d.crm.NextDue(ctx, d.clock.Now().Add(24*time.Hour)); err != nil || !due {
			return err
		}
	}
}

func (d *Driver) start() (*Process, error) {
	d.started++
	return StartWorker(WorkerSettings{
		Name: fmt.Sprintf("w%d", d.started), Database: d.Database, Relay: d.sink.Addr,
		Ahead: d.clock.Ahead(), Connections: d.Connections, SendTimeout: sendTimeout,
	})
}

// live records entries beside workers that work, and returns when everything
// is recorded, and all workers are dead or have nothing to do at the clock's
// time.
func (d *Driver) live(ctx context.Context, entries []Entry, workers ...*Process) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.Ledger.record(ctx, d.Shop, d.clock, entries); err != nil {
		return err
	}
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		for _, w := range workers {
			<-w.gone
		}
	}()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		select {
		case <-dead:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("work goes on for longer than %v: %w", patience, ctx.Err())
		case <-ticker.C:
		}
		_, due, err := d.crm.NextDue(ctx, d.clock.Now())
		if err != nil {
			return err
		}
		if !due && d.sink.Quiet(rest) {
			return nil
		}
	}
}

// Audit compares what arrived with the ledger. It is called after Run.
func (d *Driver) Audit(ctx context.Context) (*Report, error) {
	kills := 0
	for _, n := range d.Kills() {
		kills += n
	}
	return Audit(ctx, d.Shop, d.Ledger, d.Events(), kills, d.Connections)
}

// Events returns what the sink has heard.
func (d *Driver) Events() []Event { return d.sink.Events() }

// Kills returns how many workers were killed, by moment.
func (d *Driver) Kills() map[Moment]int { return d.executioner.Kills() }

// Started returns how many workers there were.
func (d *Driver) Started() int { return d.started }
