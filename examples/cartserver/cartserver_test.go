package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
)

const hanako = "hanako@example.jp"

func TestCartLeftBehindIsRemindedOf(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		contains(t, b.get("/"), "煎茶", "1,400円")
		b.send("/cart/sencha", nil)
		contains(t, b.send("/cart/sencha", nil), "2,800円")
		b.contact(hanako)
		w.pass(29 * time.Minute)
		if s := w.subjects(); s != "" {
			t.Fatalf("mails too early: %s", s)
		}
		w.pass(2 * time.Minute)
		mails := w.mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails, want 1", len(mails))
		}
		if got := mails[0].To.Email; got != hanako {
			t.Error("the mail went elsewhere")
		}
		contains(t, mails[0].Subject, "山田", "カートにお茶が残っています")
		contains(t, mails[0].Text, "煎茶 100g × 2  2,800円", "京都市中京区")

		elsewhere := w.browser("en") // she reads her mail on another device
		link := regexp.MustCompile(`http\S+/cart/\S+`).FindString(mails[0].Text)
		contains(t, elsewhere.get(link), "Uji sencha", "¥2,800")
	})
}

func TestOrderEndsTheReminder(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/gyokuro", nil)
		b.contact(hanako)
		w.pass(10 * time.Minute)
		id := b.order("card")
		w.pass(24 * time.Hour)
		mails := w.mails()
		if len(mails) != 1 {
			t.Fatalf("mails:\n%s\nwant thanks alone", w.subjects())
		}
		contains(t, mails[0].Text, "玉露", "商品合計 2,600円", "送料 600円", "/orders/"+id)
		if c := w.customer(crm.GuestKey(hanako)); c.Purchases.Count != 1 || c.Purchases.Amount != crm.Yen(2600) {
			t.Errorf("purchases %+v, want one of 2,600 yen", c.Purchases)
		}
	})
}

// No worker came by between the end of the cart's rest and the order: the
// reminder was due, and must not go out all the same.
func TestOrderBeforeTheWorkerCame(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/gyokuro", nil)
		b.contact(hanako)
		w.clock.Set(w.clock.Now().Add(31 * time.Minute))
		b.order("card")
		w.must(w.crm.RunUntil(t.Context(), w.clock.Now()))
		contains(t, w.subjects(), "ご注文ありがとうございます")
		if n := len(w.mails()); n != 1 {
			t.Errorf("%d mails, want thanks alone:\n%s", n, w.subjects())
		}
		story, err := w.shop.Explain(t.Context(), crm.GuestKey(hanako))
		w.must(err)
		contains(t, story.String(), "bought")
	})
}

func TestOrderRolledBackWasNeverTold(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/matcha", nil)
		b.send("/cart/sencha", nil)
		b.contact(hanako)
		confirmed := b.confirmed("card")
		_, err := w.db.ExecContext(t.Context(), `UPDATE product SET stock = 0 WHERE id = 'sencha'`)
		w.must(err)
		b.refused(http.StatusConflict, "/orders", confirmed)

		if c := w.customer(crm.GuestKey(hanako)); len(c.Orders) > 0 || len(c.Carts) != 1 {
			t.Errorf("goen knows of %d orders and %d carts, want a cart", len(c.Orders), len(c.Carts))
		}
		for fact, err := range w.db.store.Facts(t.Context(), shopID, crm.FactQuery{}) {
			w.must(err)
			if fact.Type == string(crm.FactOrderSaved) {
				t.Error("the order is on record")
			}
		}
		if p, err := w.db.product(t.Context(), "ja", "matcha"); err != nil || p.Stock != 100 {
			t.Errorf("matcha: stock %d, error %v, want 100", p.Stock, err)
		}
		w.pass(time.Hour)
		contains(t, w.subjects(), "カートにお茶が残っています")
		if n := len(w.mails()); n != 1 {
			t.Errorf("%d mails, want the reminder alone", n)
		}
	})
}

