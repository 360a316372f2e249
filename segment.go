package crm

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// A Rule is a question about a customer, and about the fact just seen where
// there is one: who may start a journey, which branch she takes, what ends her
// run, who is in a segment. It is plain data, the same in Go and in JSON.
//
// Exactly one of its forms is set: All, Any, Not, Fact or Field. A Fact may
// have All beside it, which then speaks of that fact. The zero Rule is always
// true. The functions [On], [All], [Any], [Not], [Where] and those that name a
// question build rules.
type Rule struct {
	All []Rule `json:"all,omitempty"` // All is true if each of these is.
	Any []Rule `json:"any,omitempty"` // Any is true if one of these is.
	Not *Rule  `json:"not,omitempty"` // Not is true if this is not.

	// Fact is true if the fact just seen is of this type.
	Fact FactType `json:"fact,omitempty"`

	// Field is compared with Value by Op. See [Fields].
	Field string `json:"field,omitempty"`
	Op    Op     `json:"op,omitempty"`
	// Value is a string, a number, a bool or, for In, a []string.
	Value any `json:"value,omitempty"`
}

// An Op compares a field with a value.
type Op string

// The comparisons.
const (
	Equal    Op = "=="
	NotEqual Op = "!="
	Less     Op = "<"
	AtMost   Op = "<="
	More     Op = ">"
	AtLeast  Op = ">="
	In       Op = "in"
	Has      Op = "has" // Has: the field is a set and holds the value.
)

// All returns a rule that is true if every one of rules is.
func All(rules ...Rule) Rule { return Rule{All: rules} }

// Any returns a rule that is true if one of rules is.
func Any(rules ...Rule) Rule { return Rule{Any: rules} }

// Not returns a rule that is true if r is not.
func Not(r Rule) Rule { return Rule{Not: &r} }

// On returns a rule that is true when a fact of type t is seen for which all
// of rules hold.
func On(t FactType, rules ...Rule) Rule { return Rule{Fact: t, All: rules} }

// Where returns a rule that compares one of [Fields] with a value.
func Where(field string, op Op, value any) Rule { return Rule{Field: field, Op: op, Value: value} }

// OrdersAtLeast returns a rule that is true of customers with n purchases or more.
func OrdersAtLeast(n int) Rule { return Where("orders", AtLeast, n) }

// OrdersEqual returns a rule that is true of customers with exactly n
// purchases: in a trigger on [FactOrderCounted], 1 means the first and 2 the
// second (F2).
func OrdersEqual(n int) Rule { return Where("orders", Equal, n) }

// SpentAtLeast returns a rule that is true of customers whose purchases sum up
// to amount, in the shop's currency, or more.
func SpentAtLeast(amount Money) Rule {
	return Where("amount", AtLeast, amount.Decimal().InexactFloat64())
}

// RankAtLeast returns a rule that is true of customers whose rank is the given
// one or higher.
func RankAtLeast(rank string) Rule { return Where("rank", AtLeast, rank) }

// HasTag returns a rule that is true of customers with a tag.
func HasTag(tag string) Rule { return Where("tags", Has, tag) }

// AttributeIs returns a rule that is true of customers whose attribute has a value.
func AttributeIs(name, value string) Rule { return Where(attributeField+name, Equal, value) }

// LocaleIs returns a rule that is true of customers who read a language, given
// as "ja" or "en".
func LocaleIs(language string) Rule { return Where("language", Equal, language) }

// UnmarshalJSON reads a rule and refuses fields it does not know: a misspelt
// rule must not silently mean "always".
func (r *Rule) UnmarshalJSON(b []byte) error {
	type plain Rule // without this method
	return decodeStrict(b, (*plain)(r))
}

// A fieldKind says what a field holds and so which values and ops fit it.
type fieldKind int

const (
	numberField fieldKind = iota
	textField
	boolField
	setField
	rankField
)

