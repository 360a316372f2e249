package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/emersion/go-message"

	"github.com/goen-crm/crm"
)

// staffOnly asks for the shop's password.
func (s *server) staffOnly(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visitor) error {
		_, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(digest(password)), []byte(digest(s.password))) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="staff", charset="UTF-8"`)
			return problem{http.StatusUnauthorized, "店舗スタッフ専用です。", "For the shop's staff."}
		}
		return next(w, r, v)
	}
}

// A task is what the staff does with an order.
type task struct {
	from []string // from are the states in which it can be done.
	fact func(o order) crm.Body
}

// tasks are named after the state that they lead to.
var tasks = map[string]task{
	"paid":      {[]string{"placed"}, func(o order) crm.Body { return crm.OrderPaid{Order: o.ID} }},
	"shipped":   {[]string{"placed", "paid"}, func(o order) crm.Body { return crm.OrderShipped{Order: o.ID} }},
	"delivered": {[]string{"shipped"}, func(o order) crm.Body { return crm.OrderDelivered{Order: o.ID} }},
	"cancelled": {[]string{"placed", "paid"}, func(o order) crm.Body { return crm.OrderCancelled{Order: o.ID} }},
	"refunded": {[]string{"paid", "shipped", "delivered"}, func(o order) crm.Body {
		return crm.OrderRefunded{Order: o.ID, Refund: "refund-" + o.ID, Whole: true}
	}},
}

// Tasks are what can be done with the order now.
func (o order) Tasks() []string {
	var list []string
	for _, name := range []string{"paid", "shipped", "delivered", "cancelled", "refunded"} {
		if slices.Contains(tasks[name].from, o.Status) {
			list = append(list, name)
		}
	}
	return list
}

// Key is the key by which goen knows whose order it is.
func (o order) Key() string {
	if o.Account == "" {
		return crm.GuestKey(o.Email)
	}
	return o.Account
}

func (s *server) staffOrders(w http.ResponseWriter, r *http.Request, v *visitor) error {
	list, err := s.db.orders(r.Context(), "")
	if err != nil {
		return err
	}
	return s.show(w, v, "staff", list)
}

// doTask moves an order on and tells goen, in one transaction. What was done
// meanwhile by a colleague is not done twice.
func (s *server) doTask(w http.ResponseWriter, r *http.Request, _ *visitor) error {
	ctx, name := r.Context(), r.PathValue("task")
	job, ok := tasks[name]
	if !ok {
		return errNotFound
	}
	list, err := s.db.orders(ctx, `WHERE id = $1`, r.PathValue("order"))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errNotFound
	}
	o := list[0]
	if !slices.Contains(job.from, o.Status) {
		return errDone
	}
	err = s.db.transact(ctx, func(tx *sql.Tx, goen crm.Appender) error {
		moved, err := changes(ctx, tx, `UPDATE orders SET status = $3 WHERE id = $1 AND status = $2`, o.ID, o.Status, name)
		if err != nil {
			return err
		}
		if !moved {
			return errDone
		}
		if err := s.shop.RecordIn(ctx, goen, o.fact(name, s.now(), job.fact(o))); err != nil {
			return err
		}
		if name == "cancelled" {
			return putBack(ctx, tx, o.Lines)
		}
		return nil
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/staff", http.StatusSeeOther)
	return nil
}

var errDone = problem{http.StatusConflict, "この操作は今の状態ではできません。", "The order is no longer in a state for that."}

// putBack puts the teas of a cancelled order back on the shelf.
func putBack(ctx context.Context, tx *sql.Tx, lines []item) error {
	for _, l := range lines {
		if _, err := tx.ExecContext(ctx, `UPDATE product SET stock = stock + $2 WHERE id = $1`, l.ID, l.Quantity); err != nil {
			return err
		}
	}
	return nil
}

// staffCustomer shows what goen makes of a customer, and why.
func (s *server) staffCustomer(w http.ResponseWriter, r *http.Request, v *visitor) error {
	customer, err := s.shop.Customer(r.Context(), r.PathValue("customer"))
	if err != nil {
		return err
	}
	story, err := s.shop.Explain(r.Context(), customer.ID)
	if err != nil {
		return err
	}
	return s.show(w, v, "customer", map[string]any{"Customer": customer, "Story": story.String()})
}

// staffMessages lists the latest messages.
func (s *server) staffMessages(w http.ResponseWriter, r *http.Request, v *visitor) error {
	const shown = 100
	var list []crm.Message
	for m, err := range s.shop.Messages(r.Context(), crm.MessageQuery{}) {
		if err != nil {
			return err
		}
		if list = append(list, m); len(list) == 2*shown {
			list = slices.Delete(list, 0, shown)
		}
	}
	slices.Reverse(list)
	return s.show(w, v, "messages", list[:min(shown, len(list))])
}

// staffMessage shows a mail as it was sent.
func (s *server) staffMessage(w http.ResponseWriter, r *http.Request, v *visitor) error {
	m, err := s.message(r.Context(), crm.MessageQuery{ID: r.PathValue("message"), Content: true})
	if err != nil {
		return err
	}
	subject, text, err := readMail(m.Content)
	if err != nil {
		return err
	}
	return s.show(w, v, "message", map[string]any{"Message": m, "Subject": subject, "Text": text})
}

// message returns one message, or errNotFound.
func (s *server) message(ctx context.Context, q crm.MessageQuery) (crm.Message, error) {
	for m, err := range s.shop.Messages(ctx, q) {
		return m, err
	}
	return crm.Message{}, errNotFound
}

// readMail returns subject and text of the mail that the mailer composed. There
// is none before the first try.
func readMail(raw []byte) (subject, text string, err error) {
	if raw == nil {
		return "", "", nil
	}
	entity, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		return "", "", fmt.Errorf("mail: %w", err)
	}
	body, err := io.ReadAll(entity.Body)
	if err != nil {
		return "", "", fmt.Errorf("mail: %w", err)
	}
	subject, err = entity.Header.Text("Subject")
	return subject, string(body), err
}