func TestOrderIsPlacedOnce(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/matcha", nil)
		b.contact(hanako)
		form := b.confirmed("card")
		b.send("/cart/matcha", nil)
		b.refused(http.StatusConflict, "/orders", form) // the cart is not what she saw

		form = b.confirmed("card")
		_, _, first := b.do("POST", "/orders", form)
		_, _, second := b.do("POST", "/orders", form) // pressed twice
		if first != second || !strings.HasPrefix(first, "/orders/") {
			t.Errorf("two buttons pressed lead to %s and %s", first, second)
		}
		w.pass(time.Minute)
		if n := len(w.mails()); n != 1 {
			t.Errorf("%d mails, want thanks once", n)
		}
	})
}

var optOutLink = regexp.MustCompile(`http\S+/opt-out/\S+`)

func TestOptOut(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/sencha", nil)
		b.contact(hanako)
		w.pass(31 * time.Minute)
		mail := w.mails()[0]
		link := optOutLink.FindString(mail.Text)
		if got := header(mail, "List-Unsubscribe"); got != "<"+link+">" {
			t.Errorf("List-Unsubscribe is %q, want the link of the text", got)
		}
		if got := header(mail, "List-Unsubscribe-Post"); got != "List-Unsubscribe=One-Click" {
			t.Errorf("List-Unsubscribe-Post is %q", got)
		}

		contains(t, w.browser("en").get(link), "no more news")
		if !subscribed(w) {
			t.Error("looking at the page opted her out")
		}
		forged := link[:len(link)-1] + "x"
		if strings.HasSuffix(link, "x") {
			forged = link[:len(link)-1] + "y"
		}
		b.refused(http.StatusNotFound, forged, nil)
		b.refused(http.StatusNotFound, link[:strings.LastIndexByte(link, '.')], nil)
		if !subscribed(w) {
			t.Error("a forged link opted her out")
		}

		for range 2 { // her mail provider tries twice; it is another site and knows no cookies
			response, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
			w.must(err)
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatalf("one click: status %d", response.StatusCode)
			}
		}
		if subscribed(w) {
			t.Error("one click did not opt her out")
		}

		w.pass(8 * 24 * time.Hour) // the journey would take her again
		b.send("/cart/gyokuro", nil)
		w.pass(time.Hour)
		if n := len(w.mails()); n != 1 {
			t.Errorf("%d mails, want none after the first", n)
		}
		b.order("card") // about an order she is written to
		w.pass(time.Minute)
		if n := len(w.mails()); n != 2 {
			t.Errorf("%d mails, want thanks for the order", n)
		}
	})
}

func header(d *mailertest.Delivery, name string) string {
	i := slices.IndexFunc(d.Headers, func(h mailer.Header) bool { return h.Name == name })
	if i < 0 {
		return ""
	}
	return d.Headers[i].Value
}

// subscribed reports whether goen holds a yes for Hanako.
func subscribed(w *world) bool {
	consents := w.customer(crm.GuestKey(hanako)).Consents
	return len(consents) == 1 && consents[0].Granted
}

