package simulate_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goen-crm/crm/internal/simulate"
)

var (
	seed  = flag.Uint64("seed", 0, "play this seed alone, and tell it step by step")
	from  = flag.Uint64("from", few+1, "the first seed of TestSeeds")
	seeds = flag.Uint64("seeds", 2000, "how many seeds TestSeeds plays")
)

// few seeds are played even in a hurry: the mutants below are found by them.
const few = 300

func play(t *testing.T, seed uint64, verbose bool) *simulate.Outcome {
	t.Helper()
	o, err := simulate.Run(simulate.NewPlan(seed), verbose)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return o
}

// TestFewSeeds plays the first plans, and says which is the first to break a promise.
func TestFewSeeds(t *testing.T) {
	if o := broken(t, 1, few); o != nil {
		blame(t, o)
	}
}

// TestSeeds plays many plans. One that breaks a promise is told, and the
// smallest part of it that still does.
func TestSeeds(t *testing.T) {
	if *seed != 0 {
		o := play(t, *seed, true)
		t.Logf("%s\n%s", o.Plan, o.Trace)
		shrink(t, o)
		return
	}
	if testing.Short() {
		t.Skip("TestFewSeeds plays some")
	}
	if o := broken(t, *from, *seeds); o != nil {
		shrink(t, o)
	}
}

// broken plays n seeds, and returns an outcome in which a promise was broken.
func broken(t *testing.T, from, n uint64) *simulate.Outcome {
	t.Helper()
	began := time.Now()
	var next, steps, mails atomic.Uint64
	var found atomic.Pointer[simulate.Outcome]
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for found.Load() == nil {
				i := next.Add(1) - 1
				if i >= n {
					return
				}
				o, err := simulate.Run(simulate.NewPlan(from+i), false)
				if err != nil {
					t.Errorf("seed %d: %v", from+i, err)
					return
				}
				steps.Add(uint64(o.Steps))
				mails.Add(uint64(o.Mails))
				if len(o.Violations) > 0 {
					found.CompareAndSwap(nil, o)
				}
			}
		})
	}
	group.Wait()
	played := min(n, next.Load())
	t.Logf("%d seeds, %d steps, %d mails: %.0f seeds a minute", played, steps.Load(), mails.Load(), float64(played)/time.Since(began).Minutes())
	return found.Load()
}

// blame fails the test with what was broken.
func blame(t *testing.T, o *simulate.Outcome) {
	t.Helper()
	for _, v := range o.Violations {
		t.Errorf("%s", v)
	}
	if len(o.Violations) > 0 {
		t.Errorf("play it again with: go test ./internal/simulate -run TestSeeds -v -seed %d", o.Plan.Seed)
	}
}

// shrink blames an outcome, and tells the smallest part of it.
func shrink(t *testing.T, o *simulate.Outcome) {
	t.Helper()
	blame(t, o)
	if len(o.Violations) == 0 {
		return
	}
	small, err := simulate.Shrink(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the smallest part of it that still breaks a promise:\n%s\n%s", small.Plan, small.Trace)
	for _, v := range small.Violations {
		t.Logf("%s", v)
	}
}

// TestEqualSeedsPlayEqually: a seed that fails must fail again.
func TestEqualSeedsPlayEqually(t *testing.T) {
	digests := make(map[uint64]bool)
	for s := range uint64(40) {
		a, b := play(t, s, false), play(t, s, true)
		if a.Digest != b.Digest || a.Steps != b.Steps {
			t.Fatalf("seed %d took %d steps to %x, and then %d to %x", s, a.Steps, a.Digest, b.Steps, b.Digest)
		}
		digests[a.Digest] = true
	}
	if len(digests) != 40 {
		t.Errorf("40 seeds played %d different ways", len(digests))
	}
}
