package main

import (
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// The people and their orders are like those of examples/quickstart: an account
// with an address that comes with every fact, orders of a few lines, three of
// four out of a cart.

const itemURL = "https://hill-hearth.example"

// A person is a customer by number.
type person int

func (p person) id() string { return fmt.Sprintf("C%08d", scatter(int(p))) }

func (p person) email() string { return fmt.Sprintf("hanako.yamamoto.%08d@post.example", int(p)) }

// scatter spreads numbers over eight digits, as ids of a real cart are spread
// over an index.
func scatter(n int) int { return n * 7368787 % 100_000_000 }

// fact is a fact about the person. It is numbered so that ids are unique.
func (p person) fact(at time.Time, kind string, body crm.Body) crm.Fact {
	return crm.Fact{ID: fmt.Sprintf("%s-%s", kind, p.id()), Time: at, Customer: p.id(), Email: p.email(), Body: body}
}

// joins is how a customer comes to be: she opens an account and wants mail.
func (p person) joins(at time.Time) []crm.Fact {
	email, locale := p.email(), "ja"
	family, given, familyKana, givenKana := "山本", "花子", "ヤマモト", "ハナコ"
	return []crm.Fact{
		p.fact(at, "joined", crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{
			Email: &email, Locale: &locale, FamilyName: &family, GivenName: &given,
			FamilyKana: &familyKana, GivenKana: &givenKana, Registered: &at,
		}}),
		p.fact(at.Add(time.Minute), "opt-in", crm.ConsentChanged{Consent: crm.Consent{
			Granted: true, Source: "checkout", Form: "checkout-1", Wording: "お得なお知らせをメールで受け取る",
		}}),
	}
}

// buys is an order of hers, paid by card.
func (p person) buys(at time.Time, n int) crm.Fact {
	kind := fmt.Sprintf("order-%d", n)
	order := crm.Order{
		ID: fmt.Sprintf("%d-%d", 536365+scatter(int(p)), n), Number: fmt.Sprintf("%d-%d", 536365+scatter(int(p)), n), Channel: channels[int(p)%len(channels)],
		PlacedAt: at, Promised: at.Add(6 * day), Method: crm.Card, Payment: crm.PaymentAuthorised,
		Shipping: crm.Yen(650), Lines: basket(int(p)+n, 2+int(p)%3),
	}
	if int(p)%4 > 0 {
		order.Cart = fmt.Sprintf("cart-%s", order.ID)
	}
	return p.fact(at, kind, crm.OrderSaved{Order: order})
}

// receives is the delivery of the nth order.
func (p person) receives(at time.Time, n int) crm.Fact {
	return p.fact(at, fmt.Sprintf("delivered-%d", n), crm.OrderDelivered{Order: fmt.Sprintf("%d-%d", 536365+scatter(int(p)), n)})
}

// channels are where orders come from, each as many as any other.
var channels = [...]string{"shop", "app", "mall", "phone", "store"}

var goods = []struct {
	code, title string
	yen         int64
}{
	{"85123A", "White Hanging Heart T-Light Holder", 332},
	{"71053", "White Metal Lantern", 441},
	{"84406B", "Cream Cupid Hearts Coat Hanger", 358},
	{"22752", "Set 7 Babushka Nesting Boxes", 995},
	{"21730", "Glass Star Frosted T-Light Holder", 553},
	{"22633", "Hand Warmer Union Jack", 241},
	{"84879", "Assorted Colour Bird Ornament", 220},
}

func basket(from, n int) []crm.LineItem {
	lines := make([]crm.LineItem, n)
	for i := range lines {
		g := goods[(from+i)%len(goods)]
		lines[i] = crm.LineItem{
			Product: g.code, Title: g.title, Quantity: 2 + i, Price: crm.Yen(g.yen),
			URL: itemURL + "/items/" + g.code, Image: itemURL + "/images/" + g.code + ".jpg",
		}
	}
	return lines
}
