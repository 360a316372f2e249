package rfm

// How many bins a dimension may have.
const (
	MinBins     = 2 // MinBins is the fewest bins that tell anybody apart.
	MaxBins     = 9 // MaxBins is the most bins that one digit of a [Score] can name.
	DefaultBins = 5 // DefaultBins is used where a method leaves its bins at zero.
)

// A Method divides the values of one dimension into bins. The methods are
// [Quantiles], [NTile] and [Cuts].
type Method interface {
	// bins returns the number of bins.
	bins() int
	// check returns what is wrong with the method's fields, which it names
	// below the given path, or nil.
	check(path string) error
	// score returns the score of each value, from 1 to bins, and the cut points
	// that part them, or none. It keeps and changes nothing of values.
	score(values []int64, best direction) ([]uint8, Cuts)
}

// A direction says which end of a dimension is good.
type direction bool

const (
	highest direction = false // highest: the more the better.
	lowest  direction = true  // lowest: the fewer the better.
)

// orDefault returns the number of bins that a field asks for.
func orDefault(bins int) int {
	if bins == 0 {
		return DefaultBins
	}
	return bins
}

// checkBins returns an error that names the field below path if the number of
// bins is out of range.
func checkBins(path string, bins int) error {
	if n := orDefault(bins); n < MinBins || n > MaxBins {
		return fieldError(path+".Bins", "is %d, not between %d and %d", bins, MinBins, MaxBins)
	}
	return nil
}
