package crm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A Step is one thing that a journey does: [Send], [Wait], [Branch] or [GoTo].
// Every step has an id that is unique in its journey.
type Step interface {
	// StepID is the step's id.
	StepID() string
	stepType() string
	check(*check, *Ladder)
}

// Steps are done one after the other.
type Steps []Step

// Send queues one mail.
type Send struct {
	ID       string // ID defaults to Template.
	Template string // Template is the id of a published template; its newest version is used.
	// MaxLateness is how long after its time the mail may still go out; later
	// it is skipped. Defaults to 24 hours; 1 minute to 90 days.
	MaxLateness time.Duration
}

// Wait lets time pass. Exactly one of For and Days is set.
type Wait struct {
	ID  string
	For time.Duration // For is 1 minute to 10 years.
	// Days is 1 to 3660 calendar days: the wait ends at the same time of day
	// in the customer's time zone, whatever the clocks do in between.
	Days int
}

// Branch goes on with the steps of the first case whose rule holds, or with
// Else if none does, and then with what follows the branch.
type Branch struct {
	ID    string
	Cases []Case
	Else  Steps
}

// A Case is one way of a [Branch].
type Case struct {
	If   Rule
	Then Steps
}

// GoTo goes on with another step of the journey. A loop made with it must pass
// a wait, and comes round at most [MaxVisits] times.
type GoTo struct {
	ID   string
	Step string // Step is the id of the step to go to.
}

// MaxVisits is how often a run may come to one step.
const MaxVisits = 1000

// defaultLateness is Send's MaxLateness where none is given.
const defaultLateness = 24 * time.Hour

// StepID is s.ID, or the template's id where that is empty.
func (s Send) StepID() string {
	if s.ID == "" {
		return s.Template
	}
	return s.ID
}

// StepID is s.ID.
func (s Wait) StepID() string { return s.ID }

// StepID is s.ID.
func (s Branch) StepID() string { return s.ID }

// StepID is s.ID.
func (s GoTo) StepID() string { return s.ID }

func (Send) stepType() string   { return "send" }
func (Wait) stepType() string   { return "wait" }
func (Branch) stepType() string { return "branch" }
func (GoTo) stepType() string   { return "goto" }

func (s Send) lateness() time.Duration {
	if s.MaxLateness == 0 {
		return defaultLateness
	}
	return s.MaxLateness
}

func (s Send) check(c *check, _ *Ladder) {
	c.id("Template", s.Template)
	if s.MaxLateness != 0 && (s.MaxLateness < time.Minute || s.MaxLateness > 90*24*time.Hour) {
		c.addf("MaxLateness", ErrRange, "must be 1 minute to 90 days")
	}
}

func (s Wait) check(c *check, _ *Ladder) {
	switch {
	case (s.For != 0) == (s.Days != 0):
		c.addf("For", ErrRequired, "or Days must be set, and not both")
	case s.For != 0 && (s.For < time.Minute || s.For > 10*365*24*time.Hour):
		c.addf("For", ErrRange, "must be 1 minute to 10 years")
	case s.Days < 0 || s.Days > 3660:
		c.addf("Days", ErrRange, "must be 1 to 3660")
	}
}

func (s Branch) check(c *check, ladder *Ladder) {
	if len(s.Cases) == 0 {
		c.add("Cases", ErrRequired)
	}
	c.each("Cases", len(s.Cases), func(i int) {
		c.in("If", func() { s.Cases[i].If.check(c, ladder, 0) })
	})
}

func (s GoTo) check(c *check, _ *Ladder) { c.id("Step", s.Step) }

// stepJSON is the JSON form of every step; Type says which fields count.
type stepJSON struct {
	Type        string     `json:"type"`
	ID          string     `json:"id,omitempty"`
	Template    string     `json:"template,omitempty"`
	MaxLateness string     `json:"max_lateness,omitempty"`
	For         string     `json:"for,omitempty"`
	Days        int        `json:"days,omitempty"`
	Cases       []caseJSON `json:"cases,omitempty"`
	Else        Steps      `json:"else,omitempty"`
	Step        string     `json:"step,omitempty"`
}

type caseJSON struct {
	If   Rule  `json:"if"`
	Then Steps `json:"then"`
}

// MarshalJSON writes the steps as objects with a "type".
func (s Steps) MarshalJSON() ([]byte, error) {
	list := make([]stepJSON, len(s))
	for i, step := range s {
		if step == nil {
			return nil, &FieldError{Field: fmt.Sprintf("Steps[%d]", i), Err: ErrRequired}
		}
		out := stepJSON{Type: step.stepType()}
		switch step := step.(type) {
		case Send:
			out.ID, out.Template, out.MaxLateness = step.ID, step.Template, durationText(step.MaxLateness)
		case Wait:
			out.ID, out.For, out.Days = step.ID, durationText(step.For), step.Days
		case Branch:
			out.ID, out.Else = step.ID, step.Else
			for _, c := range step.Cases {
				out.Cases = append(out.Cases, caseJSON(c))
			}
		case GoTo:
			out.ID, out.Step = step.ID, step.Step
		}
		list[i] = out
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Steps) UnmarshalJSON(b []byte) error {
	var list []stepJSON
	if err := decodeStrict(b, &list); err != nil {
		return err
	}
	*s = nil
	for i, in := range list {
		var step Step
		switch in.Type {
		case Send{}.stepType():
			late, err := parseDuration("max_lateness", in.MaxLateness)
			if err != nil {
				return err
			}
			step = Send{ID: in.ID, Template: in.Template, MaxLateness: late}
		case Wait{}.stepType():
			d, err := parseDuration("for", in.For)
			if err != nil {
				return err
			}
			step = Wait{ID: in.ID, For: d, Days: in.Days}
		case Branch{}.stepType():
			branch := Branch{ID: in.ID, Else: in.Else}
			for _, c := range in.Cases {
				branch.Cases = append(branch.Cases, Case(c))
			}
			step = branch
		case GoTo{}.stepType():
			step = GoTo{ID: in.ID, Step: in.Step}
		default:
			return &FieldError{Field: fmt.Sprintf("Steps[%d].Type", i), Err: ErrUnknown}
		}
		*s = append(*s, step)
	}
	return nil
}

// decodeStrict decodes one JSON value and refuses fields that v does not have.
func decodeStrict(b []byte, v any) error {
	if nesting(b) > maxNesting {
		return &FieldError{Field: "JSON", Problem: fmt.Sprintf("nests deeper than %d", maxNesting), Err: ErrRange}
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errTrailing
	}
	return nil
}

// maxNesting is deeper than the JSON of any journey that is valid. Each level of
// steps is decoded by itself, so without a bound the time would grow with the
// square of the depth.
const maxNesting = 8 * maxRuleDepth

// nesting is how deep the brackets of JSON go.
func nesting(b []byte) int {
	deepest, depth, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++ // only in strings
		case '"':
			quoted = !quoted
		case '{', '[':
			if !quoted {
				depth++
				deepest = max(deepest, depth)
			}
		case '}', ']':
			if !quoted {
				depth--
			}
		}
	}
	return deepest
}
