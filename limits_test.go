package crm_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// A pointer to a step has a step's methods but not its JSON: published, it
// would come back as a step without anything in it.
func TestPointerIsNoStep(t *testing.T) {
	s := crmtest.New(t, nil)
	for _, step := range []crm.Step{&crm.Wait{ID: "w", Days: 1}, (*crm.Send)(nil)} {
		_, err := s.Shop.Publish(t.Context(), crm.Journey{ID: "j", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{step}})
		require.ErrorIs(t, err, crm.ErrUnknown)
	}
	s.Record(crm.Fact{Customer: "c", Body: crm.Custom{Name: "visit"}})
}

// JSON has room for years of four digits; a time beyond them is refused with
// its field, and not by the encoder.
func TestTimesOutOfRange(t *testing.T) {
	s := crmtest.New(t, nil)
	before, beyond := time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	order := func(change func(*crm.Order)) crm.Body {
		o := crm.Order{ID: "o", Lines: []crm.LineItem{teaLine(nil)}}
		change(&o)
		return crm.OrderSaved{Order: o}
	}
	tests := []struct {
		field string
		body  crm.Body
	}{
		{"Order.PlacedAt", order(func(o *crm.Order) { o.PlacedAt = before })},
		{"Order.Promised", order(func(o *crm.Order) { o.Promised = beyond })},
		{"Customer.Registered", crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Registered: &beyond}}},
		{"Customer.Withdrawn", crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Withdrawn: &before}}},
		{"Customer.Baseline.FirstOrder", crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Baseline: &crm.Baseline{FirstOrder: before}}}},
		{"Customer.Baseline.LastOrder", crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Baseline: &crm.Baseline{LastOrder: beyond}}}},
		{"Cart.UpdatedAt", crm.CartUpdated{Cart: crm.Cart{ID: "k", UpdatedAt: beyond}}},
	}
	for _, test := range tests {
		err := s.Shop.Record(t.Context(), crm.Fact{ID: "f", Time: s.Clock.Now(), Customer: "c", Body: test.body})
		var field *crm.FieldError
		if assert.ErrorAs(t, err, &field) {
			assert.ErrorIs(t, err, crm.ErrRange)
			assert.Equal(t, test.field, field.Field)
		}
	}
	err := s.Shop.Record(t.Context(), crm.Fact{ID: "f", Time: before, Customer: "c", Body: crm.Custom{Name: "visit"}})
	assert.ErrorIs(t, err, crm.ErrRange)
}

// Numbers that are no numbers, or would take hours to compare, are none to a
// rule.
func TestNumbersInRules(t *testing.T) {
	for _, value := range []any{math.NaN(), math.Inf(1), "1e999999999", json.Number("1e-999999999")} {
		assert.ErrorIs(t, crm.Where("orders", crm.AtLeast, value).Validate(), crm.ErrRange, "%v", value)
	}
	s := crmtest.New(t, nil)
	s.Record(crm.Fact{Customer: "c", Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{Attributes: map[string]string{"size": "1e999999999"}}}})
	for range s.Shop.Members(t.Context(), crm.Where("attribute:size", crm.More, 1)) {
	}
}

// The time to read a journey grows with its length, not with the square of its
// depth.
func TestDeepJSON(t *testing.T) {
	const levels = 2500
	var j crm.Journey
	err := json.Unmarshal([]byte(`{"id":"j","trigger":{"type":"fact","fact":"custom"},"steps":`+
		strings.Repeat(`[{"type":"branch","id":"b","else":`, levels)+`[]`+strings.Repeat(`}]`, levels)+`}`), &j)
	require.ErrorIs(t, err, crm.ErrRange)
	// The deepest that is valid can still be read.
	rule := crm.OrdersAtLeast(1)
	for range 20 {
		rule = crm.Any(rule)
	}
	steps := crm.Steps{crm.Wait{ID: "w", Days: 1}, crm.Branch{ID: "innermost", Cases: []crm.Case{{If: rule}}}}
	for i := range 19 {
		steps = crm.Steps{crm.Branch{ID: strings.Repeat("b", i+1), Cases: []crm.Case{{Then: steps}}}}
	}
	deepest := crm.Journey{ID: "j", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: steps}
	require.NoError(t, deepest.Validate())
	b, err := json.Marshal(deepest)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &j))
	again, err := json.Marshal(j)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(b, again))
}