// fields are what rules can ask for, by name.
var fields = map[string]struct {
	kind  fieldKind
	fact  bool // it is about the fact just seen
	value func(*ruleScope) any
}{
	"orders":          {numberField, false, func(s *ruleScope) any { return s.purchases().Count }},
	"amount":          {numberField, false, func(s *ruleScope) any { return s.purchases().Amount.Decimal() }},
	"last_order_days": {numberField, false, func(s *ruleScope) any { return daysSince(s.purchases().Last, s.at) }},
	"rank":            {rankField, false, func(s *ruleScope) any { return s.rank }},
	"tags":            {setField, false, func(s *ruleScope) any { return s.profile().Tags }},
	"language":        {textField, false, func(s *ruleScope) any { return s.language() }},
	"prefecture":      {numberField, false, func(s *ruleScope) any { return s.profile().Prefecture }},
	"sex":             {textField, false, func(s *ruleScope) any { return s.profile().Sex }},
	"medium":          {textField, false, func(s *ruleScope) any { return s.profile().Source.Medium }},
	"guest":           {boolField, false, func(s *ruleScope) any { return s.guest }},
	"registered_days": {numberField, false, func(s *ruleScope) any { return daysSince(s.profile().Registered, s.at) }},
	"cart.amount":     {numberField, false, func(s *ruleScope) any { return s.cart.Total().Decimal() }},

	"order.amount":     {numberField, true, func(s *ruleScope) any { return s.order.Revenue().Decimal() }},
	"order.method":     {textField, true, func(s *ruleScope) any { return string(s.order.Method) }},
	"order.channel":    {textField, true, func(s *ruleScope) any { return s.order.Channel }},
	"order.kind":       {textField, true, func(s *ruleScope) any { return string(s.order.Kind) }},
	"order.gift":       {boolField, true, func(s *ruleScope) any { return s.order.Gift }},
	"order.products":   {setField, true, func(s *ruleScope) any { return lineSet(s.order, func(l LineItem) string { return l.Product }) }},
	"order.categories": {setField, true, func(s *ruleScope) any { return lineSet(s.order, func(l LineItem) string { return l.Category }) }},
	"event.name":       {textField, true, func(s *ruleScope) any { return s.event.name }},
	"rank.from":        {rankField, true, func(s *ruleScope) any { return s.event.from }},
	"rank.to":          {rankField, true, func(s *ruleScope) any { return s.event.to }},
	"rank.promotion":   {boolField, true, func(s *ruleScope) any { return s.ladder.index(s.event.to) > s.ladder.index(s.event.from) }},
}

// Fields lists the fields that a rule can ask for, in order of name.
//
//	orders           number   purchases, renewals left out; the baseline counts
//	amount           number   net revenue, in the currency's major unit: 12.5 for $12.50
//	last_order_days  number   whole days since the last purchase, very many if there was none
//	registered_days  number   whole days since she opened her account, very many if unknown
//	rank             rank     as the ladder orders them; "" is below the first
//	tags             set      Has
//	language         text     "ja" for the locale "ja-JP"; the shop's where she has none
//	prefecture       number   JIS code, 0 if unknown
//	sex, medium      text     as recorded
//	guest            bool     she has no account
//	cart.amount      number   of the cart that the run is about, in the major unit
//	order.amount     number   revenue of the order, in the major unit
//	order.method, order.channel, order.kind    text
//	order.gift       bool
//	order.products, order.categories           set of ids, or of names
//	event.name       text     of a custom event
//	rank.from, rank.to   rank,  rank.promotion   bool   of a move on the ladder
//
// Numbers and text take ==, !=, <, <=, > and >=; text takes [In] too, sets take
// [Has], bools == and !=. Beside these there are "attribute:NAME", an attribute
// of the customer, and "event.attribute:NAME", one of the custom event just
// seen; both are text, and compare as numbers where both sides are numbers.
// Fields that begin with "order.", "event." or "rank." are of the fact just
// seen: they have a value only within [On] and in triggers. In the branches of
// a run about an order, "order." is that order.
func Fields() []string { return sortedKeys(fields) }

