package rfm_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goen-crm/crm/rfm"
)

// mustTable scores values under a config that is known to be good.
func mustTable(tb testing.TB, values []rfm.Values, config *rfm.Config) *rfm.Table {
	tb.Helper()
	table, err := rfm.NewTable(values, config)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

func TestEmptyInput(t *testing.T) {
	for _, config := range []*rfm.Config{
		nil,
		{Recency: rfm.NTile{}, Frequency: rfm.NTile{}, Monetary: rfm.NTile{}},
	} {
		table := mustTable(t, nil, config)
		if len(table.Scores) != 0 || len(table.Classes) != 11 || len(table.Heat) != 5 {
			t.Errorf("table of nobody: %+v", table)
		}
		if got := table.Scale.Score(rfm.Values{}); got != (rfm.Score{}) {
			t.Errorf("a scale without cut points scores %s, want 000", got)
		}
	}
}

func TestOneCustomer(t *testing.T) {
	values := []rfm.Values{{Recency: 30, Frequency: 4, Monetary: 12000}}
	for _, c := range []struct {
		method rfm.Method
		score  string
		class  string
	}{
		{rfm.Quantiles{}, "511", "new_customers"},
		{rfm.NTile{}, "111", "lost"},
	} {
		table := mustTable(t, values, &rfm.Config{Recency: c.method, Frequency: c.method, Monetary: c.method})
		if got, class := table.Scores[0].String(), table.Class(0).ID; got != c.score || class != c.class {
			t.Errorf("%T: %s %s, want %s %s", c.method, got, class, c.score, c.class)
		}
	}
}

func TestAllEqual(t *testing.T) {
	values := slices.Repeat([]rfm.Values{{Recency: 10, Frequency: 1, Monetary: 500}}, 10)

	table := mustTable(t, values, nil)
	for i, s := range table.Scores {
		if s.String() != "511" {
			t.Errorf("quantiles: customer %d scores %s, want 511 like all her equals", i, s)
		}
	}
	if want := (rfm.Cuts{2, 2, 2, 2}); !slices.Equal(table.Scale.Frequency, want) {
		t.Errorf("cut points of frequency: %v, want %v", table.Scale.Frequency, want)
	}

	table = mustTable(t, values, &rfm.Config{Recency: rfm.NTile{}, Frequency: rfm.NTile{}, Monetary: rfm.NTile{}})
	for i, s := range table.Scores {
		if want := i/2 + 1; s != (rfm.Score{R: want, F: want, M: want}) {
			t.Errorf("ntile: customer %d scores %s, want %d by her place in the input", i, s, want)
		}
	}
}

// TestManyBoughtOnce holds what the added unit of the cut points is for.
func TestManyBoughtOnce(t *testing.T) {
	var values []rfm.Values
	for i, orders := range []int{1, 1, 1, 1, 1, 1, 1, 2, 3, 9} {
		values = append(values, rfm.Values{Recency: i, Frequency: orders, Monetary: int64(orders) * 1000})
	}
	var got []int
	for _, s := range mustTable(t, values, nil).Scores {
		got = append(got, s.F)
	}
	if want := []int{1, 1, 1, 1, 1, 1, 1, 4, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("frequency scores %v, want %v: who bought once scores 1", got, want)
	}
}

func TestHeat(t *testing.T) {
	values := []rfm.Values{
		{Recency: 5, Frequency: 1}, {Recency: 5, Frequency: 1}, {Recency: 50, Frequency: 9}, {Recency: 200, Frequency: 9},
	}
	table := mustTable(t, values, &rfm.Config{
		Recency:   rfm.Cuts{30, 90},
		Frequency: rfm.Cuts{2},
		Monetary:  rfm.Cuts{1},
		Classes:   rfm.Classes{{ID: "all"}},
	})
	want := [][]int{{0, 1}, {0, 1}, {2, 0}}
	if !slices.EqualFunc(table.Heat, want, slices.Equal) {
		t.Errorf("heat %v, want %v", table.Heat, want)
	}
	if got := table.Classes[0]; got.Customers != 4 || got.Frequency != 20 {
		t.Errorf("class total %+v, want 4 customers with 20 orders", got)
	}
}

// TestInputIsLeftAlone holds that neither values nor config are changed or kept.
func TestInputIsLeftAlone(t *testing.T) {
	values := []rfm.Values{{Recency: 9, Frequency: 3, Monetary: 7}, {Recency: 1, Frequency: 1, Monetary: 9}}
	before := slices.Clone(values)
	cuts := rfm.Cuts{2, 3, 4, 5}
	table := mustTable(t, values, &rfm.Config{Frequency: cuts})
	if !slices.Equal(values, before) {
		t.Errorf("values became %v", values)
	}
	cuts[0] = 99
	if table.Scale.Frequency[0] != 2 {
		t.Error("the table shares its cut points with the config")
	}
}

func BenchmarkNewTable(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]rfm.Values, 1_000_000)
	for i := range values {
		orders := 1 + int(random.ExpFloat64()*2)
		values[i] = rfm.Values{
			Recency:   random.IntN(1500),
			Frequency: orders,
			Monetary:  int64(orders) * random.Int64N(20_000),
		}
	}
	for _, c := range []struct {
		name   string
		method rfm.Method
	}{
		{"quantiles", rfm.Quantiles{}},
		{"ntile", rfm.NTile{}},
		{"cuts", rfm.Cuts{2, 4, 8, 16}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rfm.NewTable(values, &rfm.Config{Recency: c.method, Frequency: c.method, Monetary: c.method}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
