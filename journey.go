package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Journey says who is sent what, and when. It is plain data: a journey
// written in Go and one read from JSON are the same thing.
//
// Publishing a journey makes a version of it that never changes. A customer
// who is in a journey stays in the version she began; new runs begin in the
// newest.
type Journey struct {
	// ID names the journey in its shop, over all versions.
	ID string
	// Trigger starts a run.
	Trigger Trigger
	// If, where set, is asked when the trigger fires: only customers for whom
	// it holds begin.
	If Rule
	// Per says what a run is for. Defaults to [PerCustomer].
	Per Per
	// Once lets a customer in only once, ever.
	Once bool
	// Cooldown is how long after the end of a run the next may begin. A run
	// that ended because its cart changed, before any of its mails went out,
	// does not count. Defaults to 7 days for [CartAbandoned] and 0 for others;
	// must not be negative.
	Cooldown time.Duration
	// Exit ends a run, and withholds what it has queued, as soon as one of
	// these rules holds for a fact about the customer, about her cart or
	// about her address. A run per order is not asked what becomes of other
	// orders, but does end on a further one placed or counted.
	Exit []Rule
	// Steps are what happens, one after the other.
	Steps Steps
}

// Per says what a run of a journey is for.
type Per string

// What a run can be for.
const (
	// PerCustomer: one run of a customer at a time.
	PerCustomer Per = "customer"
	// PerOrder: one run for each order, side by side. Needs a trigger on a
	// fact about orders.
	PerOrder Per = "order"
)

// A Trigger starts runs of a journey: [OnFact] or [CartAbandoned].
type Trigger interface {
	triggerType() string
	check(*check)
}

// OnFact starts a run when a fact is seen.
type OnFact struct {
	// Fact is the type, recorded or derived.
	Fact FactType `json:"fact"`
}

// CartAbandoned starts a run when a cart with something in it has not changed
// for a while and nothing was ordered since. A change of the cart begins the time anew.
type CartAbandoned struct {
	// After is how long the cart lies untouched, 15 minutes to 90 days.
	After time.Duration
}

func (OnFact) triggerType() string        { return "fact" }
func (CartAbandoned) triggerType() string { return "cart_abandoned" }

func (t OnFact) check(c *check) {
	if _, ok := bodies[t.Fact]; !ok && !derived(t.Fact) {
		c.add("Fact", ErrUnknown)
	}
}

func (t CartAbandoned) check(c *check) {
	if t.After < 15*time.Minute || t.After > 90*24*time.Hour {
		c.addf("After", ErrRange, "must be 15 minutes to 90 days")
	}
}

// aboutOrder reports whether facts of type t name an order.
func aboutOrder(t FactType) bool {
	switch t {
	case FactOrderSaved, FactOrderPaid, FactOrderShipped, FactOrderDelivered, FactOrderCancelled,
		FactOrderRefunded, FactOrderPlaced, FactOrderCounted, FactOrderFailed:
		return true
	}
	return false
}

// defaultCooldown is how long a cart journey leaves a customer alone.
const defaultCooldown = 7 * 24 * time.Hour

func (j Journey) cooldown() time.Duration {
	if _, ok := j.Trigger.(CartAbandoned); ok && j.Cooldown == 0 {
		return defaultCooldown
	}
	return j.Cooldown
}

// maxSteps bounds a journey, the steps of branches included.
const maxSteps = 200

// Validate reports everything that is wrong with j in itself, as a
// [PublishError]. Publishing checks the templates and ranks it names, too.
func (j Journey) Validate() error {
	_, problems := j.compile(nil)
	if len(problems) > 0 {
		return &PublishError{Kind: kindJourney, ID: j.ID, Problems: problems}
	}
	return nil
}

func (j Journey) check(c *check, ladder *Ladder) {
	c.id("ID", j.ID)
	switch t := j.Trigger.(type) {
	case nil:
		c.add("Trigger", ErrRequired)
	case OnFact:
		c.in("Trigger", func() { t.check(c) })
		if j.Per == PerOrder && !aboutOrder(t.Fact) {
			c.addf("Per", ErrRange, "needs a trigger on a fact about orders")
		}
	case CartAbandoned:
		c.in("Trigger", func() { t.check(c) })
		if j.Per == PerOrder {
			c.addf("Per", ErrRange, "needs a trigger on a fact about orders")
		}
	default:
		c.add("Trigger", ErrUnknown)
	}
	if !slices.Contains([]Per{"", PerCustomer, PerOrder}, j.Per) {
		c.add("Per", ErrUnknown)
	}
	if j.Cooldown < 0 || j.Cooldown > 10*365*24*time.Hour {
		c.addf("Cooldown", ErrRange, "must be 0 to 10 years")
	}
	c.in("If", func() { j.If.check(c, ladder, 0) })
	c.each("Exit", len(j.Exit), func(i int) {
		if j.Exit[i].always() {
			c.addf("", ErrRequired, "is always true: nobody would stay")
		}
		j.Exit[i].check(c, ladder, 0)
	})
	if len(j.Steps) == 0 {
		c.add("Steps", ErrRequired)
	}
}

