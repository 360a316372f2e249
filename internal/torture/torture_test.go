package torture_test

import (
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goen-crm/crm/internal/torture"
)

var seed = flag.Uint64("seed", 0, "decide when workers die; 0 means a new way each time")

func TestMain(m *testing.M) {
	torture.WorkerMain()
	goleak.VerifyTestMain(m)
}

// TestKill kills workers with SIGKILL at every phase of their work while 2,000
// mails go out, and audits what arrived.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills dozens of processes: skipped with -short")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed=%d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	ledger := torture.NewLedger(2000)
	d := &torture.Driver{
		Database: filepath.Join(t.TempDir(), "shop.db"), Ledger: ledger,
		Dooms: torture.Dooms(4, random), Workers: 2, Connections: 3,
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	begin := time.Now()
	if err := d.Open(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	report, err := d.Audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	kills := d.Kills()
	total := 0
	for _, m := range slices.Sorted(maps.Keys(kills)) {
		total += kills[m]
		t.Logf("killed at %-8s%3d", m, kills[m])
	}
	t.Logf("%d kills, %d workers, %v", total, d.Started(), time.Since(begin).Round(time.Millisecond))
	for _, v := range report.Violations {
		t.Error(v)
	}
	t.Logf("received %d, twice %d, unknown %d, left unknown %d of which arrived %d, skipped %d",
		report.Received, report.Twice, report.Unknown, report.Left, report.Arrived, report.Skipped)
	// Every mail arrived but those that stayed unknown and did not, and some
	// arrived twice.
	if want := ledger.Mails() - (report.Left - report.Arrived) + report.Twice; report.Received != want {
		t.Errorf("%d mails arrived, want %d", report.Received, want)
	}
	// The torture itself must have hurt: an accepted mail whose sender dies
	// before the answer is unknown, and a transactional one comes again.
	for _, m := range []torture.Moment{torture.AtData, torture.AtReply} {
		if kills[m] < 4 {
			t.Errorf("%d kills at %s, want 4", kills[m], m)
		}
	}
	if report.Unknown < 8 || report.Twice == 0 || report.Arrived == 0 || report.Skipped == 0 {
		t.Error("no worker died where it hurts")
	}
}
