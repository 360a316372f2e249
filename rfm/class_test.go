package rfm_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/goen-crm/crm/rfm"
)

// TestDefaultClassesAreTotal holds that each of the 125 scores has a class and
// that its class's ranges are part of the published ones.
func TestDefaultClassesAreTotal(t *testing.T) {
	// The published spans of recency and frequency, with 0 read as 1.
	published := map[string]struct{ r, f rfm.Range }{
		"champions":           {rfm.Range{Min: 4, Max: 5}, rfm.Range{Min: 4, Max: 5}},
		"loyal_customers":     {rfm.Range{Min: 2, Max: 5}, rfm.Range{Min: 3, Max: 5}},
		"potential_loyalists": {rfm.Range{Min: 3, Max: 5}, rfm.Range{Min: 1, Max: 3}},
		"new_customers":       {rfm.Range{Min: 4, Max: 5}, rfm.Range{Min: 1, Max: 1}},
		"promising":           {rfm.Range{Min: 3, Max: 4}, rfm.Range{Min: 1, Max: 1}},
		"needs_attention":     {rfm.Range{Min: 2, Max: 3}, rfm.Range{Min: 2, Max: 3}},
		"about_to_sleep":      {rfm.Range{Min: 2, Max: 3}, rfm.Range{Min: 1, Max: 2}},
		"at_risk":             {rfm.Range{Min: 1, Max: 2}, rfm.Range{Min: 2, Max: 5}},
		"cant_lose_them":      {rfm.Range{Min: 1, Max: 1}, rfm.Range{Min: 4, Max: 5}},
		"hibernating":         {rfm.Range{Min: 1, Max: 2}, rfm.Range{Min: 1, Max: 2}},
		"lost":                {rfm.Range{Min: 1, Max: 2}, rfm.Range{Min: 1, Max: 2}},
	}
	classes := rfm.DefaultClasses()
	if err := classes.Validate(5, 5, 5); err != nil {
		t.Fatal(err)
	}
	if len(classes) != 11 {
		t.Errorf("%d classes, want eleven", len(classes))
	}
	scores := map[string]int{}
	for r := 1; r <= 5; r++ {
		for f := 1; f <= 5; f++ {
			for m := 1; m <= 5; m++ {
				s := rfm.Score{R: r, F: f, M: m}
				class, ok := classes.Of(s)
				if !ok {
					t.Errorf("%s is in no class", s)
					continue
				}
				scores[class.ID]++
				if p := published[class.ID]; !p.r.Contains(r) || !p.f.Contains(f) {
					t.Errorf("%s is %s, outside its published span", s, class.ID)
				}
			}
		}
	}
	want := map[string]int{
		"champions": 8, "loyal_customers": 22, "potential_loyalists": 20, "new_customers": 5, "promising": 5,
		"needs_attention": 5, "about_to_sleep": 10, "cant_lose_them": 4, "at_risk": 26, "lost": 5, "hibernating": 15,
	}
	if !reflect.DeepEqual(scores, want) {
		t.Errorf("scores by class: %v, want %v", scores, want)
	}
	for _, c := range classes {
		if c.Name == "" || c.NameJA == "" {
			t.Errorf("%s lacks a name", c.ID)
		}
	}
}

func TestDefaultClassesAreTheCallersOwn(t *testing.T) {
	rfm.DefaultClasses()[0].ID = "changed"
	if got := rfm.DefaultClasses()[0].ID; got != "champions" {
		t.Errorf("a caller's change to the table is seen by the next one: %q", got)
	}
}

func TestClassesValidate(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes rfm.Classes
		want    string
	}{
		{"with a last class for the rest", rfm.Classes{{ID: "best", R: rfm.Range{Min: 5, Max: 5}}, {ID: "others"}}, ""},
		{"empty", rfm.Classes{}, "rfm: Classes has no class for 125 of the scores, the first of them 111"},
		{"with a gap", rfm.Classes{{ID: "old", R: rfm.Range{Min: 1, Max: 4}}}, "rfm: Classes has no class for 25 of the scores, the first of them 511"},
		{"with a class in the shadow", rfm.Classes{{ID: "all"}, {ID: "best", R: rfm.Range{Min: 5, Max: 5}}}, "rfm: Classes[1] (best) can never be reached: those before it take all its scores"},
		{"with an id used twice", rfm.Classes{{ID: "all"}, {ID: "all"}}, `rfm: Classes[1].ID is "all", which is used twice`},
		{"without an id", rfm.Classes{{}}, `rfm: Classes[0].ID is "", not lower snake case`},
		{"with an id in camel case", rfm.Classes{{ID: "atRisk"}}, `rfm: Classes[0].ID is "atRisk", not lower snake case`},
		{"with half a range", rfm.Classes{{ID: "all", F: rfm.Range{Min: 2}}}, "rfm: Classes[0].F is 2 to 0, not a range within 1 to 5"},
		{"beyond the bins", rfm.Classes{{ID: "all", M: rfm.Range{Min: 1, Max: 6}}}, "rfm: Classes[0].M is 1 to 6, not a range within 1 to 5"},
		{"below the bins", rfm.Classes{{ID: "all", R: rfm.Range{Min: 0, Max: 5}}}, "rfm: Classes[0].R is 0 to 5, not a range within 1 to 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := c.classes.Validate(5, 5, 5); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestClassesAsJSON(t *testing.T) {
	data, err := json.Marshal(rfm.DefaultClasses())
	if err != nil {
		t.Fatal(err)
	}
	var back rfm.Classes
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, rfm.DefaultClasses()) {
		t.Errorf("the table changes on its way through JSON: %s", data)
	}
}
