// Package rfm scores customers by recency, frequency and monetary value: how
// lately, how often and for how much each of them bought. It works on plain
// numbers and knows no database, clock or currency.
//
// [NewTable] takes one [Values] a customer and returns a [Table] with each
// customer's [Score], the cut points behind it, the classes (Champions, At
// Risk, …) with their totals, and the recency × frequency matrix of a heat map:
//
//	table, err := rfm.NewTable(values, nil)
//	fmt.Println(table.Scores[0], table.Class(0).Name)
//
// A score is relative: it says where a customer stands among the others. To
// place one more customer without scoring everybody again, keep the table's
// [Scale] and call [Scale.Score].
//
// # Methods
//
// How each dimension is divided is a [Method] of the [Config]: [Quantiles], the
// default, makes bins at equal shares of the customers, as the R package rfm
// does; [NTile] makes bins of equal size, as SQL does; [Cuts] uses thresholds
// of your own ("1 order, 2, 3–4, 5 and more"), or those of an earlier table.
//
// Repeated values are the normal case in frequency, where many customers bought
// once. Quantiles and Cuts give equal values equal scores, so that bins may be
// empty or large; NTile tells equal values apart by their place in the input.
//
// # Sources
//
// Scoring by fifths is A. M. Hughes, Strategic Database Marketing, 1994. The
// cut points are those of rfm_table_order in the R package rfm by A. Hebbali,
// whose published results the tests reproduce, on quantiles of type 7 in
// R. J. Hyndman and Y. Fan, Sample Quantiles in Statistical Packages, The
// American Statistician 50 (1996). The classes are described at
// [DefaultClasses].
package rfm
