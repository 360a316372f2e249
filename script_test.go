package crm_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
	"github.com/goen-crm/crm/storage/sqlite"
)

var rewrite = flag.Bool("rewrite", false, "write what happened into the scripts of testdata")

// stores are those that every script must come out the same on. The first one
// is the one that scripts are rewritten by.
var stores = []struct {
	name string
	open func(*testing.T) crm.Store
}{
	{"memory", func(*testing.T) crm.Store { return memory.New() }},
	{"sqlite", openSQLite},
}

func openSQLite(t *testing.T) crm.Store {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestJourneys runs the scripts of testdata/journey, which are the
// specification of what journeys do.
func TestJourneys(t *testing.T) {
	scripts, err := filepath.Glob("testdata/journey/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for i, store := range stores {
		if *rewrite && i > 0 {
			break
		}
		t.Run(store.name, func(t *testing.T) {
			for _, path := range scripts {
				t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
					t.Parallel()
					crmtest.RunScript(t, path, &crmtest.ScriptOptions{
						Options: crmtest.Options{Store: store.open(t)}, Rewrite: *rewrite,
					})
				})
			}
		})
	}
}