const eventAttribute = "event.attribute:"

// ruleScope is what a rule is asked about: a customer at an instant and, maybe,
// the event just seen.
type ruleScope struct {
	at        time.Time
	event     *event // nil if there is none
	order     Order  // the event's order
	cart      Cart
	rank      string
	ladder    *Ladder
	language  func() string
	guest     bool
	purchases func() Purchases
	profile   func() Profile
}

// holds reports whether r is true in s.
func (r Rule) holds(s *ruleScope) bool {
	if r.Fact != "" && (s.event == nil || s.event.kind != r.Fact) {
		return false
	}
	for _, rule := range r.All {
		if !rule.holds(s) {
			return false
		}
	}
	if r.Any != nil && !slices.ContainsFunc(r.Any, func(rule Rule) bool { return rule.holds(s) }) {
		return false
	}
	if r.Not != nil && r.Not.holds(s) {
		return false
	}
	return r.Field == "" || r.compare(s)
}

func (r Rule) compare(s *ruleScope) bool {
	if name, ok := cutPrefix(r.Field, attributeField); ok {
		return compareText(s.profile().Attributes[name], r.Op, r.Value)
	}
	if name, ok := cutPrefix(r.Field, eventAttribute); ok {
		return s.event != nil && compareText(s.event.attributes[name], r.Op, r.Value)
	}
	field := fields[r.Field]
	if field.fact && s.event == nil {
		return false
	}
	switch v := field.value(s).(type) {
	case int:
		return compareNumber(decimal.NewFromInt(int64(v)), r.Op, r.Value)
	case decimal.Decimal:
		return compareNumber(v, r.Op, r.Value)
	case bool:
		return (v == r.Value) == (r.Op == Equal)
	case []string:
		want, _ := r.Value.(string)
		return slices.Contains(v, want)
	case string:
		if field.kind == rankField && r.Op != In {
			want, _ := r.Value.(string)
			place := s.ladder.index(want)
			if place < 0 && want != "" {
				return r.Op == NotEqual // no rank of this ladder: nobody has it, or is above or below it
			}
			return matches(s.ladder.index(v)-place, r.Op)
		}
		return compareText(v, r.Op, r.Value)
	}
	return false
}

func compareText(v string, op Op, want any) bool {
	if list, ok := stringList(want); ok {
		return slices.Contains(list, v)
	}
	if a, err := parseNumber(v); err == nil {
		if b, err := toNumber(want); err == nil {
			return matches(a.Cmp(b), op)
		}
	}
	return matches(strings.Compare(v, fmt.Sprint(want)), op)
}

func compareNumber(v decimal.Decimal, op Op, want any) bool {
	w, err := toNumber(want)
	return err == nil && matches(v.Cmp(w), op)
}

func matches(c int, op Op) bool {
	switch op {
	case Equal:
		return c == 0
	case NotEqual:
		return c != 0
	case Less:
		return c < 0
	case AtMost:
		return c <= 0
	case More:
		return c > 0
	case AtLeast:
		return c >= 0
	}
	return false
}

func toNumber(v any) (decimal.Decimal, error) {
	switch v := v.(type) {
	case int:
		return decimal.NewFromInt(int64(v)), nil
	case int64:
		return decimal.NewFromInt(v), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return decimal.NewFromFloat(v), nil
		}
	case json.Number:
		return parseNumber(v.String())
	case string:
		return parseNumber(v)
	}
	return decimal.Decimal{}, ErrRange
}

// parseNumber reads a number, but none whose exponent would make comparing it
// with another a matter of hours.
func parseNumber(s string) (decimal.Decimal, error) {
	if s == "" || !strings.ContainsRune("+-.0123456789", rune(s[0])) {
		return decimal.Decimal{}, ErrSyntax // quickly: most texts are none
	}
	d, err := decimal.NewFromString(s)
	if err == nil && (d.Exponent() > maxExponent || d.Exponent() < -maxExponent) {
		err = ErrRange
	}
	return d, err
}

