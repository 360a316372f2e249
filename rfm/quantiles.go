package rfm

import "slices"

// Quantiles divides a dimension at equal shares of its customers, as
// rfm_table_order of the R package rfm does: the k-th of n cut points is the
// quantile k/n of type 7 (Hyndman and Fan 1996) plus one unit, and a bin holds
// the values from its lower cut point up to, but not including, the upper one.
//
// The added unit puts a value that equals a quantile into the bin below it.
// Where most customers bought once, they score 1 in frequency, not 4. Likewise
// a customer alone, or among her equals in everything, scores 1 in F and M, and
// the highest score in R: "511", a new customer.
//
// Cut points are exact for values up to 2⁴⁹ (some 5.6 × 10¹⁴) either way.
type Quantiles struct {
	// Bins is the number of bins, from 2 to 9. Defaults to 5.
	Bins int
}

func (q Quantiles) bins() int { return orDefault(q.Bins) }

func (q Quantiles) check(path string) error { return checkBins(path, q.Bins) }

func (q Quantiles) score(values []int64, best direction) ([]uint8, Cuts) {
	if len(values) == 0 {
		return nil, nil
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := q.bins()
	cuts := make(Cuts, 0, n-1)
	for k := 1; k < n; k++ {
		cuts = append(cuts, quantile(sorted, k, n)+1)
	}
	scores, _ := cuts.score(values, best)
	return scores, cuts
}

// quantile returns the type-7 quantile k/n of sorted, which is not empty: the
// point at k/n of the way from the first value to the last, on the straight
// line between its two neighbours. The position is found in integers and the
// only rounding is that of the final division.
func quantile(sorted []int64, k, n int) float64 {
	at := (len(sorted) - 1) * k
	i, rest := at/n, at%n
	below := float64(sorted[i])
	if rest == 0 {
		return below
	}
	above := float64(sorted[i+1])
	return (below*float64(n) + float64(rest)*(above-below)) / float64(n)
}
