package main

import (
	"context"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

const (
	day    = 24 * time.Hour
	shopID = "hill-hearth"
)

// opening is when the shop begins; journeys start on facts from then on.
var opening = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// A plan is how a shop ranks its customers and what it sends them.
type plan struct {
	ladder   crm.Ladder
	journeys []crm.Journey
}

// publish makes a shop known, with all that it plans.
func (p plan) publish(ctx context.Context, shop *crm.Shop) error {
	if err := shop.Configure(ctx, settings()); err != nil {
		return err
	}
	if err := shop.SetLadder(ctx, p.ladder); err != nil {
		return err
	}
	for id, class := range classes {
		t := crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{"ja": {Subject: "{{.Name}}、お選びの品にあう新着のご案内です", Text: words}}}
		if _, err := shop.PublishTemplate(ctx, t); err != nil {
			return err
		}
	}
	for _, j := range p.journeys {
		if _, err := shop.Publish(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// classes are the mails.
var classes = map[string]crm.Class{
	"first-thanks": crm.Service, "f2-next": crm.Marketing, "f2-pairing": crm.Marketing, "f2-coupon": crm.Marketing,
}

func settings() crm.Settings {
	return crm.Settings{
		Name: "英国雑貨 ヒル&ハース", URL: "https://hill-hearth.example",
		From:    mailer.Address{Name: "英国雑貨 ヒル&ハース", Email: "shop@hill-hearth.example"},
		ReplyTo: mailer.Address{Name: "ヒル&ハース お客様係", Email: "care@hill-hearth.example"},
		Legal: crm.Legal{
			Name: "株式会社ヒルアンドハース", Address: "〒150-0000 東京都渋谷区丘の上1-2-3",
			Contact: "care@hill-hearth.example / 03-0000-0000",
			OptOut:  "https://hill-hearth.example/opt-out?customer={customer}&message={message}",
		},
	}
}

var threeRanks = crm.Ladder{
	Measure: crm.RankByAmount, Window: crm.RollingWindow, Days: 365,
	Ranks: []crm.RankStep{
		{ID: "bronze", Name: "Bronze", AtLeast: 50_000},
		{ID: "silver", Name: "Silver", AtLeast: 200_000},
		{ID: "gold", Name: "Gold", AtLeast: 500_000},
	},
}

// firstWait and secondWait are the waits of secondPurchase.
const firstWait, secondWait = 14, 16

// simple is a shop with three ranks and one journey.
var simple = plan{threeRanks, []crm.Journey{secondPurchase}}

// secondPurchase asks a first buyer back: three steps, of which each is one
// visit that is written down with its message.
var secondPurchase = crm.Journey{
	ID:      "second-purchase",
	Trigger: crm.OnFact{Fact: crm.FactOrderDelivered},
	If:      crm.OrdersEqual(1),
	Once:    true,
	Exit:    []crm.Rule{crm.On(crm.FactOrderPlaced), crm.On(crm.FactOrderRefunded), crm.On(crm.FactOrderCancelled)},
	Steps: crm.Steps{
		crm.Send{Template: "f2-next", MaxLateness: 80 * day},
		crm.Wait{ID: "two-weeks", Days: firstWait},
		crm.Send{Template: "f2-pairing", MaxLateness: 80 * day},
		crm.Wait{ID: "a-month", Days: secondWait},
		crm.Send{Template: "f2-coupon", MaxLateness: 80 * day},
	},
}

// words make a mail of about 2 KB.
const words = `{{.Name}}

英国雑貨 ヒル&ハースの森田です。
{{with .Order}}{{date .PlacedAt}}にお求めいただいた
「{{(index .Lines 0).Title}}」は、お手元になじんできた頃でしょうか。
{{end}}
当店では二つ目、三つ目と少しずつ揃えてくださるお客様が多く、
同じ色や同じ柄で合わせると、お部屋や食卓がぐっとまとまって見えます。

▼ 今週の新着
{{.Shop.URL}}/new

店長 森田

{{template "legal" .}}`
