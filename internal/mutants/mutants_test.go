package mutants_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A mutant is the module with one rule switched off in one file, and the tests
// that must notice: each of them.
type mutant struct {
	rule  string
	file  string // file is its path in the module.
	swaps []swap
	pkg   string // pkg is the directory of the tests' package.
	tests []string
}

// A swap replaces text that the file holds exactly once.
type swap struct{ old, new string }

// limit bounds one run of the go command. A mutant may hang its test.
const limit = 2 * time.Minute

// TestMutants builds every mutant and demands that its tests fail.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds dozens of mutants: skipped with -short")
	}
	root := moduleRoot(t)
	mutants := slices.Concat(storeMutants(), mailerMutants(), coreMutants())
	t.Run("sound", func(t *testing.T) { sound(t, root, mutants) })
	for _, m := range mutants {
		t.Run(m.rule, func(t *testing.T) {
			t.Parallel()
			m.mustFail(t, root)
		})
	}
}

// sound runs all tests on the module as it is: a test that fails anyway proves
// nothing about a mutant, nor does one that is not there.
func sound(t *testing.T, root string, mutants []mutant) {
	tests := make(map[string][]string)
	for _, m := range mutants {
		tests[m.pkg] = append(tests[m.pkg], m.tests...)
	}
	for pkg, tests := range tests {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			output := goTest(t, root, pkg, tests)
			for _, test := range tests {
				if !verdict("PASS", test).MatchString(output) {
					t.Errorf("%s does not pass\n%s", test, output)
				}
			}
		})
	}
}

func (m mutant) mustFail(t *testing.T, root string) {
	file := filepath.Join(root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mutated := string(source)
	for _, s := range m.swaps {
		if n := strings.Count(mutated, s.old); n != 1 {
			t.Fatalf("%s holds %d times, want once, what the mutant replaces: bring the mutant up to date\n%s", m.file, n, s.old)
		}
		mutated = strings.Replace(mutated, s.old, s.new, 1)
	}
	dir := t.TempDir()
	copied := filepath.Join(dir, filepath.Base(file))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{copied: []byte(mutated), filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	output := goTest(t, root, m.pkg, m.tests, "-overlay", filepath.Join(dir, "overlay.json"))
	for _, test := range m.tests {
		if !verdict("FAIL", test).MatchString(output) {
			t.Errorf("the mutant lives: %s does not fail\n%s", test, output)
		}
	}
}

// goTest runs tests and returns what the go command says, whether they pass or
// not. Nothing is vetted: mutants have dead code.
func goTest(t *testing.T, root, pkg string, tests []string, flags ...string) string {
	var patterns []string
	for _, test := range tests {
		levels := strings.Split(test, "/")
		for i := range levels {
			levels[i] = "^" + regexp.QuoteMeta(levels[i]) + "$"
		}
		patterns = append(patterns, strings.Join(levels, "/"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	args := slices.Concat([]string{"test", "-count=1", "-vet=off", "-v", "-run", strings.Join(patterns, "|")}, flags, []string{"./" + pkg})
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	output, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("go test takes longer than %v\n%s", limit, output)
	}
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err) // the go command is not there
	}
	return string(output)
}

// verdict matches the line that says how a test ended. Its absence may mean
// that the mutant does not compile, which is no failure of the test.
func verdict(word, test string) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(`(?m)^\s*--- %s: %s \(`, word, regexp.QuoteMeta(test)))
}

func moduleRoot(t *testing.T) string {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	return strings.TrimSpace(string(output))
}
