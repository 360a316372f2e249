package rfm

// Values are what one customer is scored by. Any number is accepted; a future
// last order makes Recency negative, refunds may make Monetary so.
type Values struct {
	Recency   int   // Recency is the number of days since the last order. Fewer score higher.
	Frequency int   // Frequency is the number of orders.
	Monetary  int64 // Monetary is the money spent, in minor units (yen, pence).
}

// A Score places a customer in each dimension, from 1, the worst, to the number
// of bins, the best. Zero stands for a dimension without a score, which only
// [Scale.Score] returns.
type Score struct {
	R int `json:"r"` // R is the score of recency.
	F int `json:"f"` // F is the score of frequency.
	M int `json:"m"` // M is the score of money spent.
}

// String returns the three digits in the order R, F, M, such as "543".
func (s Score) String() string {
	return string([]byte{digit(s.R), digit(s.F), digit(s.M)})
}

// digit returns the digit of a score, and '?' for a number that is none.
func digit(score int) byte {
	if score < 0 || score > MaxBins {
		return '?'
	}
	return '0' + byte(score)
}
