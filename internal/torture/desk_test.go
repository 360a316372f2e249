package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/sqlite"
)

func TestMain(m *testing.M) {
	workerMain()
	goleak.VerifyTestMain(m)
}

// A desk is a shop on a SQLite file, with its clock and its mail server, for
// tests that look at one thing at a time.
type desk struct {
	*testing.T
	dir   string
	clock *Clock
	sink  *Sink
}

// newDesk makes a shop known. visit is told of every event at the mail server
// before it is answered.
func newDesk(t *testing.T, visit func(Event)) *desk {
	d := &desk{T: t, dir: t.TempDir()}
	var err error
	d.clock, err = OpenClock(filepath.Join(d.dir, "clock"))
	d.must(err)
	t.Cleanup(func() { d.must(d.clock.Close()) })
	d.sink, err = NewSink(d.dir, d.clock, nil, visit)
	d.must(err)
	t.Cleanup(func() { d.must(d.sink.Close()) })
	d.must(Publish(t.Context(), d.shop(d.open())))
	d.must(d.clock.Advance(5 * time.Minute)) // facts older than a journey do not start it
	return d
}

func (d *desk) database() Database { return Database{"sqlite", filepath.Join(d.dir, "shop.db")} }

// open returns a store of its own on the database.
func (d *desk) open() *sqlite.Store {
	store, err := sqlite.Open(d.Context(), d.database().DSN)
	d.must(err)
	d.Cleanup(func() { d.must(store.Close()) })
	return store
}

// crm returns a CRM that complains to the test.
func (d *desk) crm(store crm.Store, m mailer.Mailer, config crm.Config) *crm.CRM {
	if config.Clock == nil {
		config.Clock = d.clock.Now
	}
	config.Logger = slog.New(slog.NewTextHandler(complaints{d.T}, nil))
	c, err := crm.New(store, m, &config)
	d.must(err)
	return c
}

// shop returns the one shop, for telling and asking.
func (d *desk) shop(store crm.Store) *crm.Shop {
	nobody := mailer.Func(func(context.Context, *mailer.Message) error {
		d.Error("a mail is sent by who should not")
		return nil
	})
	return d.crm(store, nobody, crm.Config{}).Shop(shopIDs(1)[0])
}

// log returns what the mail server has written down.
func (d *desk) log() []Event {
	events, err := readJournal[Event](filepath.Join(d.dir, sinkFile))
	d.must(err)
	return events
}

func (d *desk) must(err error) {
	if err != nil {
		d.Helper()
		d.Fatal(err)
	}
}

// complaints fail a test that expects none.
type complaints struct{ *testing.T }

// Write fails the test with a line of a log.
func (c complaints) Write(line []byte) (int, error) {
	c.Errorf("%s", line)
	return len(line), nil
}
