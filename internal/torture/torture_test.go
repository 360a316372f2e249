package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/goen-crm/crm/internal/dbtest"
)

var seed = flag.Uint64("seed", 0, "decides what happens and who dies where; 0 means a new way each time")

// TestTorture is a short run of the program on every store. A long one, with a
// report, is `go run ./internal/torture`.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("kills dozens of processes: skipped with -short")
	}
	if *seed == 0 {
		*seed = rand.Uint64()>>12 | 1
	}
	duration := 15 * time.Second
	if os.Getenv("GOEN_MUTANTS") != "" {
		duration = time.Minute // without the fence some seven mails a minute are late: enough not to miss it
	}
	for _, store := range storeNames() {
		t.Run(store, func(t *testing.T) {
			t.Logf("-seed=%d", *seed)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			dir := t.TempDir()
			report, err := Torture(ctx, Settings{
				Store: store, Workers: 3, Duration: duration, Seed: *seed, Dir: dir, Progress: t.Output(),
			})
			if errors.Is(err, dbtest.ErrMissing) {
				dbtest.Need(t, err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range report.Violations {
				t.Error(v)
			}
			if report.Broken() {
				keep(t, dir)
			}
			report.Violations = nil
			figures, _ := json.Marshal(report)
			t.Logf("%s", figures)
			// The torture itself must have hurt.
			for _, p := range Phases {
				if report.KillsBy[p] == 0 {
					t.Errorf("no worker was killed in phase %s", p)
				}
			}
			if report.Received == 0 || report.Unknown == 0 || report.Takeable == 0 || len(report.Faults) == 0 {
				t.Error("nothing happened that could have hurt")
			}
			if store != "sqlite" && report.Restarts == 0 {
				t.Error("the database was never killed")
			}
		})
	}
}

// keep saves the files of a run that broke a promise, if the environment says
// where.
func keep(t *testing.T, dir string) {
	to := os.Getenv("GOEN_TORTURE_KEEP")
	if to == "" {
		return
	}
	if err := os.CopyFS(filepath.Join(to, filepath.Base(t.Name())), os.DirFS(dir)); err != nil {
		t.Error(err)
	}
}
