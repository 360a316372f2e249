package crm_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/goen-crm/crm"
)

func ExampleProduct_Line() {
	sencha := crm.Product{ID: "sencha", Variant: "100g", Title: "煎茶", Price: crm.Yen(1200), URL: "https://tea.example/sencha"}
	cart := crm.Cart{ID: "k1", Items: []crm.LineItem{sencha.Line(2)}}
	fmt.Println(crm.FormatMoney(cart.Total(), "ja"), cart.Validate())
	// Output: 2,400円 <nil>
}

func TestProductValidate(t *testing.T) {
	good := crm.Product{ID: "p", Title: "煎茶", Price: crm.Yen(1)}
	assert.NoError(t, good.Validate())
	for kind, bad := range map[error]crm.Product{
		crm.ErrRequired: {Title: "煎茶"},
		crm.ErrControl:  {ID: "p", Title: "煎\n茶"},
		crm.ErrNegative: {ID: "p", Price: crm.Yen(-1)},
		crm.ErrCurrency: {ID: "p", Price: crm.Money{Minor: 1, Currency: "円"}},
	} {
		assert.ErrorIs(t, bad.Validate(), kind)
	}
}
