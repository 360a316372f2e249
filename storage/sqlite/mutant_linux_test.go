package sqlite_test

import (
	"testing"

	"github.com/goen-crm/crm/internal/mutant"
)

// A power cut, which is tested on Linux alone, notices what is not synced.
func TestPowerMutants(t *testing.T) {
	mutant.Run(t, []mutant.Mutant{
		{
			Name: "nothing is synced", File: "settings.go",
			Swaps: []mutant.Swap{{"PRAGMA wal_autocheckpoint = 8000", "PRAGMA wal_autocheckpoint = 8000; PRAGMA synchronous = OFF"}},
			Tests: []string{"TestPowerCut/File"},
		},
		{
			Name: "commits are not synced", File: "settings.go",
			Swaps: []mutant.Swap{{"PRAGMA wal_autocheckpoint = 8000", "PRAGMA wal_autocheckpoint = 8000; PRAGMA synchronous = NORMAL"}},
			Tests: []string{"TestPowerCut/File"},
		},
		{
			Name: "the end of a classic journal is not synced", File: "settings.go",
			Swaps: []mutant.Swap{{"synchronousExtra = 3", "synchronousExtra = 2"}},
			Tests: []string{"TestPowerCut/ClassicJournal", "TestPowerCut/CarelessJournal"},
		},
		{
			Name: "a cart's careless settings stay", File: "settings.go",
			Swaps: []mutant.Swap{{"synchronousExtra = 3", "synchronousExtra = 0"}},
			Tests: []string{"TestPowerCut/CarelessJournal", "TestPowerCut/CarelessWAL"},
		},
	})
}