type journeyJSON struct {
	ID       string          `json:"id"`
	Trigger  json.RawMessage `json:"trigger"`
	If       *Rule           `json:"if,omitempty"`
	Per      Per             `json:"per,omitempty"`
	Once     bool            `json:"once,omitempty"`
	Cooldown string          `json:"cooldown,omitempty"`
	Exit     []Rule          `json:"exit,omitempty"`
	Steps    Steps           `json:"steps"`
}

// MarshalJSON writes j with durations as text, such as "24h0m0s".
func (j Journey) MarshalJSON() ([]byte, error) {
	trigger, err := marshalTrigger(j.Trigger)
	if err != nil {
		return nil, err
	}
	out := journeyJSON{ID: j.ID, Trigger: trigger, Per: j.Per, Once: j.Once, Cooldown: durationText(j.Cooldown), Exit: j.Exit, Steps: j.Steps}
	if !j.If.always() {
		out.If = &j.If
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes:
//
//	{
//	  "id": "cart-recovery",
//	  "trigger": {"type": "cart_abandoned", "after": "30m"},
//	  "if": {"field": "guest", "op": "==", "value": false},
//	  "cooldown": "168h",
//	  "exit": [{"fact": "order_placed"}],
//	  "steps": [
//	    {"type": "send", "template": "cart-reminder", "max_lateness": "2h"},
//	    {"type": "wait", "id": "a-day", "days": 1},
//	    {"type": "branch", "id": "rank",
//	     "cases": [{"if": {"field": "rank", "op": ">=", "value": "gold"},
//	                "then": [{"type": "send", "template": "cart-gold"}]}],
//	     "else": [{"type": "send", "template": "cart-doubts"}]},
//	    {"type": "wait", "id": "a-while", "for": "36h"},
//	    {"type": "goto", "id": "again", "step": "a-day"}
//	  ]
//	}
//
// The other trigger is {"type": "fact", "fact": "order_counted"}. "per" is
// "customer" or "order", "once" true or false. Durations are those of
// time.ParseDuration. Fields it does not know are an error: a misspelt rule
// must not silently mean "always".
func (j *Journey) UnmarshalJSON(b []byte) error {
	var in journeyJSON
	if err := decodeStrict(b, &in); err != nil {
		return err
	}
	trigger, err := unmarshalTrigger(in.Trigger)
	if err != nil {
		return err
	}
	cooldown, err := parseDuration("cooldown", in.Cooldown)
	if err != nil {
		return err
	}
	*j = Journey{ID: in.ID, Trigger: trigger, Per: in.Per, Once: in.Once, Cooldown: cooldown, Exit: in.Exit, Steps: in.Steps}
	if in.If != nil {
		j.If = *in.If
	}
	return nil
}

type triggerJSON struct {
	Type  string   `json:"type"`
	Fact  FactType `json:"fact,omitempty"`
	After string   `json:"after,omitempty"`
}

func marshalTrigger(t Trigger) (json.RawMessage, error) {
	switch t := t.(type) {
	case OnFact:
		return json.Marshal(triggerJSON{Type: t.triggerType(), Fact: t.Fact})
	case CartAbandoned:
		return json.Marshal(triggerJSON{Type: t.triggerType(), After: durationText(t.After)})
	}
	return nil, &FieldError{Field: "Trigger", Err: ErrRequired}
}

func unmarshalTrigger(b []byte) (Trigger, error) {
	var in triggerJSON
	if err := decodeStrict(b, &in); err != nil {
		return nil, err
	}
	switch in.Type {
	case OnFact{}.triggerType():
		return OnFact{Fact: in.Fact}, nil
	case CartAbandoned{}.triggerType():
		after, err := parseDuration("after", in.After)
		return CartAbandoned{After: after}, err
	}
	return nil, &FieldError{Field: "Trigger.Type", Err: ErrUnknown}
}

// always reports whether r is the zero rule.
func (r Rule) always() bool {
	return r.All == nil && r.Any == nil && r.Not == nil && r.Fact == "" && r.Field == ""
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func parseDuration(field, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, &FieldError{Field: field, Problem: `is no duration such as "24h"`, Err: errors.Join(ErrSyntax, err)}
	}
	return d, nil
}

var errTrailing = fmt.Errorf("crm: JSON %w", ErrSyntax)
