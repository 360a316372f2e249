package customstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
)

// An order and its fact are one transaction, and what goen makes of the order
// can be read beside it.
func TestOrdersAreReadBesideTheVendors(t *testing.T) {
	ctx := t.Context()
	s := open(t, filepath.Join(t.TempDir(), "vendor.db")).(opened)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	clock := crmtest.NewClock(time.Date(2026, 4, 1, 1, 0, 0, 0, time.UTC))
	c, err := crm.New(s.Store, new(mailertest.Recorder), &crm.Config{Clock: clock.Now})
	must(err)
	shop := c.Shop("tea")
	must(shop.Configure(ctx, crm.Settings{Name: "和茶屋", From: mailer.Address{Email: "shop@tea.example"}}))

	place := func(id string, commit bool) {
		t.Helper()
		tx, err := s.db.BeginTx(ctx, nil)
		must(err)
		_, err = tx.ExecContext(ctx, `INSERT INTO orders (id, user_id, placed_at, yen) VALUES (?, 'u1', ?, 1200)`, id, clock.Now().Unix())
		must(err)
		must(shop.RecordIn(ctx, s.Tx(tx), crm.Fact{ID: "order-" + id, Time: clock.Now(), Customer: "u1", Body: crm.OrderSaved{Order: crm.Order{
			ID: id, Lines: []crm.LineItem{{Product: "sencha", Title: "煎茶", Quantity: 1, Price: crm.Yen(1200)}},
		}}}))
		if !commit {
			must(tx.Rollback())
			return
		}
		must(tx.Commit())
	}
	_, err = s.db.ExecContext(ctx, `INSERT INTO users (id, email, name) VALUES ('u1', 'hanako@example.jp', '山田 花子')`)
	must(err)
	place("o1", true)
	place("o2", false)
	must(c.RunUntil(ctx, clock.Now()))

	var orders int
	var status string
	must(s.db.QueryRowContext(ctx, `SELECT COUNT(*), MAX(status) FROM order_overview WHERE user_id = 'u1' AND yen = 1200`).Scan(&orders, &status))
	if orders != 1 || status != string(crm.StatusPlaced) {
		t.Errorf("%d orders, the last %q, want one that is placed", orders, status)
	}
	var users int
	must(s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM user_overview WHERE email = 'hanako@example.jp' AND crm IS NOT NULL`).Scan(&users))
	if users != 1 {
		t.Errorf("%d users with a picture, want 1", users)
	}
}
