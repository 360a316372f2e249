package crm_test

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// digested keeps the rows that facts are recorded as.
type digested []crm.FactRow

func (d *digested) Append(_ context.Context, _ string, rows []crm.FactRow) error {
	*d = append(*d, rows...)
	return nil
}

// A fact that was recorded by an earlier version, and comes again, is the same
// fact: how its content is written for the digest never changes.
func TestFactDigests(t *testing.T) {
	at := time.Date(2026, 4, 1, 10, 0, 0, 123456789, time.FixedZone("JST", 9*60*60))
	line := crm.LineItem{Product: "tea", Title: "煎茶 <a href='x'>&\\\"“", Quantity: 1, Price: crm.Yen(1200), Tags: []string{"green"}}
	s := crmtest.New(t, nil)
	for _, c := range []struct {
		body   crm.Body
		digest string
	}{
		{crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
			GivenName: new("花子"), Birthday: &crm.Birthday{Month: 2, Day: 29}, Registered: &at, AddTags: []string{"vip"},
			Attributes: map[string]string{"size": "M"}, Baseline: &crm.Baseline{Orders: 3, Amount: crm.Yen(9000), FirstOrder: at},
		}}, "fcc21fd869126cdd"},
		{crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Wording: "はい"}}, "137a7d3c6e108083"},
		{crm.CartUpdated{Cart: crm.Cart{ID: "k", Items: []crm.LineItem{line}, UpdatedAt: at}}, "158229e81c84d2c3"},
		{crm.CartUpdated{Cart: crm.Cart{ID: "k", Items: []crm.LineItem{}}}, "e55f29e4ae73b56b"},
		{crm.OrderSaved{Order: crm.Order{ID: "o", Lines: []crm.LineItem{line, line}, Method: crm.Card, PlacedAt: at, Discount: crm.Yen(1)}}, "33edf34db6b53201"},
		{&crm.OrderPaid{Order: "o"}, "7f416624441ae63a"},
		{crm.OrderRefunded{Order: "o", Refund: "r", Whole: true}, "0b85a228ec3d7d0f"},
		{crm.Custom{Name: "quiz", Attributes: map[string]string{"answer": "42 & \u2029\n\t"}}, "4246898b8e647698"},
		{crm.CustomerErased{}, "62fe331a84f26a0f"},
	} {
		var rows digested
		fact := crm.Fact{ID: "f", Time: at, Customer: "c", Email: "c@example.jp", Body: c.body}
		require.NoError(t, s.Shop.RecordIn(t.Context(), &rows, fact))
		assert.Equal(t, c.digest, hex.EncodeToString(rows[0].Hash[:8]), "%T", c.body)
	}
}
