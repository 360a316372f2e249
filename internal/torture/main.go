// Command torture kills workers while they work, and audits what came of it.
//
//	go run ./internal/torture -store postgres -workers 4 -minutes 10 -seed 7 -json
//
// A driver tells goen what happened to the customers of several shops, in
// transactions of a cart, some of them long, some rolled back, some told twice.
// Workers, each a process of its own, send the mails that follow from it over
// SMTP. Meanwhile an executioner kills them with a signal that they cannot
// catch, in chosen phases of their work, or stops them until their leases have
// run out; the database is killed and its connections are cut; the mail server
// refuses, hangs up and falls silent at every phase of a conversation. At the
// end workers are left in peace until nothing is due any more.
//
// The audit then compares three things: the driver's ledger, the mail server's
// log, and a model of what had to be sent that is too simple to be wrong. It
// asks goen itself for no more than what waits still, and which attempts are
// listed as unknown. The promise is:
//
//   - every mail that must exist exists once, and was received once, unless an
//     attempt at it is listed as unknown; then a transactional one may arrive
//     twice, and another may not arrive at all;
//   - no mail is begun more than five seconds after the commit of an order, an
//     opt-out or an erasure that takes it back;
//   - at the end nothing waits.
//
// Time does not pass while nobody looks: all processes of a run share a
// [Clock], and now and then the driver moves it on, as if the machines had been
// suspended.
//
// The program writes one JSON object with its figures and ends with status 1 if
// a promise was broken. Its files stay where it says then.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	workerMain()
	os.Exit(run())
}

func run() int {
	store := flag.String("store", "sqlite", "the store: "+strings.Join(storeNames(), ", "))
	workers := flag.Int("workers", 4, "how many worker processes are alive at a time")
	minutes := flag.Float64("minutes", 1, "how long the torture goes on")
	seed := flag.Uint64("seed", 0, "decides what happens and who dies where; 0 means a new way each time")
	keep := flag.String("dir", "", "an empty directory for the run's files, which stay there")
	asJSON := flag.Bool("json", false, "write the figures as JSON to standard output")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 || *minutes <= 0 || !slices.Contains(storeNames(), *store) {
		flag.Usage()
		return 2
	}
	if *seed == 0 {
		*seed = rand.Uint64()>>12 | 1 // JSON's numbers hold 53 bits
	}
	dir, err := *keep, error(nil)
	if dir == "" {
		dir, err = os.MkdirTemp("", "goen-torture-")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := Torture(ctx, Settings{
		Store: *store, Workers: *workers, Duration: time.Duration(*minutes * float64(time.Minute)),
		Seed: *seed, Dir: dir, Progress: os.Stderr,
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "torture: -seed=%d, files in %s: %v\n", *seed, dir, err)
		return 2
	}
	if *asJSON {
		err = json.NewEncoder(os.Stdout).Encode(report)
	} else {
		_, err = fmt.Print(report)
	}
	if report.Broken() {
		fmt.Fprintf(os.Stderr, "torture: broken promises; files in %s\n", dir)
		return 1
	}
	if *keep == "" {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		return 2
	}
	return 0
}
