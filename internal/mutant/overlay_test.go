package mutant

import "testing"

// What a mutant replaces must be there, and only once.
func TestChange(t *testing.T) {
	for name, c := range map[string]struct {
		swaps []Swap
		want  string // want is empty if the mutant is refused.
	}{
		"once":             {[]Swap{{"if fenced", "if false"}}, "if false { wait() }; wait()"},
		"one by one":       {[]Swap{{"if fenced { wait() }; ", ""}, {"wait()", "stop()"}}, "stop()"},
		"not there":        {[]Swap{{"if open", "if false"}}, ""},
		"there twice":      {[]Swap{{"wait()", ""}}, ""},
		"not there so far": {[]Swap{{"stop()", ""}, {"wait()", "stop()"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Mutant{Swaps: c.swaps}.change("if fenced { wait() }; wait()")
			if got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}
