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

var (
	errEmpty   = problem{http.StatusConflict, "カートに商品がありません。", "There is nothing in your cart."}
	errAddress = problem{http.StatusBadRequest, "お届け先をご入力ください。", "Please tell us where to deliver."}
	errMethod  = problem{http.StatusBadRequest, "お支払い方法をお選びください。", "Please choose how to pay."}
	errChanged = problem{http.StatusConflict, "ご確認のあとにカートの内容が変わりました。もう一度ご確認ください。", "Your cart has changed since you looked at it. Please look again."}
	errSoldOut = problem{http.StatusConflict, "申し訳ございません。売り切れた商品があります。ご注文は承っておりません。", "We are sorry: something has just sold out. No order was placed."}
)

// checkout asks who she is and where to deliver.
func (s *server) checkout(w http.ResponseWriter, r *http.Request, v *visitor) error {
	c, err := s.filledCart(r.Context(), v)
	if err != nil {
		return err
	}
	return s.show(w, v, "checkout", c)
}

func (s *server) filledCart(ctx context.Context, v *visitor) (*cart, error) {
	c, err := loadCart(ctx, s.db, v.locale, v.cart)
	if errors.Is(err, errNotFound) || (err == nil && len(c.Items) == 0) {
		return nil, errEmpty
	}
	return c, err
}

// saveContact keeps what she answered with the cart. From here on goen knows
// whose cart it is, also a guest's, and what she said about mail.
func (s *server) saveContact(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	a, address := v.account, r.FormValue("address")
	if a.ID == "" {
		var err error
		if a.Email, a.Family, a.Given, err = contact(r); err != nil {
			return err
		}
	}
	if address == "" {
		return errAddress
	}
	err := s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		if err := touch(ctx, tx, v.cart, a.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE cart SET email = $2, family = $3, given = $4, address = $5 WHERE id = $1`,
			v.cart, a.Email, a.Family, a.Given, address)
		if err != nil {
			return err
		}
		c, err := loadCart(ctx, tx, v.locale, v.cart)
		if err != nil {
			return err
		}
		patch := crm.CustomerPatch{Address: &address, Locale: &v.locale}
		if a.ID == "" {
			patch.FamilyName, patch.GivenName = &a.Family, &a.Given
		}
		step := fmt.Sprintf("%s-%d", c.ID, c.Revision)
		facts := []crm.Fact{
			{ID: "contact-" + step, Time: s.now(), Customer: a.ID, Email: a.Email, Body: crm.CustomerSaved{CustomerPatch: patch}},
			s.updated(c),
		}
		if r.FormValue("newsletter") != "" { // a box left alone is no answer
			facts = append(facts, s.answered(step, a.ID, a.Email, "checkout", v.locale, true))
			if _, err := tx.ExecContext(ctx, `UPDATE account SET newsletter = 1 WHERE id = $1`, a.ID); err != nil {
				return err
			}
		}
		return s.shop.RecordIn(ctx, goen, facts...)
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/checkout/confirm", http.StatusSeeOther)
	return nil
}

// confirm shows what is about to be ordered.
func (s *server) confirm(w http.ResponseWriter, r *http.Request, v *visitor) error {
	c, err := s.filledCart(r.Context(), v)
	if err != nil {
		return err
	}
	if c.Email == "" {
		http.Redirect(w, r, "/checkout", http.StatusSeeOther)
		return nil
	}
	return s.show(w, v, "confirm", c)
}

// placeOrder turns the cart into an order. The order, its fact, the stock and
// the cart are one transaction: if the last tea is gone at the last moment,
// nothing of it has happened, and goen has never heard of an order.
func (s *server) placeOrder(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	if v.cart == "" { // the button was pressed twice, or there never was a cart
		id, err := s.db.orderOf(ctx, cookie(r, cartCookie))
		if errors.Is(err, errNotFound) {
			err = errEmpty
		}
		if err == nil {
			http.Redirect(w, r, "/orders/"+id, http.StatusSeeOther)
		}
		return err
	}
	method := crm.PaymentMethod(r.FormValue("method"))
	payment, ok := payments[method]
	if !ok {
		return errMethod
	}
	id := rand.Text()
	err := s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		if err := touch(ctx, tx, v.cart, v.account.ID); err != nil {
			return err
		}
		c, err := loadCart(ctx, tx, v.locale, v.cart)
		if err != nil {
			return err
		}
		if strconv.Itoa(c.Revision-1) != r.FormValue("revision") {
			return errChanged
		}
		if len(c.Items) == 0 || c.Email == "" {
			return errEmpty
		}
		if err := s.insertOrder(ctx, tx, id, c, method); err != nil {
			return err
		}
		err = s.shop.RecordIn(ctx, goen, crm.Fact{
			ID: "order-" + id, Time: s.now(), Customer: c.Account, Email: c.Email,
			Body: crm.OrderSaved{Order: crm.Order{
				ID: id, Number: number(id), Channel: "shop", Cart: c.ID, Method: method, Payment: payment,
				Lines: c.lines(s.base), Shipping: crm.Yen(c.Shipping()),
			}},
		})
		if err != nil {
			return err
		}
		return takeStock(ctx, tx, c.Items) // last: nobody waits long for the row of a popular tea
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/orders/"+id, http.StatusSeeOther)
	return nil
}

// payments are the ways to pay, and how far each has come with the order.
var payments = map[crm.PaymentMethod]crm.PaymentState{
	crm.Card:           crm.PaymentAuthorised, // a real shop has asked its payment service before
	crm.BankTransfer:   crm.PaymentPending,
	crm.CashOnDelivery: crm.PaymentOpen,
}

// insertOrder writes the order and does away with the cart.
func (s *server) insertOrder(ctx context.Context, tx *sql.Tx, id string, c *cart, method crm.PaymentMethod) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO orders (id, cart_id, account_id, email, name, address, method, status, shipping, placed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'placed', $8, $9)`,
		id, c.ID, c.Account, c.Email, c.Family+" "+c.Given, c.Address, string(method), c.Shipping(), s.now().Unix())
	if err != nil {
		return err
	}
	for _, i := range c.Items {
		_, err := tx.ExecContext(ctx, `INSERT INTO order_line (order_id, product_id, title, price, quantity) VALUES ($1, $2, $3, $4, $5)`,
			id, i.ID, i.Title, i.Price, i.Quantity)
		if err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM cart_item WHERE cart_id = $1`, c.ID); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM cart WHERE id = $1`, c.ID)
	return err
}

// takeStock takes items, which are in order of product, off the shelf.
func takeStock(ctx context.Context, tx *sql.Tx, items []item) error {
	for _, i := range items {
		taken, err := changes(ctx, tx, `UPDATE product SET stock = stock - $2 WHERE id = $1 AND stock >= $2`, i.ID, i.Quantity)
		if err != nil {
			return err
		}
		if !taken {
			return errSoldOut
		}
	}
	return nil
}
