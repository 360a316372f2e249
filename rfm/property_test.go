package rfm_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm/rfm"
)

// The references below are deliberately dumb: they look at every pair of
// customers, in exact fractions, and share no code with the package.

// slowQuantileBin returns the bin of value among the n quantile bins of all.
func slowQuantileBin(all []int64, value int64, n int) int {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	bin := 1
	for k := 1; k < n; k++ {
		h := big.NewRat(int64(len(all)-1)*int64(k), int64(n)) // position, from 0
		i := int(new(big.Int).Quo(h.Num(), h.Denom()).Int64())
		q := big.NewRat(sorted[i], 1)
		if i+1 < len(sorted) {
			part := new(big.Rat).Sub(h, big.NewRat(int64(i), 1))
			step := new(big.Rat).Sub(big.NewRat(sorted[i+1], 1), q)
			q.Add(q, part.Mul(part, step))
		}
		if q.Add(q, big.NewRat(1, 1)).Cmp(big.NewRat(value, 1)) <= 0 {
			bin++
		}
	}
	return bin
}

// slowNTile returns the NTILE(n) of the customer at place i: those ahead of her
// are counted, and the bins are filled one customer at a time.
func slowNTile(all []int64, i, n int) int {
	ahead := 0
	for j, v := range all {
		if v < all[i] || v == all[i] && j < i {
			ahead++
		}
	}
	sizes := make([]int, n)
	for j := range all {
		sizes[j%n]++
	}
	for bin, size := range sizes {
		if ahead < size {
			return bin + 1
		}
		ahead -= size
	}
	panic("unreachable")
}

// drawValues draws customers with few distinct values, so that ties abound, or
// with many.
func drawValues(t *rapid.T) []rfm.Values {
	limit := rapid.SampledFrom([]int{1, 3, 50, 1 << 30}).Draw(t, "limit")
	number := rapid.IntRange(-limit, limit)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rfm.Values {
		return rfm.Values{
			Recency:   number.Draw(t, "recency"),
			Frequency: number.Draw(t, "frequency"),
			Monetary:  int64(number.Draw(t, "monetary")) * 1001,
		}
	}), 0, 60).Draw(t, "values")
}

// columns returns the three dimensions, with recency as it is and negated.
func columns(values []rfm.Values) (recency, negated, frequency, monetary []int64) {
	for _, v := range values {
		recency = append(recency, int64(v.Recency))
		negated = append(negated, -int64(v.Recency))
		frequency = append(frequency, int64(v.Frequency))
		monetary = append(monetary, v.Monetary)
	}
	return recency, negated, frequency, monetary
}

var anyClass = rfm.Classes{{ID: "all"}}

func TestQuantilesAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		n := rapid.IntRange(rfm.MinBins, rfm.MaxBins).Draw(t, "bins")
		q := rfm.Quantiles{Bins: n}
		table, err := rfm.NewTable(values, &rfm.Config{Recency: q, Frequency: q, Monetary: q, Classes: anyClass})
		if err != nil {
			t.Fatal(err)
		}
		recency, _, frequency, monetary := columns(values)
		for i, got := range table.Scores {
			want := rfm.Score{
				R: n + 1 - slowQuantileBin(recency, recency[i], n),
				F: slowQuantileBin(frequency, frequency[i], n),
				M: slowQuantileBin(monetary, monetary[i], n),
			}
			if got != want {
				t.Fatalf("customer %d of %v: %s, want %s", i, values, got, want)
			}
			if again := table.Scale.Score(values[i]); again != got {
				t.Fatalf("customer %d: %s on the table's scale, %s in the table", i, again, got)
			}
		}
	})
}

func TestNTileAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		n := rapid.IntRange(rfm.MinBins, rfm.MaxBins).Draw(t, "bins")
		m := rfm.NTile{Bins: n}
		table, err := rfm.NewTable(values, &rfm.Config{Recency: m, Frequency: m, Monetary: m, Classes: anyClass})
		if err != nil {
			t.Fatal(err)
		}
		_, negated, frequency, monetary := columns(values)
		for i, got := range table.Scores {
			want := rfm.Score{R: slowNTile(negated, i, n), F: slowNTile(frequency, i, n), M: slowNTile(monetary, i, n)}
			if got != want {
				t.Fatalf("customer %d of %v: %s, want %s", i, values, got, want)
			}
		}
	})
}

// TestTableAddsUp compares totals and heat map with a count over the customers.
func TestTableAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		method := rapid.SampledFrom([]rfm.Method{rfm.Quantiles{}, rfm.NTile{}, rfm.Cuts{-2, 0, 0, 1e6}}).Draw(t, "method")
		table, err := rfm.NewTable(values, &rfm.Config{Recency: method, Frequency: method, Monetary: method})
		if err != nil {
			t.Fatal(err)
		}
		customers := map[string]int{}
		cells := map[string]int{}
		for i, s := range table.Scores {
			customers[table.Class(i).ID]++
			cells[fmt.Sprint(s.R, s.F)]++
			if class, ok := rfm.DefaultClasses().Of(s); !ok || class != table.Class(i) {
				t.Fatalf("%s is %v by its table, %v by its score", s, table.Class(i), class)
			}
		}
		for _, total := range table.Classes {
			if total.Customers != customers[total.Class.ID] {
				t.Fatalf("%s: %d customers, want %d", total.Class.ID, total.Customers, customers[total.Class.ID])
			}
		}
		for r, row := range table.Heat {
			for f, n := range row {
				if want := cells[fmt.Sprint(r+1, f+1)]; n != want {
					t.Fatalf("R %d F %d: %d customers, want %d", r+1, f+1, n, want)
				}
			}
		}
	})
}

// TestBetterValuesNeverScoreLower holds for every method that gives equal
// values equal scores.
func TestBetterValuesNeverScoreLower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := drawValues(t)
		method := rapid.SampledFrom([]rfm.Method{rfm.Quantiles{}, rfm.Cuts{-2, 0, 0, 1e6}}).Draw(t, "method")
		table, err := rfm.NewTable(values, &rfm.Config{Recency: method, Frequency: method, Monetary: method})
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range values {
			for j, b := range values {
				sa, sb := table.Scores[i], table.Scores[j]
				if a.Recency <= b.Recency && sa.R < sb.R || a.Frequency >= b.Frequency && sa.F < sb.F || a.Monetary >= b.Monetary && sa.M < sb.M {
					t.Fatalf("%+v scores %s, %+v scores %s", a, sa, b, sb)
				}
			}
		}
	})
}
