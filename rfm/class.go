package rfm

import (
	"fmt"
	"iter"
	"regexp"
)

// A Range is a span of scores with both its ends. The zero Range holds every
// score.
type Range struct {
	Min int `json:"min"` // Min is the lowest score in the range, at least 1.
	Max int `json:"max"` // Max is the highest score in the range, at most the number of bins.
}

// Contains reports whether the score lies in the range.
func (r Range) Contains(score int) bool {
	return r == Range{} || r.Min <= score && score <= r.Max
}

// check returns an error that names the field unless the range is zero or lies
// within 1 and bins.
func (r Range) check(field string, bins int) error {
	if r == (Range{}) || 1 <= r.Min && r.Min <= r.Max && r.Max <= bins {
		return nil
	}
	return fieldError(field, "is %d to %d, not a range within 1 to %d", r.Min, r.Max, bins)
}

// A Class is a named region of scores.
type Class struct {
	ID     string `json:"id"`                // ID is lower snake case, such as "at_risk". It does not change.
	Name   string `json:"name,omitempty"`    // Name is what people read.
	NameJA string `json:"name_ja,omitempty"` // NameJA is the name in Japanese.
	R      Range  `json:"r,omitzero"`        // R limits recency. Defaults to every score, as do F and M.
	F      Range  `json:"f,omitzero"`        // F limits frequency.
	M      Range  `json:"m,omitzero"`        // M limits money spent.
}

// Contains reports whether the score lies in all three ranges.
func (c Class) Contains(s Score) bool {
	return c.R.Contains(s.R) && c.F.Contains(s.F) && c.M.Contains(s.M)
}

// Classes is an ordered table of classes: a score belongs to the first one that
// contains it.
type Classes []Class

// Of returns the class of a score. It reports false if no class contains it,
// which does not happen for scores of the size that the table was validated
// for.
func (cs Classes) Of(s Score) (Class, bool) {
	i := cs.index(s)
	if i < 0 {
		return Class{}, false
	}
	return cs[i], true
}

// index returns the place of the first class that contains the score, or -1.
func (cs Classes) index(s Score) int {
	for i, c := range cs {
		if c.Contains(s) {
			return i
		}
	}
	return -1
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Validate returns a [FieldError] unless the table can serve scores of the
// given numbers of bins: every id is in lower snake case and used once, every
// range lies within the bins, every possible score is in some class, and every
// class can be reached past those before it. A table that is to leave scores
// out says so with a last class without ranges: Class{ID: "others"}.
func (cs Classes) Validate(recency, frequency, monetary int) error {
	ids := make(map[string]bool, len(cs))
	for i, c := range cs {
		field := fmt.Sprintf("Classes[%d]", i)
		if !snakeCase.MatchString(c.ID) {
			return fieldError(field+".ID", "is %q, not lower snake case", c.ID)
		}
		if ids[c.ID] {
			return fieldError(field+".ID", "is %q, which is used twice", c.ID)
		}
		ids[c.ID] = true
		if err := c.R.check(field+".R", recency); err != nil {
			return err
		}
		if err := c.F.check(field+".F", frequency); err != nil {
			return err
		}
		if err := c.M.check(field+".M", monetary); err != nil {
			return err
		}
	}
	return cs.checkCover(recency, frequency, monetary)
}

// checkCover returns an error unless every score is in a class and every class
// has a score.
func (cs Classes) checkCover(recency, frequency, monetary int) error {
	reached := make([]bool, len(cs))
	var left []Score
	for s := range allScores(recency, frequency, monetary) {
		if i := cs.index(s); i >= 0 {
			reached[i] = true
		} else {
			left = append(left, s)
		}
	}
	if len(left) > 0 {
		return fieldError("Classes", "has no class for %d of the scores, the first of them %s", len(left), left[0])
	}
	for i, ok := range reached {
		if !ok {
			return fieldError(fmt.Sprintf("Classes[%d]", i), "(%s) can never be reached: those before it take all its scores", cs[i].ID)
		}
	}
	return nil
}

// allScores yields every score there is with the given numbers of bins, from
// 111 upwards.
func allScores(recency, frequency, monetary int) iter.Seq[Score] {
	return func(yield func(Score) bool) {
		for r := 1; r <= recency; r++ {
			for f := 1; f <= frequency; f++ {
				for m := 1; m <= monetary; m++ {
					if !yield(Score{r, f, m}) {
						return
					}
				}
			}
		}
	}
}
