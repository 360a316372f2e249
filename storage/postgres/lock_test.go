package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
)

// openInternal opens a store on a database of its own.
func openInternal(t *testing.T) *Store {
	t.Helper()
	dsn, err := dbtest.Postgres(t).Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A customer whose row was seen at a place is locked there, and nobody else who
// came to that place since; one that was written meanwhile is left out.
func TestLockWhereFound(t *testing.T) {
	s := openInternal(t)
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
	_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"b"}}, func(*crm.Work) (*crm.Changes, error) {
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

// While an import is open that has a fact about a customer who was known before,
// none of her messages is claimed, whether it copies its facts or appends them
// because one of them is there already.
func TestImportPostponesClaim(t *testing.T) {
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	fact := func(id string) crm.FactRow {
		return crm.FactRow{ID: id, Customer: "hanako", Keys: []string{"hanako"}, Type: "note", Time: at, Hash: []byte(id), Body: []byte(`{}`)}
	}
	for name, facts := range map[string][]crm.FactRow{"Copies": {fact("new")}, "Appends": {fact("known"), fact("new")}} {
		t.Run(name, func(t *testing.T) {
			s := openInternal(t)
			if err := s.Append(t.Context(), "shop", []crm.FactRow{fact("known")}); err != nil {
				t.Fatal(err)
			}
			_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"hanako"}}, func(*crm.Work) (*crm.Changes, error) {
				return &crm.Changes{
					Consumed: []crm.InboxEntry{{Customer: "hanako", Fact: "known"}},
					Queue:    []crm.Message{{ID: "m", Customer: "hanako", State: crm.MessageQueued, SendAt: at}},
				}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			claimed := func() int {
				leases, err := s.Lease(t.Context(), "shop", crm.LeaseRequest{Now: at, Until: at.Add(time.Minute), Limit: 1})
				if err != nil {
					t.Fatal(err)
				}
				return len(leases.Claimed)
			}
			err = s.write(t.Context(), "import", 0, func(tx *transaction) error { // ends without a commit
				b, _ := newBatch("shop", facts)
				if err := b.bring(t.Context(), tx); err != nil {
					return err
				}
				if err := tx.run(t.Context()); err != nil {
					return err
				}
				if n := claimed(); n != 0 {
					t.Errorf("%d messages were claimed beside the import", n)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := claimed(); n != 1 {
				t.Errorf("%d messages were claimed after it was rolled back, want 1", n)
			}
		})
	}
}
