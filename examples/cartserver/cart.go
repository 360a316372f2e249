package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/goen-crm/crm"
)

// A cart is what a visitor is about to buy, and what the checkout has asked her.
type cart struct {
	ID, Account                   string
	Revision                      int
	Email, Family, Given, Address string
	Items                         []item
}

type item struct {
	product
	Quantity int
}

// Sum is the price of the pieces.
func (i item) Sum() int64 { return i.Price * int64(i.Quantity) }

// Goods is the price of all items.
func (c *cart) Goods() (yen int64) {
	for _, i := range c.Items {
		yen += i.Sum()
	}
	return yen
}

// Shipping is free from 5,000 yen on.
func (c *cart) Shipping() int64 {
	if c.Goods() >= 5000 {
		return 0
	}
	return 600
}

// Total is what she pays.
func (c *cart) Total() int64 { return c.Goods() + c.Shipping() }

func (c *cart) lines(base string) []crm.LineItem {
	var lines []crm.LineItem
	for _, i := range c.Items {
		lines = append(lines, i.line(i.Quantity, base))
	}
	return lines
}

// maxQuantity is how many of one tea a cart takes.
const maxQuantity = 20

// loadCart returns a cart with its items, or errNotFound.
func loadCart(ctx context.Context, q queryer, locale, id string) (*cart, error) {
	c := &cart{ID: id}
	err := q.QueryRowContext(ctx, `SELECT account_id, revision, email, family, given, address FROM cart WHERE id = $1`, id).
		Scan(&c.Account, &c.Revision, &c.Email, &c.Family, &c.Given, &c.Address)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, `SELECT p.id, p.`+titled[locale]+`, p.price, p.stock, i.quantity
		FROM cart_item i JOIN product p ON p.id = i.product_id WHERE i.cart_id = $1 ORDER BY p.id`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i item
		if err := rows.Scan(&i.ID, &i.Title, &i.Price, &i.Stock, &i.Quantity); err != nil {
			return nil, err
		}
		c.Items = append(c.Items, i)
	}
	return c, rows.Err()
}

// touch counts a change of the cart and has other changes of it wait. Whoever
// is signed in becomes its owner.
func touch(ctx context.Context, tx *sql.Tx, id, account string) error {
	found, err := changes(ctx, tx, `UPDATE cart SET revision = revision + 1,
		account_id = CASE WHEN $2 = '' THEN account_id ELSE $2 END WHERE id = $1`, id, account)
	if err == nil && !found {
		err = errNotFound
	}
	return err
}

// updated is the cart as it is now, as a fact. Of an anonymous cart goen knows
// no more than its id, until a fact about it names somebody.
func (s *server) updated(c *cart) crm.Fact {
	f := crm.Fact{
		ID: fmt.Sprintf("cart-%s-%d", c.ID, c.Revision), Time: s.now(), Customer: c.Account,
		Body: crm.CartUpdated{Cart: crm.Cart{
			ID: c.ID, Revision: c.Revision, Items: c.lines(s.base), RecoveryURL: s.base + "/cart/" + c.ID,
		}},
	}
	if c.Account == "" {
		f.Email = c.Email
	}
	return f
}

// changeCart applies a change to the visitor's cart and tells goen what it
// holds then, in one transaction.
func (s *server) changeCart(ctx context.Context, v *visitor, change func(tx *sql.Tx) error) error {
	return s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		if err := touch(ctx, tx, v.cart, v.account.ID); err != nil {
			return err
		}
		if err := change(tx); err != nil {
			return err
		}
		c, err := loadCart(ctx, tx, v.locale, v.cart)
		if err != nil {
			return err
		}
		return s.shop.RecordIn(ctx, goen, s.updated(c))
	})
}

func (s *server) cart(w http.ResponseWriter, r *http.Request, v *visitor) error {
	c, err := loadCart(r.Context(), s.db, v.locale, v.cart)
	if errors.Is(err, errNotFound) {
		c, err = new(cart), nil
	}
	if err != nil {
		return err
	}
	return s.show(w, v, "cart", c)
}

// addItem puts one more of a product into the cart, and makes the cart if there
// is none.
func (s *server) addItem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx, product := r.Context(), r.PathValue("product")
	if _, err := s.db.product(ctx, v.locale, product); err != nil {
		return err
	}
	if v.cart == "" {
		v.cart = rand.Text()
		s.setCookie(w, cartCookie, v.cart, cartAge)
		if _, err := s.db.ExecContext(ctx, `INSERT INTO cart (id, account_id, revision) VALUES ($1, '', 0)`, v.cart); err != nil {
			return err
		}
	}
	err := s.changeCart(ctx, v, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cart_item (cart_id, product_id, quantity) VALUES ($1, $2, 1)
			ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = cart_item.quantity + 1 WHERE cart_item.quantity < $3`,
			v.cart, product, maxQuantity)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
	return nil
}

// setItem sets how many of a product there are in the cart. Zero takes it out.
func (s *server) setItem(w http.ResponseWriter, r *http.Request, v *visitor) error {
	n, err := strconv.Atoi(r.FormValue("quantity"))
	if err != nil || n < 0 || n > maxQuantity {
		return problem{http.StatusBadRequest, "数量は0から20までです。", "The quantity is 0 to 20."}
	}
	err = s.changeCart(r.Context(), v, func(tx *sql.Tx) error {
		if n == 0 {
			_, err := tx.ExecContext(r.Context(), `DELETE FROM cart_item WHERE cart_id = $1 AND product_id = $2`, v.cart, r.PathValue("product"))
			return err
		}
		_, err := tx.ExecContext(r.Context(), `UPDATE cart_item SET quantity = $3 WHERE cart_id = $1 AND product_id = $2`, v.cart, r.PathValue("product"), n)
		return err
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
	return nil
}

// restoreCart is where the link in a cart mail leads: it opens the cart on
// whichever device she reads her mail.
func (s *server) restoreCart(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if _, err := loadCart(r.Context(), s.db, v.locale, r.PathValue("cart")); err == nil {
		s.setCookie(w, cartCookie, r.PathValue("cart"), cartAge)
	} else if !errors.Is(err, errNotFound) {
		return err
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
	return nil
}
