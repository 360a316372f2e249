package rfm

import "slices"

// A Table is the outcome of scoring many customers together. The caller may
// read its fields from several goroutines, and owns them.
type Table struct {
	// Scores holds one score a customer, in the order of the input.
	Scores []Score

	// Scale holds the cut points, empty for [NTile] and for an empty input.
	Scale Scale

	// Classes holds the totals of each class in the order of the class table,
	// with those nobody is in.
	Classes []ClassTotal

	// Heat counts customers by recency and frequency: Heat[r-1][f-1] is the
	// number of those with R = r and F = f.
	Heat [][]int

	class map[Score]int // class is the place in Classes of every possible score.
}

// A ClassTotal sums up the customers of one class.
type ClassTotal struct {
	Class     Class
	Customers int   // Customers is how many there are.
	Frequency int64 // Frequency is the sum of their orders.
	Monetary  int64 // Monetary is the sum of what they spent, in minor units.
}

// NewTable scores all customers together and classes each of them. A nil config
// asks for the defaults. The one error is a [FieldError] about the config; an
// empty input gives an empty table. It sorts each dimension once, and keeps
// neither values nor config.
func NewTable(values []Values, config *Config) (*Table, error) {
	c := config.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	t := &Table{Scores: make([]Score, len(values))}
	for _, d := range []struct {
		method Method
		best   direction
		value  func(Values) int64
		score  func(*Score) *int
		cuts   *Cuts
	}{
		{c.Recency, lowest, func(v Values) int64 { return int64(v.Recency) }, func(s *Score) *int { return &s.R }, &t.Scale.Recency},
		{c.Frequency, highest, func(v Values) int64 { return int64(v.Frequency) }, func(s *Score) *int { return &s.F }, &t.Scale.Frequency},
		{c.Monetary, highest, func(v Values) int64 { return v.Monetary }, func(s *Score) *int { return &s.M }, &t.Scale.Monetary},
	} {
		column := make([]int64, len(values))
		for i, v := range values {
			column[i] = d.value(v)
		}
		scores, cuts := d.method.score(column, d.best)
		for i, score := range scores {
			*d.score(&t.Scores[i]) = int(score)
		}
		*d.cuts = slices.Clone(cuts)
	}
	t.total(c, values)
	return t, nil
}

// total fills in classes and heat map.
func (t *Table) total(c Config, values []Values) {
	t.Heat = make([][]int, c.Recency.bins())
	for r := range t.Heat {
		t.Heat[r] = make([]int, c.Frequency.bins())
	}
	t.Classes = make([]ClassTotal, len(c.Classes))
	for i, class := range c.Classes {
		t.Classes[i].Class = class
	}
	t.class = make(map[Score]int)
	for s := range allScores(c.Recency.bins(), c.Frequency.bins(), c.Monetary.bins()) {
		t.class[s] = c.Classes.index(s)
	}
	for i, s := range t.Scores {
		t.Heat[s.R-1][s.F-1]++
		class := &t.Classes[t.class[s]]
		class.Customers++
		class.Frequency += int64(values[i].Frequency)
		class.Monetary += values[i].Monetary
	}
}

// Class returns the class of the i-th customer.
func (t *Table) Class(i int) Class {
	return t.Classes[t.class[t.Scores[i]]].Class
}
