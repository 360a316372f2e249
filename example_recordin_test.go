package crm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/sqlite"
)

// A cart that keeps its own tables in the same database records in its own
// transaction: the order and the fact are there together, or neither is.
func ExampleShop_RecordIn() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	check(err)
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "cart.db")+"?_txlock=immediate")
	check(err)
	defer db.Close()
	store, err := sqlite.New(ctx, db)
	check(err)
	defer store.Close()
	_, err = db.ExecContext(ctx, `CREATE TABLE orders (id TEXT PRIMARY KEY, total INTEGER)`)
	check(err)
	shop := crmtest.New(crmtest.Program{}, &crmtest.Options{Store: store}).Shop

	checkout := func(id string, pay func() error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `INSERT INTO orders VALUES (?, ?)`, id, 2400); err != nil {
			return err
		}
		fact := crm.Fact{
			ID: "order-" + id, Time: april, Customer: "c1",
			Body: crm.OrderSaved{Order: crm.Order{ID: id, Lines: []crm.LineItem{tea}}},
		}
		if err := shop.RecordIn(ctx, store.Tx(tx), fact); err != nil {
			return err
		}
		if err := pay(); err != nil {
			return err
		}
		return tx.Commit()
	}
	fmt.Println(checkout("1001", func() error { return nil }))
	fmt.Println(checkout("1002", func() error { return errors.New("card declined") }))

	customer, err := shop.Customer(ctx, "c1")
	check(err)
	for _, order := range customer.Orders {
		fmt.Println(order.ID, order.Revenue())
	}
	// Output:
	// <nil>
	// card declined
	// 1001 2400 JPY
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