// maxExponent is more than a float64 has, and than a text field has digits.
const maxExponent = MaxText

// stringList reads a list as Go code or a JSON decoder gives it.
func stringList(v any) ([]string, bool) {
	switch v := v.(type) {
	case []string:
		return v, true
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

func lineSet(o Order, of func(LineItem) string) []string {
	set := make([]string, 0, len(o.Lines))
	for _, l := range o.Lines {
		set = append(set, of(l))
	}
	return set
}

// daysSince counts whole days; never is a long time ago.
func daysSince(t, at time.Time) int {
	if t.IsZero() {
		return 1 << 30
	}
	return int(at.Sub(t) / (24 * time.Hour))
}

// maxRuleDepth bounds how deep rules nest.
const maxRuleDepth = 20

// Validate reports the first thing that is wrong with r, as a [FieldError].
func (r Rule) Validate() error {
	var c check
	r.check(&c, nil, 0)
	return c.err()
}

// check checks r. With a ladder, ranks must be on it.
func (r Rule) check(c *check, ladder *Ladder, depth int) {
	if depth > maxRuleDepth {
		c.addf("Not", ErrRange, "nests deeper than %d", maxRuleDepth)
		return
	}
	forms := 0
	for _, set := range []bool{r.Fact != "", r.All != nil && r.Fact == "", r.Any != nil, r.Not != nil, r.Field != ""} {
		if set {
			forms++
		}
	}
	if r.Field == "" && (r.Op != "" || r.Value != nil) {
		c.add("Field", ErrRequired)
	}
	if forms > 1 {
		c.addf("Field", ErrRange, "is one of several forms that are set at once")
	}
	if r.Fact != "" {
		if _, ok := bodies[r.Fact]; !ok && !derived(r.Fact) {
			c.add("Fact", ErrUnknown)
		}
	}
	c.each("All", len(r.All), func(i int) { r.All[i].check(c, ladder, depth+1) })
	c.each("Any", len(r.Any), func(i int) { r.Any[i].check(c, ladder, depth+1) })
	if r.Not != nil {
		c.in("Not", func() { r.Not.check(c, ladder, depth+1) })
	}
	if r.Field != "" {
		r.checkField(c, ladder)
	}
}

func derived(t FactType) bool {
	switch t {
	case FactOrderPlaced, FactOrderCounted, FactOrderFailed, FactRankChanged:
		return true
	}
	return false
}

func (r Rule) checkField(c *check, ladder *Ladder) {
	kind := textField
	_, own := cutPrefix(r.Field, attributeField)
	_, events := cutPrefix(r.Field, eventAttribute)
	if !own && !events {
		field, ok := fields[r.Field]
		if !ok {
			c.add("Field", ErrUnknown)
			return
		}
		kind = field.kind
	}
	list, isList := stringList(r.Value)
	_, isText := r.Value.(string)
	_, isBool := r.Value.(bool)
	_, numeric := toNumber(r.Value)
	op := r.Op
	ok := false
	switch kind {
	case numberField:
		ok = numeric == nil && op != In && op != Has
	case boolField:
		ok = isBool && (op == Equal || op == NotEqual)
	case setField:
		ok = isText && op == Has
	case rankField:
		ok = (isText && op != Has && op != In) || (isList && op == In)
	case textField:
		ok = (isList && op == In) || ((isText || numeric == nil) && op != In && op != Has)
	}
	if !ok || !slices.Contains([]Op{Equal, NotEqual, Less, AtMost, More, AtLeast, In, Has}, op) {
		c.addf("Op", ErrRange, "and Value do not fit the field")
		return
	}
	if kind == rankField && ladder != nil {
		if !isList {
			list = []string{r.Value.(string)}
		}
		for _, rank := range list {
			if rank != "" && ladder.index(rank) < 0 {
				c.addf("Value", ErrUnknown, "is no rank of the shop's ladder")
			}
		}
	}
}
