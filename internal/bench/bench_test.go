package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/goen-crm/crm/internal/dbtest"
)

// The memory scenario runs this program once more.
func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := beChild(context.Background(), text); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny sizes: what is looked at is that each scenario does its work.
var tiny = map[string]string{
	"journeys": "-customers 40 -messages 10 -batch-size 16",
	"ingest":   "-facts 40 -batch 10",
	"due":      "-waiting 20000 -small 400",
	"churn":    "-steps 1000",
	"shops":    "-shops 20 -busy 3",
	"import":   "-orders 40 -batch 15",
	"memory":   "-backlog 40",
}

func TestScenarios(t *testing.T) {
	for store, server := range map[string]func(testing.TB) *dbtest.Server{
		"sqlite": nil, "postgres": dbtest.Postgres, "mysql": dbtest.MariaDB,
	} {
		t.Run(store, func(t *testing.T) {
			if server != nil {
				dsn, err := server(t).Database(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				t.Setenv("GOEN_TEST_"+strings.ToUpper(store), dsn) // one server for all scenarios
			}
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) {
					args := append([]string{s.name, "-store", store, "-rounds", "1", "-json"}, strings.Fields(tiny[s.name])...)
					var out bytes.Buffer
					err := run(t.Context(), args, &out)
					switch {
					case errors.Is(err, errNoPeak):
						t.Skip(err)
					case err != nil:
						t.Fatal(err)
					}
					result := make(map[string]any)
					if err := json.Unmarshal(out.Bytes(), &result); err != nil {
						t.Fatalf("%v: %s", err, out.Bytes())
					}
					if result["scenario"] != s.name || len(result) < 5 {
						t.Errorf("the result is %v", result)
					}
				})
			}
		})
	}
}

func TestUnknownScenario(t *testing.T) {
	for _, args := range [][]string{nil, {"juggling"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "journeys") {
			t.Errorf("%q: error %v does not name the scenarios", args, err)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, of := range map[float64]samples{0: {}, 3: {3}, 2.5: {4, 1, 2, 3}, 2: {2, 9, 1}} {
		if got := of.median(); got != want {
			t.Errorf("the median of %v is %v, not %v", of, got, want)
		}
	}
}
