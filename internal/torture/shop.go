package torture

import (
	"context"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

const (
	// ShopID is the id of the one shop there is.
	ShopID = "torture"
	// asked and joined are the events that start the two journeys.
	asked, joined = "asked", "joined"
	// pause is the wait before a marketing mail.
	pause = time.Minute
)

// Publish makes the shop known. Its two journeys send one mail each:
// "receipt", transactional and at once, and "welcome", marketing and a minute
// after the fact.
func Publish(ctx context.Context, shop *crm.Shop) error {
	if err := shop.Configure(ctx, crm.Settings{
		Name: "和茶屋", From: mailer.Address{Name: "和茶屋", Email: "shop@tea.example.jp"},
		Legal: crm.Legal{
			Name: "和茶屋株式会社", Address: "東京都千代田区1-1", Contact: "help@tea.example.jp",
			OptOut: "https://tea.example.jp/optout?c={customer}",
		},
	}); err != nil {
		return err
	}
	// Some length, so that a worker can die in the middle of a body.
	body := strings.Repeat("いつもありがとうございます。\n", 40) + "{{template \"legal\" .}}"
	for _, t := range []crm.Template{
		{ID: "receipt", Class: crm.Transactional},
		{ID: "welcome", Class: crm.Marketing},
	} {
		t.Locales = map[string]crm.Words{"ja": {Subject: "お知らせ", Text: body}}
		if _, err := shop.PublishTemplate(ctx, t); err != nil {
			return err
		}
	}
	for _, j := range []crm.Journey{
		{
			ID: "receipt", Trigger: crm.OnFact{Fact: crm.FactCustom}, If: crm.Where("event.name", crm.Equal, asked),
			Steps: crm.Steps{crm.Send{Template: "receipt"}},
		},
		{
			ID: "welcome", Trigger: crm.OnFact{Fact: crm.FactCustom}, If: crm.Where("event.name", crm.Equal, joined),
			Steps: crm.Steps{crm.Wait{ID: "a-minute", For: pause}, crm.Send{Template: "welcome"}},
		},
	} {
		if _, err := shop.Publish(ctx, j); err != nil {
			return err
		}
	}
	return nil
}
