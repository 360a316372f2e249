package mutant

import "testing"

// Only a test that ran to its end and failed has noticed a mutant.
func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		report         report
		passed, failed bool
	}{
		"passed":           {"--- PASS: TestStore (0.10s)\n    --- PASS: TestStore/Fence (0.10s)\nPASS\n", true, false},
		"failed":           {"--- FAIL: TestStore (0.10s)\n    --- FAIL: TestStore/Fence (0.10s)\nFAIL\n", false, true},
		"another failed":   {"--- FAIL: TestStore (0.10s)\n    --- FAIL: TestStore/Fences (0.10s)\nFAIL\n", false, false},
		"skipped":          {"--- SKIP: TestStore/Fence (0.00s)\nPASS\n", false, false},
		"none of the name": {"testing: warning: no tests to run\nPASS\n", false, false},
		"not compiled":     {"lease.go:1:1: undefined: fence\nFAIL\texample.jp/shop [build failed]\n", false, false},
		"hung":             {"--- FAIL: TestStore/Fence (0.10s)\npanic: test timed out after 2m0s\nFAIL\n", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if passed, failed := c.report.passed("TestStore/Fence"), c.report.failed("TestStore/Fence"); passed != c.passed || failed != c.failed {
				t.Errorf("passed %t, failed %t, want %t and %t", passed, failed, c.passed, c.failed)
			}
		})
	}
}
