package main

import (
	"context"
	"runtime/pprof"
	"slices"
	"time"
)

// The parts of a run, as a profile labels them. What is not labelled is setup.
const (
	partGoen     = "goen"
	partFloor    = "floor"
	partDelivery = "delivery"
	partFold     = "fold"
)

// timed runs what is measured, and returns how long it took. Goroutines that it
// starts carry the part's label.
func timed(ctx context.Context, part string, do func(context.Context) error) (took time.Duration, err error) {
	pprof.Do(ctx, pprof.Labels("part", part), func(ctx context.Context) {
		began := time.Now()
		err = do(ctx)
		took = time.Since(began)
	})
	return took, err
}

// rate is how many there were a second.
func rate(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

// samples are what several rounds measured.
type samples []float64

func (s *samples) add(v float64) { *s = append(*s, v) }

func (s samples) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
