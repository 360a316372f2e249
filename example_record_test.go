package crm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// What the examples have in common: a day, and something to buy.
var (
	april = time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC) // 10:00 in Tokyo, where the scenario begins
	tea   = crm.LineItem{Product: "sencha", Title: "Sencha", Quantity: 2, Price: crm.Yen(1200)}
	pot   = crm.LineItem{Product: "kyusu", Title: "Teapot", Quantity: 1, Price: crm.Yen(9000)}
)

// An order is told as it is placed, and what becomes of it by facts of their
// own. Whoever is not sure that a fact was recorded records it again.
func ExampleShop_Record() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)

	placed := crm.Fact{
		ID: "order-1001-placed", Time: april, Customer: "c1", Email: "hanako@example.jp",
		Body: crm.OrderSaved{Order: crm.Order{ID: "1001", Method: crm.ConvenienceStore, Lines: []crm.LineItem{tea, pot}}},
	}
	fmt.Println(s.Shop.Record(ctx, placed))
	fmt.Println(s.Shop.Record(ctx, placed)) // a retry: nothing happens twice

	s.Advance(3 * time.Hour)
	fmt.Println(s.Shop.Record(ctx, crm.Fact{
		ID: "order-1001-paid", Time: april.Add(2 * time.Hour), Customer: "c1", Body: crm.OrderPaid{Order: "1001"},
	}))

	customer, err := s.Shop.Customer(ctx, "c1")
	fmt.Println(customer.Purchases.Count, customer.Purchases.Amount, customer.Orders[0].Status, err)
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// 1 11400 JPY paid <nil>
}

// A batch is recorded whole or not at all. The error names the fact that stands
// in the way.
func ExampleBatchError() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	signedUp := crm.Fact{ID: "f1", Time: april, Customer: "c1", Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{GivenName: new("Hanako")}}}
	s.Record(signedUp)

	// The same id with other content is a mistake of the caller's.
	signedUp.Body = crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{GivenName: new("Jiro")}}
	err := s.Shop.Record(ctx,
		crm.Fact{ID: "f2", Time: april, Customer: "c1", Body: crm.OrderPaid{Order: "1001"}},
		signedUp,
	)
	var batch *crm.BatchError
	fmt.Println(errors.As(err, &batch), batch.Index, batch.ID, errors.Is(err, crm.ErrConflict))

	// A field that cannot be stored is named, never its content.
	err = s.Shop.Record(ctx, crm.Fact{ID: "f3", Time: april, Customer: "c1", Body: crm.OrderSaved{
		Order: crm.Order{ID: "1002", Lines: []crm.LineItem{{Product: "sencha", Quantity: -1, Price: crm.Yen(1200)}}},
	}})
	var field *crm.FieldError
	fmt.Println(errors.As(err, &field), field.Field, errors.Is(err, crm.ErrNegative))
	fmt.Println(err)
	// Output:
	// true 1 f1 true
	// true Order.Lines[0].Quantity true
	// crm: fact 0 ("f3"): Order.Lines[0].Quantity must not be negative
}
