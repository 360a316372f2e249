// Command cartserver is a small tea shop with goen in it: catalogue, cart,
// checkout, accounts, and pages for the staff. See README.md.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/file"
	"github.com/goen-crm/crm/mailer/smtp"
)

const shopID = "tokyo-tea"

type options struct {
	addr, base, dsn, smtp, outbox string
	worker, server                bool
	speed                         float64
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "localhost:8080", "where to listen")
	flag.StringVar(&o.base, "url", "", "the site's URL, for links in mails (default http://ADDR)")
	flag.StringVar(&o.dsn, "dsn", "shop.db", "a SQLite file, or postgres://…")
	flag.StringVar(&o.smtp, "smtp", "", "the mail server, host:port (default: mails become files)")
	flag.StringVar(&o.outbox, "outbox", "outbox", "the folder for mails that become files")
	flag.BoolVar(&o.worker, "worker", false, "run the worker alone")
	flag.BoolVar(&o.server, "server", false, "run the server alone, with workers elsewhere")
	flag.Float64Var(&o.speed, "speed", 1, "let time pass faster, to try the shop out on a database to throw away")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Fatal(err)
	}
}

// run works until ctx ends, and then completes what was begun.
func run(ctx context.Context, o options) (err error) {
	base, err := trimBase(cmp.Or(o.base, "http://"+o.addr))
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, o.dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	key, err := db.secret(ctx, "opt-out")
	if err != nil {
		return err
	}
	l := links{base: base, key: key}
	post, closeMailer, err := openMailer(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeMailer()) }()
	now := clock(o.speed)
	c, err := crm.New(db.store, signer{post, l}, &crm.Config{Clock: now})
	if err != nil {
		return err
	}
	if err := publish(ctx, c.Shop(shopID), l); err != nil {
		return err
	}
	if o.worker {
		return c.Run(ctx)
	}
	password := cmp.Or(os.Getenv("STAFF_PASSWORD"), rand.Text()[:10])
	s, err := newServer(db, c.Shop(shopID), l, password, now, slog.Default())
	if err != nil {
		return err
	}
	fmt.Printf("shop: %s\nstaff: %s/staff, user staff, password %s\n", base, base, password)
	if o.server {
		return serve(ctx, o.addr, s.routes())
	}
	return both(ctx, c, func(ctx context.Context) error { return serve(ctx, o.addr, s.routes()) })
}

// both runs the worker beside the server. If one ends, so does the other.
func both(ctx context.Context, c *crm.CRM, server func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var worker error
	var group sync.WaitGroup
	group.Go(func() {
		defer stop()
		worker = c.Run(ctx)
	})
	err := server(ctx)
	stop()
	group.Wait()
	return errors.Join(err, worker)
}

// openMailer returns what mails are handed to, and what closes it.
func openMailer(o options) (mailer.Composer, func() error, error) {
	if o.smtp != "" {
		m, err := smtp.New(o.smtp, nil)
		if err != nil {
			return nil, nil, err
		}
		return m, m.Close, nil
	}
	m, err := file.New(o.outbox)
	return m, func() error { return nil }, err
}

// serve answers requests until ctx ends, and then those it has taken.
func serve(ctx context.Context, addr string, h http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		stopped <- server.Shutdown(patience)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// clock is the time, or one that goes faster from now on.
func clock(speed float64) func() time.Time {
	if speed == 1 {
		return time.Now
	}
	start := time.Now()
	return func() time.Time { return start.Add(time.Duration(speed * float64(time.Since(start)))) }
}
