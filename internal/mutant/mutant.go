// Package mutant proves that tests can fail. A mutant is the code with one rule
// switched off, and the tests that are there for the rule must notice it: a
// test that passes with and without its rule proves nothing.
//
// The tests of this package run the mutants of the core, the worker and the
// mailer; a store's are in its own package.
package mutant

import (
	"os"
	"slices"
	"testing"
)

// A Mutant is a source file with one rule switched off. Directories are as seen
// from the package whose test calls [Run].
type Mutant struct {
	Name    string   // Name says what is wrong with it.
	File    string   // File is the source that is changed.
	Swaps   []Swap   // Swaps are made one after the other.
	Package string   // Package is the directory of the tests, by default the caller's own.
	Tests   []string // Tests must fail, each of them. A subtest is named as go test does: TestStore/Fence.
}

// A Swap is a text that the file holds exactly once, and what takes its place.
type Swap [2]string

// atOnce is how many mutants are built and tested at once. The go command keeps
// several processors busy by itself.
const atOnce = 2

// Run demands that every mutant's tests fail with the mutant and pass without
// it. It takes minutes, so it does nothing unless the environment has
// GOEN_MUTANTS set, as make mutants does.
func Run(t *testing.T, mutants []Mutant) {
	t.Helper()
	if os.Getenv("GOEN_MUTANTS") == "" {
		t.Skip("mutants are built and tested by make mutants")
	}
	t.Run("sound", func(t *testing.T) { sound(t, mutants) })
	slots := make(chan struct{}, atOnce)
	for _, m := range mutants {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			m.mustFail(t)
		})
	}
}

// sound runs the tests on the code as it is: a test that fails anyway, or that
// is not there, proves nothing about a mutant.
func sound(t *testing.T, mutants []Mutant) {
	tests := make(map[string][]string)
	for _, m := range mutants {
		tests[m.Package] = append(tests[m.Package], m.Tests...)
	}
	for dir, names := range tests {
		slices.Sort(names)
		names = slices.Compact(names)
		report := goTest(t, dir, names)
		for _, name := range names {
			if !report.passed(name) {
				t.Errorf("%s does not pass\n%s", name, report)
			}
		}
	}
}

func (m Mutant) mustFail(t *testing.T) {
	overlay, err := m.overlay(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	report := goTest(t, m.Package, m.Tests, "-overlay", overlay)
	for _, name := range m.Tests {
		if !report.failed(name) {
			t.Errorf("%s does not fail with the mutant\n%s", name, report)
		}
	}
}
