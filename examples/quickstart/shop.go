package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/storage/sqlite"
)

const (
	shopID     = "hill-hearth"
	shopURL    = "https://hill-hearth.example"
	mailDomain = "hill-hearth.example"
)

// A desk is all that one process needs to work for the shop. A real program
// makes the same three: a store, a mailer and, of both, a CRM. Only the clock
// is special here: a real one leaves crm.Config.Clock alone.
type desk struct {
	store *sqlite.Store
	relay *smtp.Mailer
	crm   *crm.CRM
	shop  *crm.Shop
	clock *crmtest.Clock
}

// openDesk opens the shop's database and gets the shop ready for work.
func openDesk(ctx context.Context, path, server string, m market, now time.Time) (*desk, error) {
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	relay, err := smtp.New(server, nil)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	d := &desk{store: store, relay: relay, clock: crmtest.NewClock(now)}
	d.crm, err = crm.New(store, relay, &crm.Config{Clock: d.clock.Now})
	if err == nil {
		d.shop = d.crm.Shop(shopID)
		err = d.publish(ctx, m)
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// close gives back what the desk holds.
func (d *desk) close() error {
	return errors.Join(d.relay.Close(), d.store.Close())
}

// publish tells goen what the shop is like and what it sends. Publishing equal
// content again changes nothing, so every process does it when it starts.
func (d *desk) publish(ctx context.Context, m market) error {
	if err := d.shop.Configure(ctx, m.settings()); err != nil {
		return err
	}
	if err := d.shop.SetLadder(ctx, m.ladder()); err != nil {
		return err
	}
	templates, err := readTemplates()
	if err != nil {
		return err
	}
	for _, t := range templates {
		if _, err := d.shop.PublishTemplate(ctx, t); err != nil {
			return err
		}
	}
	for _, j := range journeys(m) {
		if _, err := d.shop.Publish(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// A market is what differs between the shop in Japan and the one in Britain.
type market struct {
	lang     string // lang is "ja" or "en": the shop's locale.
	zone     *time.Location
	currency string
	question string // question is what is asked at the checkout.
	ranks    [3]int64
	bigCart  int64 // bigCart is from which amount on a cart is worth a coupon, in the currency's major unit.
}

// yenPerPound is about what a pound cost in 2011. The data set is in pounds.
const yenPerPound = 130

func newMarket(lang string) (market, error) {
	m := market{
		lang: "ja", currency: "JPY", question: "お得なお知らせをメールで受け取る",
		ranks: [3]int64{50_000, 200_000, 500_000}, bigCart: 10_000,
	}
	zone := "Asia/Tokyo"
	switch lang {
	case "ja":
	case "en":
		m.lang, m.currency, m.question = "en", "GBP", "Send me news and offers by email"
		m.ranks, m.bigCart = [3]int64{400_00, 1_500_00, 4_000_00}, 80
		zone = "Europe/London"
	default:
		return m, fmt.Errorf("-lang is ja or en, not %q", lang)
	}
	var err error
	m.zone, err = time.LoadLocation(zone)
	return m, err
}

// price is an amount of the data set in the shop's currency.
func (m market) price(pence int64) crm.Money {
	if m.currency == "JPY" {
		return crm.Yen((pence*yenPerPound + 50) / 100)
	}
	return crm.Money{Minor: pence, Currency: m.currency}
}

// payment makes up how an order is paid, as people in the country do.
func (m market) payment(order string) (crm.PaymentMethod, crm.PaymentState) {
	n := chance(100, order, "payment")
	switch {
	case m.lang == "en" || n < 65:
		return crm.Card, crm.PaymentAuthorised
	case n < 80:
		return crm.ConvenienceStore, crm.PaymentPending
	case n < 88:
		return crm.BankTransfer, crm.PaymentPending
	}
	return crm.CashOnDelivery, crm.PaymentOpen
}

func (m market) settings() crm.Settings {
	s := crm.Settings{
		Name: "英国雑貨 ヒル&ハース", URL: shopURL, TimeZone: m.zone.String(), Currency: m.currency, Locale: m.lang,
		From:    mailer.Address{Name: "英国雑貨 ヒル&ハース", Email: "shop@" + mailDomain},
		ReplyTo: mailer.Address{Name: "ヒル&ハース お客様係", Email: "care@" + mailDomain},
		Legal: crm.Legal{
			Name: "株式会社ヒルアンドハース", Address: "〒150-0000 東京都渋谷区丘の上1-2-3",
			Contact: "care@hill-hearth.example / 03-0000-0000",
		},
		Masked: []string{mallDomain},
	}
	if m.lang == "en" {
		s.Name, s.From.Name, s.ReplyTo.Name = "Hill & Hearth", "Hill & Hearth", "Hill & Hearth Care"
		s.Legal.Name, s.Legal.Address = "Hill & Hearth Ltd", "1 Hilltop Row, London N0 0AA"
		s.Legal.Contact = "care@hill-hearth.example / 020 7946 0000"
	}
	s.Legal.OptOut = shopURL + "/opt-out?customer={customer}&message={message}"
	return s
}

// ladder ranks customers by what they bought within a year.
func (m market) ladder() crm.Ladder {
	return crm.Ladder{
		Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 365,
		Ranks: []crm.RankStep{
			{ID: "bronze", Name: "Bronze", AtLeast: m.ranks[0]},
			{ID: "silver", Name: "Silver", AtLeast: m.ranks[1]},
			{ID: "gold", Name: "Gold", AtLeast: m.ranks[2]},
		},
	}
}
