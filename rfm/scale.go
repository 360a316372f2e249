package rfm

// A Scale holds the cut points of a table: what it takes to score a customer
// who was not in it, or one whose values changed since. It may be stored, as
// JSON for example, and its fields serve as methods of a [Config].
type Scale struct {
	Recency   Cuts `json:"recency"`   // Recency is cut in days.
	Frequency Cuts `json:"frequency"` // Frequency is cut in orders.
	Monetary  Cuts `json:"monetary"`  // Monetary is cut in minor units.
}

// Score returns the score of one customer on the scale. A dimension without cut
// points, as [NTile] and an empty table leave it, scores 0.
func (s Scale) Score(v Values) Score {
	return Score{
		R: s.Recency.scoreOf(int64(v.Recency), lowest),
		F: s.Frequency.scoreOf(int64(v.Frequency), highest),
		M: s.Monetary.scoreOf(v.Monetary, highest),
	}
}
