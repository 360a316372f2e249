package mysql

import (
	"strings"
	"testing"

	"github.com/goen-crm/crm"
)

// A document that changes a little keeps its length in the database, and comes
// back as it was given.
func TestDocumentsKeepTheirLength(t *testing.T) {
	s := openInternal(t, database(t), nil)
	if err := s.Append(t.Context(), "shop", []crm.FactRow{{ID: "f", Customer: "c", Keys: []string{"c"}}}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{2: room, room - 1: room, room: room, room + 1: 2 * room} {
		given := `"` + strings.Repeat("x", n-2) + `"`
		_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"c"}}, func(w *crm.Work) (*crm.Changes, error) {
			w.Customers[0].State = []byte(given)
			return &crm.Changes{Customers: w.Customers, Orders: []crm.OrderRow{{ID: "o", Customer: "c", State: []byte(given)}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var customer, order int
		err = s.db.QueryRowContext(t.Context(), `SELECT LENGTH(c.state), LENGTH(o.state) FROM goen_customer c JOIN goen_orders o USING (shop_id, customer_id)`).Scan(&customer, &order)
		if err != nil || customer != want || order != want {
			t.Errorf("documents of %d bytes have %d and %d, want %d; error %v", n, customer, order, want, err)
		}
		for c, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
			if err != nil || string(c.State) != given || string(c.Orders[0].State) != given {
				t.Errorf("a document of %d bytes comes back as %q and %q, error %v", n, c.State, c.Orders[0].State, err)
			}
		}
	}
}
