// Command sidecar runs goen beside a cart that is not written in Go: it takes
// facts as JSON over HTTP, or from a table that the cart inserts into, and
// sends the mails. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer/smtp"
)

type options struct {
	listen, store, dsn, shops, mode string
	smtp, smtpUser                  string
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8090", "where to take facts, `host:port`")
	flag.StringVar(&o.store, "store", "sqlite", "`kind` of database: sqlite, postgres or mysql")
	flag.StringVar(&o.dsn, "dsn", "goen.db", "the database: a `file` of SQLite's, or what the driver takes")
	flag.StringVar(&o.shops, "shops", "shops.json", "`file` of shops")
	flag.StringVar(&o.mode, "mode", string(crm.Live), "live, dry (decide, but send nothing) or off (keep mails queued)")
	flag.StringVar(&o.smtp, "smtp", "localhost:25", "mail server, `host:port`")
	flag.StringVar(&o.smtpUser, "smtp-user", "", "`user` to log in to it as, with the password in GOEN_SMTP_PASSWORD")
	flag.Parse()
	fromEnvironment(flag.CommandLine)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		slog.Error("sidecar", "error", err)
		os.Exit(1)
	}
}

// fromEnvironment sets flags that were not given: -smtp-user to GOEN_SMTP_USER.
func fromEnvironment(flags *flag.FlagSet) {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	flags.VisitAll(func(f *flag.Flag) {
		name := "GOEN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := os.Getenv(name); value != "" && !given[f.Name] {
			_ = f.Value.Set(value) // text takes any
		}
	})
}

// run works until ctx ends, and then completes what was begun.
func run(ctx context.Context, o options) (err error) {
	shops, err := readShops(o.shops)
	if err != nil {
		return err
	}
	keys, err := readKeys(shops, os.Getenv)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, o.store, o.dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	relay, err := smtp.New(o.smtp, &smtp.Config{Username: o.smtpUser, Password: os.Getenv("GOEN_SMTP_PASSWORD")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	c, err := crm.New(store, relay, &crm.Config{Mode: crm.Mode(o.mode)})
	if err != nil {
		return err
	}
	for _, shop := range shops {
		if err := shop.publish(ctx, c.Shop(shop.ID)); err != nil {
			return err
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	slog.Info("listening", "addr", listener.Addr().String(), "shops", len(shops))
	s := &server{crm: c, keys: keys, logger: slog.Default()}
	return both(ctx, c, func(ctx context.Context) error { return s.serve(ctx, listener) })
}

// both runs the worker beside the server. If one ends, so does the other.
func both(ctx context.Context, c *crm.CRM, serve func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var worker error
	var group sync.WaitGroup
	group.Go(func() {
		defer stop()
		worker = c.Run(ctx)
	})
	err := serve(ctx)
	stop()
	group.Wait()
	return errors.Join(err, worker)
}
