package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
)

// workerEnv holds the settings of a process that is to be a worker.
const workerEnv = "GOEN_TORTURE_WORKER"

// WorkerSettings are what a worker process is told.
type WorkerSettings struct {
	Name        string // Name is how the sink knows whose conversation it hears.
	Database    Database
	Relay       string // Relay is the sink's address.
	Clock       string // Clock is the path of the clock's file.
	Connections int
	Patience    time.Duration // Patience is how long it waits for any answer of the mail server.
	Slow        time.Duration // Slow is how long it lets facts lie before it folds them.
	Doom        Doom
}

// workerMain is for the beginning of a program's main: if the process was
// started to be a worker it works, and never returns.
func workerMain() {
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

// work runs a worker until its standard input ends: when the parent says so,
// or when the parent is gone.
func work(encoded string) (err error) {
	var s WorkerSettings
	if err := json.Unmarshal([]byte(encoded), &s); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	clock, err := OpenClock(s.Clock)
	if err != nil {
		return err
	}
	store, err := s.Database.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	relay, err := smtp.New(s.Relay, &smtp.Config{Connections: s.Connections, Timeouts: timeouts(s.Patience)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	guard := &guard{doom: s.Doom, proceed: make(chan struct{}), gentle: !s.Database.manyWriters()}
	c, err := crm.New(&guardedStore{store, guard, s.Slow}, signed{relay, s.Name}, &crm.Config{
		Clock: clock.Now, Workers: 1, Connections: s.Connections, Poll: 20 * time.Millisecond,
		Batch:  8,   // many folds, so that there are many phases to die in
		Tries:  100, // never given up: a mail that is lost is a mail that is missing
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	go func() {
		defer cancel()
		in := bufio.NewScanner(os.Stdin)
		in.Scan()
		close(guard.proceed)
		for in.Scan() { // until it ends
		}
	}()
	fmt.Println(ready)
	return c.Run(ctx)
}

// timeouts bounds every phase of a conversation alike.
func timeouts(d time.Duration) smtp.Timeouts {
	return smtp.Timeouts{Dial: d, Greeting: d, EHLO: d, Mail: d, Rcpt: d, Reset: d, Data: d, Body: d, Reply: d}
}

// signed is a mailer whose envelope senders say who sends which mail: see
// [sender]. The mails themselves are as goen composed them.
type signed struct {
	*smtp.Mailer
	worker string
}

// Send implements [mailer.Mailer].
func (s signed) Send(ctx context.Context, msg *mailer.Message) error {
	m, err := mail.ReadMessage(bytes.NewReader(msg.Raw))
	if err != nil {
		return mailer.Permanent(err)
	}
	copied := *msg
	copied.From.Email = sender{
		Worker: s.worker, Message: messageID(msg.ID), Subject: m.Header.Get("Subject"), To: msg.To.Email,
	}.address()
	return s.Mailer.Send(ctx, &copied)
}

// messageID is goen's id of a message, from its Message-ID.
func messageID(id string) string {
	id, _, _ = strings.Cut(id, "@")
	return id
}
