package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"
)

// workerEnv and the one after it make the test binary a worker on a database.
const (
	workerEnv  = "CARTSERVER_TEST_DSN"
	addressEnv = "CARTSERVER_TEST_ADDRESSES" // the site's URL and the mail server
)

func beWorker(dsn string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	url, post, _ := strings.Cut(os.Getenv(addressEnv), " ")
	if err := run(ctx, options{base: url, smtp: post, dsn: dsn, worker: true, speed: 1}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// startWorker starts the program as a worker of its own, which ends when the
// test does, and in order.
func (w *world) startWorker() {
	w.Helper()
	program, err := os.Executable()
	w.must(err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), workerEnv+"="+w.dsn, addressEnv+"="+w.url+" "+w.post.Addr)
	cmd.Stderr = w.Output()
	w.must(cmd.Start())
	w.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			w.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			w.Errorf("a worker ended with %v", err)
		}
	})
}

// Two workers beside the server send each mail once, while customers order.
func TestTwoWorkersSendOnce(t *testing.T) {
	everyDatabase(t, func(w *world) {
		w.clock.Set(time.Now()) // the workers have a clock of their own
		for range 2 {
			w.startWorker()
		}
		const visitors, orders = 4, 5
		var group sync.WaitGroup
		for i := range visitors {
			group.Go(func() {
				for n := range orders {
					b := w.browser("ja")
					b.send("/cart/sencha", nil)
					b.contact(fmt.Sprintf("v%d-%d@example.jp", i, n))
					b.order("card")
				}
			})
		}
		group.Wait()
		end := time.Now().Add(time.Minute)
		for w.post.Len() < visitors*orders && time.Now().Before(end) {
			time.Sleep(10 * time.Millisecond)
		}
		to := make(map[string]int)
		for _, m := range w.mails() {
			to[m.To.Email]++
			contains(t, m.Subject, "ご注文ありがとうございます")
		}
		for address, n := range to {
			if n != 1 {
				t.Errorf("%s got %d mails", address, n)
			}
		}
		if len(to) != visitors*orders {
			t.Errorf("%d customers got mail, want %d", len(to), visitors*orders)
		}
	})
}
