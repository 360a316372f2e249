package crm_test

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// Past orders make customers' pictures and start nothing. An import that broke
// off goes on where it was, if it is called again with the same id.
func ExampleShop_Import() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	orders := func(yield func(crm.Fact, error) bool) { // as a reader of your own table would
		for i := range 3 {
			id := fmt.Sprintf("%d", 1001+i)
			fact := crm.Fact{
				ID: "order-" + id, Time: april.AddDate(0, -3+i, 0), Customer: "c1",
				Body: crm.OrderSaved{Order: crm.Order{ID: id, Lines: []crm.LineItem{tea}}},
			}
			if !yield(fact, nil) {
				return
			}
		}
	}
	done, err := s.Shop.Import(ctx, "orders-2026", orders, &crm.ImportOptions{
		Batch:    2,
		Progress: func(p crm.ImportProgress) { fmt.Println("so far:", p.Position) },
	})
	check(err)
	fmt.Println("all:", done.Position)
	fmt.Println("orders:", s.Customer("c1").Purchases.Count)
	// Output:
	// so far: 2
	// so far: 3
	// all: 3
	// orders: 3
}

// What the shops have to do, and how this process and its database are.
func ExampleCRM_Health() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	check(s.Shop.Record(ctx, crm.Fact{ID: "f1", Time: s.Clock.Now(), Customer: "c1", Body: crm.CustomerSaved{}}))

	backlog, err := s.CRM.Backlog(ctx)
	check(err)
	for _, b := range backlog {
		fmt.Println(b.Shop, "has facts for", b.Counts.Pending, "customer")
	}
	health, err := s.CRM.Health(ctx)
	check(err)
	fmt.Println("behind by", health.Lag, "- stuck:", health.Stuck, "- error:", health.Err)
	// Output:
	// shop has facts for 1 customer
	// behind by 0s - stuck: 0 - error: <nil>
}

// Hooks feed a metrics library of your choice.
func ExampleHooks() {
	sent := make(map[crm.MessageState]int) // counters of yours, safe for concurrent use
	config := &crm.Config{Hooks: crm.Hooks{
		Settled: func(shop string, state crm.MessageState, reason crm.Reason) { sent[state]++ },
	}}
	c, err := crm.New(memory.New(), new(mailertest.Recorder), config)
	check(err)
	check(c.RunUntil(context.Background(), time.Now()))
	fmt.Println(len(sent))
	// Output: 0
}
