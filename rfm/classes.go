package rfm

// DefaultClasses returns the well-known eleven classes, for five bins in each
// dimension, in a slice of the caller's own. Every score is in exactly one of
// them, and on the recency × frequency matrix they read:
//
//	       F 1             F 2                  F 3                  F 4–5
//	R 5    new_customers   potential_loyalists  potential_loyalists  champions or loyal_customers
//	R 4    promising       potential_loyalists  potential_loyalists  champions or loyal_customers
//	R 3    about_to_sleep  about_to_sleep       needs_attention      loyal_customers
//	R 2    hibernating     hibernating          at_risk              at_risk
//	R 1    lost            hibernating          at_risk              cant_lose_them or at_risk
//
// where the first of two has M 4–5 and the second the rest.
//
// The names, and the span of R and F within which each class stays, are those
// of the segment table that Putler published for RFM and that the examples of
// the R package rfm (0.2, rfm_segment) repeat without hibernating. The spans
// overlap there, so that some segments could hold nobody and the outcome hung
// on their order; here each is narrowed to a part of its own. Money decides
// where the segment's description speaks of the biggest spenders, and nowhere
// else: a new customer is one whether her first order was small or large.
func DefaultClasses() Classes {
	return Classes{
		{ID: "champions", Name: "Champions", NameJA: "最優良顧客", R: Range{4, 5}, F: Range{4, 5}, M: Range{4, 5}},
		{ID: "loyal_customers", Name: "Loyal Customers", NameJA: "ロイヤル顧客", R: Range{3, 5}, F: Range{4, 5}},
		{ID: "potential_loyalists", Name: "Potential Loyalists", NameJA: "ロイヤル候補", R: Range{4, 5}, F: Range{2, 3}},
		{ID: "new_customers", Name: "New Customers", NameJA: "新規顧客", R: Range{5, 5}, F: Range{1, 1}},
		{ID: "promising", Name: "Promising", NameJA: "有望顧客", R: Range{4, 4}, F: Range{1, 1}},
		{ID: "needs_attention", Name: "Customers Needing Attention", NameJA: "要注意顧客", R: Range{3, 3}, F: Range{3, 3}},
		{ID: "about_to_sleep", Name: "About To Sleep", NameJA: "休眠予備軍", R: Range{3, 3}, F: Range{1, 2}},
		{ID: "cant_lose_them", Name: "Can't Lose Them", NameJA: "失えない顧客", R: Range{1, 1}, F: Range{4, 5}, M: Range{4, 5}},
		{ID: "at_risk", Name: "At Risk", NameJA: "離反の恐れ", R: Range{1, 2}, F: Range{3, 5}},
		{ID: "lost", Name: "Lost", NameJA: "離反顧客", R: Range{1, 1}, F: Range{1, 1}},
		{ID: "hibernating", Name: "Hibernating", NameJA: "休眠顧客", R: Range{1, 2}, F: Range{1, 2}},
	}
}
