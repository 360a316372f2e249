package crmtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goen-crm/crm/crmtest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const script = `# A comment stays.
event quiz by=c1 email=hanako@example.jp


order o1 by=c1 email="hanako@@example.jp" tea:1200
show c1
----
outdated

advance 1d
`

const rewritten = `# A comment stays.
event quiz by=c1 email=hanako@example.jp

order o1 by=c1 email="hanako@@example.jp" tea:1200
show c1
----
2026-04-01 10:00  c1  report (unmailable) fact fact-000002
c1, hanako@@example.jp (unmailable)
  bought 1 for 1200 JPY
  order o1 placed, counts since 2026-04-01 10:00 with 1200 JPY

advance 1d
`

func TestRewrite(t *testing.T) {
	path := write(t, script)
	crmtest.RunScript(t, path, &crmtest.ScriptOptions{Rewrite: true})
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != rewritten {
		t.Fatalf("the script became\n%s", got)
	}
	crmtest.RunScript(t, path, nil) // and holds as it is now
}

func TestScriptsThatFail(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"other effects": {script, "script.txt:5: this happened:\n2026"},
		"no effects":    {"advance 1d\n----\nsomething\n", "script.txt:1: this happened:\n\nand not"},
		"new effects":   {"event quiz by=c1\n\nshow c1\n", "script.txt:3: this happened:\nc1, no address"},
		"no command":    {"\n\njump 1d\n", "script.txt:3: jump: no such command"},
		"no quote":      {"event \"quiz by=c1\n", "script.txt:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			got := failure(func(tb crmtest.TB) { crmtest.RunScript(tb, path, nil) })
			if !strings.Contains(got, c.want) {
				t.Errorf("it failed with %q, want %q", got, c.want)
			}
		})
	}
	missing := failure(func(tb crmtest.TB) { crmtest.RunScript(tb, "testdata/missing.txt", nil) })
	if !strings.HasPrefix(missing, "crmtest: open") {
		t.Errorf("a script that is not there: %q", missing)
	}
}
