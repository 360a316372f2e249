package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
)

// A customer whose row was seen at a place is locked there, and nobody else who
// came to that place since; one that was written meanwhile is left out.
func TestLockWhereFound(t *testing.T) {
	dsn, err := dbtest.Postgres(t).Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for _, id := range []string{"a", "b"} {
		err := s.Append(t.Context(), "shop", []crm.FactRow{{ID: id, Customer: id, Keys: []string{id}, Type: "note", Time: at, Hash: []byte(id), Body: []byte(`{}`)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	place := func(id string) (place string) {
		err := s.pool.QueryRow(t.Context(), s.tables(`SELECT ctid::text FROM goen_customer WHERE shop_id = 'shop' AND customer_id = $1`), id).Scan(&place)
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	locked := func(shop, id, place string) (n int) {
		err := s.write(t.Context(), "lock", 1, func(tx *transaction) error {
			tx.queue(useKeys)
			u := &update{tx: tx, shop: shop, locked: make(map[string]string), entries: make(map[crm.InboxEntry]string)}
			customers, err := u.lock(context.Background(), []string{id}, map[string]string{id: place})
			n = len(customers)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := place("b")
	_, err = s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"b"}}, func(*crm.Work) (*crm.Changes, error) {
		return &crm.Changes{Customers: []crm.CustomerRow{{ID: "b", NextDue: at}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what            string
		shop, id, place string
		want            int
	}{
		{"where she is", "shop", "b", place("b"), 1},
		{"where she was", "shop", "b", before, 0},
		{"where somebody else is", "shop", "b", place("a"), 0},
		{"where another shop's customer is", "other", "b", place("b"), 0},
	} {
		if n := locked(c.shop, c.id, c.place); n != c.want {
			t.Errorf("%d customers were locked %s", n, c.what)
		}
	}
}
