package crmtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// bodies make a fact's body of the command that records it.
var bodies = map[string]func(*Scenario, *command) crm.Body{
	"customer":  (*Scenario).customerSaved,
	"consent":   (*Scenario).consentChanged,
	"cart":      (*Scenario).cartUpdated,
	"order":     (*Scenario).orderSaved,
	"paid":      func(_ *Scenario, c *command) crm.Body { return crm.OrderPaid{Order: c.arg("order")} },
	"shipped":   func(_ *Scenario, c *command) crm.Body { return crm.OrderShipped{Order: c.arg("order")} },
	"delivered": func(_ *Scenario, c *command) crm.Body { return crm.OrderDelivered{Order: c.arg("order")} },
	"cancelled": func(_ *Scenario, c *command) crm.Body { return crm.OrderCancelled{Order: c.arg("order")} },
	"refunded":  (*Scenario).orderRefunded,
	"event":     (*Scenario).custom,
	"erase":     func(*Scenario, *command) crm.Body { return crm.CustomerErased{} },
}

// doFact records a fact. Whom it is about says by=, as an id or an address,
// and email= gives the address beside an id.
func (s *Scenario) doFact(c *command, body func(*Scenario, *command) crm.Body) error {
	f := crm.Fact{ID: c.text("id"), Customer: c.text("by"), Email: c.text("email"), Time: parse(c, "at", s.parseTime)}
	if strings.Contains(f.Customer, "@") {
		f.Customer, f.Email = "", f.Customer
	}
	s.meet(f.Email)
	f.Body = body(s, c)
	if c.err != nil || c.unread() != nil {
		return nil
	}
	return s.record(f)
}

// meet remembers an address, to print guests by it instead of by their keys.
func (s *Scenario) meet(email string) {
	if email != "" {
		s.guests = append(s.guests, crm.GuestKey(email), crm.NormalizeEmail(email))
	}
}

// named prints guests by their addresses.
func (s *Scenario) named(text string) string { return strings.NewReplacer(s.guests...).Replace(text) }

// key is the customer that a script calls by her id or address.
func (s *Scenario) key(who string) string {
	if strings.Contains(who, "@") {
		s.meet(who)
		return crm.GuestKey(who)
	}
	return who
}

func (s *Scenario) customerSaved(c *command) crm.Body {
	p := crm.CustomerPatch{
		Email: c.pointer("address"), FamilyName: c.pointer("family"), GivenName: c.pointer("given"),
		Locale: c.pointer("locale"), TimeZone: c.pointer("zone"), Hold: c.flag("hold"), Rank: c.pointer("rank"),
	}
	if p.Email != nil {
		s.meet(*p.Email)
	}
	for name, field := range map[string]**time.Time{"registered": &p.Registered, "withdrawn": &p.Withdrawn} {
		if text, ok := c.option(name); ok {
			t, err := s.parseTime(text)
			if err != nil {
				c.fail("%s: %w", name, err)
			}
			*field = &t
		}
	}
	if _, ok := c.options["bought"]; ok {
		p.Baseline = &crm.Baseline{Orders: parse(c, "bought", strconv.Atoi), Amount: s.price(parse(c, "spent", integer))}
	}
	for _, tag := range c.rest() {
		switch {
		case strings.HasPrefix(tag, "+"):
			p.AddTags = append(p.AddTags, tag[1:])
		case strings.HasPrefix(tag, "-"):
			p.RemoveTags = append(p.RemoveTags, tag[1:])
		default:
			c.fail("%q is no tag to put on (+) or to take off (-)", tag)
		}
	}
	p.Attributes = c.attributes()
	return crm.CustomerSaved{CustomerPatch: p}
}

func (s *Scenario) consentChanged(c *command) crm.Body {
	answer := c.arg("yes or no")
	if answer != "yes" && answer != "no" {
		c.fail("an answer is yes or no")
	}
	consent := crm.Consent{
		Granted: answer == "yes", Email: c.text("address"), Topic: c.text("topic"),
		Source: c.text("source"), Wording: c.text("wording"),
	}
	s.meet(consent.Email)
	return crm.ConsentChanged{Consent: consent}
}

func (s *Scenario) cartUpdated(c *command) crm.Body {
	return crm.CartUpdated{Cart: crm.Cart{
		ID: c.arg("cart"), Revision: parse(c, "revision", strconv.Atoi), RecoveryURL: c.text("url"), Items: s.items(c),
	}}
}

func (s *Scenario) orderSaved(c *command) crm.Body {
	o := crm.Order{
		ID: c.arg("order"), Revision: parse(c, "revision", strconv.Atoi), Kind: crm.OrderKind(c.text("kind")),
		Channel: c.text("channel"), Cart: c.text("cart"), PlacedAt: parse(c, "placed", s.parseTime),
		Promised: parse(c, "promised", s.parseTime), Method: crm.PaymentMethod(c.text("method")),
		Payment: crm.PaymentState(c.text("payment")),
	}
	if gift := c.flag("gift"); gift != nil {
		o.Gift = *gift
	}
	if n := parse(c, "discount", integer); n != 0 {
		o.Discount = s.price(n)
	}
	if n := parse(c, "shipping", integer); n != 0 {
		o.Shipping = s.price(n)
	}
	o.Lines = s.items(c)
	return crm.OrderSaved{Order: o}
}

func (s *Scenario) orderRefunded(c *command) crm.Body {
	r := crm.OrderRefunded{Order: c.arg("order"), Refund: c.text("refund")}
	if r.Refund == "" {
		r.Refund = "refund"
	}
	amount := c.arg("an amount or whole")
	if r.Whole = amount == "whole"; r.Whole {
		return r
	}
	n, err := integer(amount)
	if err != nil {
		c.fail("%q is neither an amount nor whole", amount)
	}
	r.Amount = s.price(n)
	return r
}

func (s *Scenario) custom(c *command) crm.Body {
	return crm.Custom{Name: c.arg("name"), Attributes: c.attributes()}
}

// attributes takes all options that are left.
func (c *command) attributes() map[string]string {
	if len(c.options) == 0 {
		return nil
	}
	all := c.options
	c.options = nil
	return all
}

// items takes the arguments that are left: each a product, its price and how
// many, as in "tea:1200x2".
func (s *Scenario) items(c *command) []crm.LineItem {
	var items []crm.LineItem
	currency, foreign := c.option("currency")
	for _, word := range c.rest() {
		product, rest, ok := strings.Cut(word, ":")
		text, many, several := strings.Cut(rest, "x")
		price, err := integer(text)
		count := 1
		if several && err == nil {
			count, err = strconv.Atoi(many)
		}
		if !ok || err != nil {
			c.fail("%q is no item such as %q", word, "tea:1200x2")
			return nil
		}
		item := crm.LineItem{Product: product, Title: product, Quantity: count, Price: s.price(price)}
		if foreign {
			item.Price.Currency = currency
		}
		items = append(items, item)
	}
	return items
}

// price is an amount in minor units of the shop's currency.
func (s *Scenario) price(minor int64) crm.Money {
	currency := s.options.Settings.Currency
	if currency == "" {
		currency = "JPY"
	}
	return crm.Money{Minor: minor, Currency: currency}
}

func integer(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return n, nil
}
