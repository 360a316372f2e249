package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"time"

	"github.com/goen-crm/crm"
)

// An order is a cart that was bought.
type order struct {
	ID, Cart, Account, Email, Name, Address, Method, Status string
	Shipping                                                int64
	PlacedAt                                                time.Time
	Lines                                                   []item
}

// Number is what people call the order.
func (o order) Number() string { return number(o.ID) }

func number(id string) string { return id[:min(8, len(id))] }

// Total is what she pays.
func (o order) Total() int64 {
	sum := o.Shipping
	for _, l := range o.Lines {
		sum += l.Sum()
	}
	return sum
}

// fact is something that happens to the order, once in its life.
func (o order) fact(id string, at time.Time, body crm.Body) crm.Fact {
	return crm.Fact{ID: id + "-" + o.ID, Time: at, Customer: o.Account, Email: o.Email, Body: body}
}

// orders returns the newest orders that a condition picks, with their lines.
func (d *database) orders(ctx context.Context, where string, args ...any) ([]order, error) {
	rows, err := d.QueryContext(ctx, `SELECT o.id, o.cart_id, o.account_id, o.email, o.name, o.address, o.method, o.status, o.shipping, o.placed_at,
		l.product_id, l.title, l.price, l.quantity
		FROM (SELECT * FROM orders `+where+` ORDER BY placed_at DESC, id LIMIT 100) o JOIN order_line l ON l.order_id = o.id
		ORDER BY o.placed_at DESC, o.id, l.product_id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []order
	for rows.Next() {
		var o order
		var l item
		var placed int64
		err := rows.Scan(&o.ID, &o.Cart, &o.Account, &o.Email, &o.Name, &o.Address, &o.Method, &o.Status, &o.Shipping, &placed,
			&l.ID, &l.Title, &l.Price, &l.Quantity)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].ID != o.ID {
			o.PlacedAt = time.Unix(placed, 0)
			list = append(list, o)
		}
		last := &list[len(list)-1]
		last.Lines = append(last.Lines, l)
	}
	return list, rows.Err()
}

func (s *server) order(w http.ResponseWriter, r *http.Request, v *visitor) error {
	list, err := s.db.orders(r.Context(), `WHERE id = $1`, r.PathValue("order"))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errNotFound
	}
	return s.show(w, v, "order", list[0])
}

// orderOf returns the id of the order that a cart became, or errNotFound.
func (d *database) orderOf(ctx context.Context, cart string) (id string, err error) {
	err = d.QueryRowContext(ctx, `SELECT id FROM orders WHERE cart_id = $1`, cart).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = errNotFound
	}
	return id, err
}
