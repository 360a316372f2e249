package rfm

import "math"

// Cuts divides a dimension at fixed points: n cut points make n+1 bins, and a
// bin holds the values from its lower cut point up to, but not including, the
// upper one. Cuts{2, 3, 5, 10} on frequency reads: once, twice, 3–4, 5–9, 10
// orders and more. Recency is cut in days like the others, in ascending order,
// although its lowest bin scores highest.
//
// As a [Method] it needs 1 to 8 points, finite and in ascending order; equal
// neighbours leave the bin between them empty. Comparison is exact for values
// up to 2⁵³ either way.
type Cuts []float64

// Bin returns the bin of value, counted from the lowest as 1. Without cut
// points it returns 0.
func (c Cuts) Bin(value int64) int {
	if len(c) == 0 {
		return 0
	}
	bin, v := 1, float64(value)
	for _, cut := range c {
		if v >= cut {
			bin++
		}
	}
	return bin
}

// scoreOf returns the score of one value: its bin, counted from the bad end.
func (c Cuts) scoreOf(value int64, best direction) int {
	bin := c.Bin(value)
	if best == lowest && bin > 0 {
		return c.bins() + 1 - bin
	}
	return bin
}

func (c Cuts) bins() int { return len(c) + 1 }

func (c Cuts) check(path string) error {
	if n := len(c); n < MinBins-1 || n > MaxBins-1 {
		return fieldError(path, "has %d cut points, not between %d and %d", n, MinBins-1, MaxBins-1)
	}
	for i, cut := range c {
		if math.IsNaN(cut) || math.IsInf(cut, 0) {
			return fieldError(path, "has the cut point %v, which is not finite", cut)
		}
		if i > 0 && cut < c[i-1] {
			return fieldError(path, "has the cut point %v after %v, not in ascending order", cut, c[i-1])
		}
	}
	return nil
}

func (c Cuts) score(values []int64, best direction) ([]uint8, Cuts) {
	scores := make([]uint8, len(values))
	for i, v := range values {
		scores[i] = uint8(c.scoreOf(v, best))
	}
	return scores, c
}
