// Package mutant checks that tests fail when a rule is switched off: a test
// that passes with and without the rule proves nothing.
package mutant

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Mutant is a package with one of its rules broken.
type Mutant struct {
	Name string
	File string // File is the source file that is changed, in the test's own directory.
	Old  string // Old occurs in it exactly once.
	New  string // New takes its place.
	Run  string // Run selects the tests of which one must fail.
}

// Kill runs the tests of the package in whose directory the test runs against
// each mutant, and fails for each that survives.
func Kill(t *testing.T, mutants []Mutant) {
	if testing.Short() {
		t.Skip("builds the package once for each mutant")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not there")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), tool, "test", "-count=1", "-vet=off", "-failfast", "-short",
				"-overlay", m.overlay(t, dir), "-run", m.Run, ".")
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("the tests %s pass without the rule", m.Run)
			case !strings.Contains(string(out), "--- FAIL"):
				t.Errorf("the mutant was not tested: %v\n%s", err, out)
			}
		})
	}
}

// overlay writes the changed file and tells the go command to read it.
func (m Mutant) overlay(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, m.File)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(source), m.Old); n != 1 {
		t.Fatalf("%s holds the text to be changed %d times, want once", m.File, n)
	}
	temp := t.TempDir()
	changed := filepath.Join(temp, m.File)
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.Old, m.New, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
