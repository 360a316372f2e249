package rfm_test

import (
	"errors"
	"math"
	"testing"

	"github.com/goen-crm/crm/rfm"
)

func TestConfigNamesTheField(t *testing.T) {
	for _, c := range []struct {
		config rfm.Config
		field  string
		text   string
	}{
		{rfm.Config{Recency: rfm.Quantiles{Bins: 1}}, "Recency.Bins", "rfm: Recency.Bins is 1, not between 2 and 9"},
		{rfm.Config{Frequency: rfm.NTile{Bins: 10}}, "Frequency.Bins", "rfm: Frequency.Bins is 10, not between 2 and 9"},
		{rfm.Config{Monetary: rfm.Quantiles{Bins: -5}}, "Monetary.Bins", "rfm: Monetary.Bins is -5, not between 2 and 9"},
		{rfm.Config{Recency: rfm.Cuts{}}, "Recency", "rfm: Recency has 0 cut points, not between 1 and 8"},
		{rfm.Config{Recency: make(rfm.Cuts, 9)}, "Recency", "rfm: Recency has 9 cut points, not between 1 and 8"},
		{rfm.Config{Frequency: rfm.Cuts{3, 2}}, "Frequency", "rfm: Frequency has the cut point 2 after 3, not in ascending order"},
		{rfm.Config{Monetary: rfm.Cuts{math.NaN()}}, "Monetary", "rfm: Monetary has the cut point NaN, which is not finite"},
		{rfm.Config{Monetary: rfm.Cuts{1, math.Inf(1)}}, "Monetary", "rfm: Monetary has the cut point +Inf, which is not finite"},
		{rfm.Config{Classes: rfm.Classes{}}, "Classes", "rfm: Classes has no class for 125 of the scores, the first of them 111"},
		{rfm.Config{Recency: rfm.Quantiles{Bins: 4}}, "Classes[0].R", "rfm: Classes[0].R is 4 to 5, not a range within 1 to 4"},
	} {
		table, err := rfm.NewTable(nil, &c.config)
		var field *rfm.FieldError
		if !errors.As(err, &field) || field.Field != c.field || err.Error() != c.text || table != nil {
			t.Errorf("%+v: %v, want %q about %s", c.config, err, c.text, c.field)
		}
		if again := c.config.Validate(); again == nil || again.Error() != c.text {
			t.Errorf("Validate: %v, want %q", again, c.text)
		}
	}
}

func TestZeroAndNilConfigAreTheDefault(t *testing.T) {
	var none *rfm.Config
	if err := none.Validate(); err != nil {
		t.Error(err)
	}
	if err := new(rfm.Config).Validate(); err != nil {
		t.Error(err)
	}
}

func TestCutsBin(t *testing.T) {
	cuts := rfm.Cuts{2, 3, 3, 5.5}
	for value, want := range map[int64]int{math.MinInt64: 1, 1: 1, 2: 2, 3: 4, 5: 4, 6: 5, math.MaxInt64: 5} {
		if got := cuts.Bin(value); got != want {
			t.Errorf("bin of %d: %d, want %d", value, got, want)
		}
	}
}

func TestScoreString(t *testing.T) {
	for score, want := range map[rfm.Score]string{
		{R: 5, F: 4, M: 3}:   "543",
		{R: 9, F: 9, M: 9}:   "999",
		{}:                   "000",
		{R: 10, F: -1, M: 1}: "??1",
	} {
		if got := score.String(); got != want {
			t.Errorf("%+v: %q, want %q", score, got, want)
		}
	}
}

// TestExtremeValues holds that no number makes a score leave its bins.
func TestExtremeValues(t *testing.T) {
	values := []rfm.Values{
		{Recency: math.MinInt, Frequency: math.MinInt, Monetary: math.MinInt64},
		{Recency: math.MaxInt, Frequency: math.MaxInt, Monetary: math.MaxInt64},
		{},
	}
	for _, m := range []rfm.Method{rfm.Quantiles{}, rfm.NTile{}, rfm.Cuts{0, 1, 2, 3}} {
		table := mustTable(t, values, &rfm.Config{Recency: m, Frequency: m, Monetary: m})
		if table.Scores[0].R < table.Scores[2].R || table.Scores[1].R > table.Scores[2].R || table.Scores[0].M > table.Scores[1].M {
			t.Errorf("%T: %v", m, table.Scores)
		}
	}
}
