// Command quickstart replays a year of a shop: real orders, told to goen in
// virtual time, on SQLite, with mails to an SMTP server in the same
// process. At the end it kills the sender three times and counts what became of
// the mails. See README.md for what is real and what is made up.
//
//	go run ./examples/quickstart
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
	"syscall"
	_ "time/tzdata" // so that it runs on machines without time zones
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if text := os.Getenv(childEnv); text != "" {
		err = beChild(ctx, text, os.Stdin, os.Stdout)
	} else {
		err = run(ctx, os.Args[1:], os.Stdout)
	}
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		stop()
		os.Exit(130)
	default:
		stop()
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// Options are the flags.
type options struct {
	database string
	server   string
	data     string
	lang     string
	seed     uint64
	json     bool
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.StringVar(&o.database, "db", "", "keep the database in this new `file` (default: a temporary one)")
	flags.StringVar(&o.server, "smtp", "", "send the mails to this `host:port`, such as Mailpit's, and kill nobody (default: a server in this process)")
	flags.StringVar(&o.data, "data", "", "a `file` in the form of UCI Online Retail, .csv or .csv.gz (default: the slice in testdata)")
	flags.StringVar(&o.lang, "lang", "ja", "the shop's `language`: ja, with yen and Tokyo, or en, with pounds and London")
	flags.Uint64Var(&o.seed, "seed", 1, "`number` that the moments of the kills are drawn by")
	flags.BoolVar(&o.json, "json", false, "print one JSON object and nothing else")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("there are no arguments beside the flags: %q", flags.Args())
	}
	return o, nil
}

// run does all that the program does, and returns an error if anything fails
// or a promise is broken.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	screen := newScreen(out)
	if o.json {
		screen = newScreen(io.Discard)
	}
	show, err := newShow(o, screen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, show.close()) }()
	books, err := show.run(ctx)
	if err != nil {
		return err
	}
	if o.json {
		text, err := json.MarshalIndent(books.figures, "", "  ")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", text); err != nil {
			return err
		}
	}
	return books.check(show.kills())
}
