package rfm

import (
	"cmp"
	"slices"
)

// NTile divides a dimension into bins of equal size, as SQL does with NTILE(n)
// over the customers from the worst to the best: where they do not divide
// evenly, the lower bins hold one more, and with fewer customers than bins the
// upper bins stay empty.
//
// Equal values are ordered by their place in the input, the earlier one first,
// so that equal customers may score differently: it is SQL's
// ORDER BY value, customer_id for an input in the order of its ids, and the
// same input gives the same scores. There are no cut points.
type NTile struct {
	// Bins is the number of bins, from 2 to 9. Defaults to 5.
	Bins int
}

func (t NTile) bins() int { return orDefault(t.Bins) }

func (t NTile) check(path string) error { return checkBins(path, t.Bins) }

func (t NTile) score(values []int64, best direction) ([]uint8, Cuts) {
	type item struct {
		key   int64 // key grows from the worst to the best.
		place int
	}
	order := make([]item, len(values))
	for i, v := range values {
		if best == lowest {
			v = ^v // reverses the order of all integers
		}
		order[i] = item{v, i}
	}
	slices.SortFunc(order, func(a, b item) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return a.place - b.place
	})

	scores := make([]uint8, len(values))
	size, larger := len(values)/t.bins(), len(values)%t.bins()
	next := 0
	for bin := range t.bins() {
		end := next + size
		if bin < larger {
			end++
		}
		for ; next < end; next++ {
			scores[order[next].place] = uint8(bin + 1)
		}
	}
	return scores, nil
}
