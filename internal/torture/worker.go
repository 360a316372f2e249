package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/storage/sqlite"
)

// workerEnv holds the settings of a process that is to be a worker.
const workerEnv = "GOEN_TORTURE_WORKER"

// WorkerSettings are what a worker process is told.
type WorkerSettings struct {
	// Name is the local part of its envelope sender, by which the sink knows
	// whose conversation it hears.
	Name        string
	Database    string        // Database is the path of the SQLite file.
	Relay       string        // Relay is the sink's address.
	Ahead       time.Duration // Ahead is how far its clock is ahead of the machine's.
	Connections int
	SendTimeout time.Duration
}

// WorkerMain is for the beginning of a program's main: if the process was
// started to be a worker it works, and never returns.
func WorkerMain() {
	settings, ok := os.LookupEnv(workerEnv)
	if !ok {
		return
	}
	if err := work(settings); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// work runs a worker until its standard input ends: when the driver says so,
// or when the driver is gone.
func work(encoded string) (err error) {
	var s WorkerSettings
	if err := json.Unmarshal([]byte(encoded), &s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	store, err := sqlite.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	relay, err := smtp.New(s.Relay, &smtp.Config{ReturnPath: s.Name + "@worker.example.jp", Connections: s.Connections})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	clock := new(Clock)
	clock.Advance(s.Ahead)
	c, err := crm.New(store, relay, &crm.Config{
		Clock: clock.Now, Workers: 1, Connections: s.Connections, SendTimeout: s.SendTimeout, Poll: 25 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println("ready")
	return c.Run(ctx)
}
