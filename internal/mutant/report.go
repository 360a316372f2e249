package mutant

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A report is what go test printed.
type report string

// goTest runs tests of the package in a directory, whether they pass or not.
// Nothing is vetted: mutants have dead code. A test that hangs is ended.
func goTest(t *testing.T, dir string, names []string, flags ...string) report {
	t.Helper()
	patterns := make([]string, len(names))
	for i, name := range names {
		levels := strings.Split(name, "/")
		for j := range levels {
			levels[j] = "^" + regexp.QuoteMeta(levels[j]) + "$"
		}
		patterns[i] = strings.Join(levels, "/")
	}
	args := slices.Concat(
		[]string{"test", "-v", "-count=1", "-vet=off", "-timeout=6m", "-run", strings.Join(patterns, "|")}, flags, []string{"./" + dir})
	output, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Fatal(err) // there is no go command
	}
	return report(output)
}

func (r report) passed(name string) bool { return r.says("PASS", name) }

// failed reports whether a test failed by what it looks at. Code that does not
// compile fails no test, and what hangs would be noticed without one.
func (r report) failed(name string) bool {
	return r.says("FAIL", name) && !strings.Contains(string(r), "panic: test timed out")
}

func (r report) says(verdict, name string) bool {
	return regexp.MustCompile(fmt.Sprintf(`(?m)^\s*--- %s: %s \(`, verdict, regexp.QuoteMeta(name))).MatchString(string(r))
}