func TestStaffMovesOrdersOn(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b, staff := w.browser("en"), w.staff()
		if status, _, _ := b.do("GET", "/staff", nil); status != http.StatusUnauthorized {
			t.Errorf("without a password: status %d", status)
		}
		b.send("/cart/matcha", nil)
		b.contact(hanako)
		id := b.order("bank_transfer")
		if c := w.customer(crm.GuestKey(hanako)); c.Purchases.Count != 0 {
			t.Error("a transfer that has not come in counts as a purchase")
		}
		contains(t, staff.send("/staff/"+id+"/paid", nil), "山田 花子", "paid")
		if c := w.customer(crm.GuestKey(hanako)); c.Purchases.Count != 1 {
			t.Error("the transfer came in and the order does not count")
		}
		w.pass(time.Hour)
		staff.send("/staff/"+id+"/shipped", nil)
		staff.refused(http.StatusConflict, "/staff/"+id+"/shipped", nil)
		staff.refused(http.StatusConflict, "/staff/"+id+"/cancelled", nil)
		w.pass(time.Minute)
		contains(t, w.subjects(), "Thank you for your order", "Your tea is on its way")
		if n := len(w.mails()); n != 2 {
			t.Errorf("%d mails, want 2", n)
		}
		staff.send("/staff/"+id+"/delivered", nil)
		staff.send("/staff/"+id+"/refunded", nil)
		if c := w.customer(crm.GuestKey(hanako)); c.Purchases.Amount.Minor != 0 {
			t.Errorf("after the refund purchases are %v", c.Purchases.Amount)
		}
		contains(t, staff.get("/staff/messages"), "thanks", "shipped", "sent")
		contains(t, staff.get("/staff/customers/"+crm.GuestKey(hanako)), "refunded in whole", hanako)
		message := regexp.MustCompile(`/staff/messages/[^"]+`).FindString(staff.get("/staff/messages"))
		contains(t, staff.get(message), "Your tea is on its way", "left us today")
	})
}

func TestCancelledOrderPutsTeaBack(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("ja")
		b.send("/cart/matcha", nil)
		b.contact(hanako)
		id := b.order("cash_on_delivery")
		w.staff().send("/staff/"+id+"/cancelled", nil)
		if p, err := w.db.product(t.Context(), "ja", "matcha"); err != nil || p.Stock != 100 {
			t.Errorf("stock %d, error %v, want 100", p.Stock, err)
		}
		w.pass(time.Minute)
		if s := w.subjects(); s != "" {
			t.Errorf("a cancelled order is thanked for: %s", s)
		}
	})
}

func TestAccount(t *testing.T) {
	everyDatabase(t, func(w *world) {
		b := w.browser("en-GB,en;q=0.9")
		b.send("/cart/hojicha", nil)
		form := url.Values{
			"email": {" Anna@Example.com "}, "family": {"Smith"}, "given": {"Anna"}, "password": {"correct horse"}, "newsletter": {"1"},
		}
		contains(t, b.send("/sign-up", form), "My account", "anna@example.com")
		w.browser("ja").refused(http.StatusConflict, "/sign-up", form)
		w.pass(31 * time.Minute)
		contains(t, w.subjects(), "Welcome to Wachaya", "Your tea is still in your cart")
		if n := len(w.mails()); n != 2 {
			t.Errorf("%d mails, want 2:\n%s", n, w.subjects())
		}

		b.send("/log-out", nil)
		contains(t, b.get("/cart"), "nothing in it")
		form.Set("password", "wrong horse")
		b.refused(http.StatusForbidden, "/log-in", form)
		form.Set("password", "correct horse")
		contains(t, b.send("/log-in", form), "My account")

		form.Del("newsletter")
		form.Set("email", "anna@example.org")
		b.send("/account", form)
		var id string
		w.must(w.db.QueryRowContext(t.Context(), `SELECT id FROM account`).Scan(&id))
		if c := w.customer(id); c.Email != "anna@example.org" || c.Locale != "en" {
			t.Errorf("goen has locale %q, or not the new address", c.Locale)
		}
		w.pass(time.Minute)
		if n := len(w.mails()); n != 2 {
			t.Errorf("welcomed again: %d mails", n)
		}
		b.send("/account/erase", nil)
		contains(t, b.get("/account"), "Sign up")
		w.pass(time.Minute)
		if _, err := w.shop.Customer(t.Context(), id); err == nil {
			t.Error("she is still known")
		}
	})
}

func TestOtherSitesCannotSendForms(t *testing.T) {
	w := newWorld(t, t.TempDir()+"/shop.db")
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/cart/sencha", nil)
	w.must(err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(r)
	w.must(err)
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d, want 403", response.StatusCode)
	}
	w.browser("ja").refused(http.StatusBadRequest, "/sign-up", url.Values{"family": {"a\nb"}, "given": {"c"}, "email": {hanako}, "password": {"long enough"}})
}
