package main

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// The mails are files: mails/cart.ja.txt is "cart" in Japanese, its first line
// the subject.
//
//go:embed mails
var mails embed.FS

// classes are the mails, and what law and courtesy ask of each.
var classes = map[string]crm.Class{
	"welcome": crm.Service,
	"cart":    crm.Marketing,
	"thanks":  crm.Transactional,
	"shipped": crm.Transactional,
}

// journeys say when each is sent.
var journeys = []crm.Journey{
	{
		ID:      "welcome",
		Trigger: crm.OnFact{Fact: crm.FactCustomerSaved},
		If:      crm.Where("guest", crm.Equal, false),
		Once:    true,
		Steps:   crm.Steps{crm.Send{Template: "welcome"}},
	}, {
		ID:      "abandoned-cart",
		Trigger: crm.CartAbandoned{After: 30 * time.Minute},
		Exit:    []crm.Rule{crm.On(crm.FactOrderPlaced)},
		Steps:   crm.Steps{crm.Send{Template: "cart", MaxLateness: 2 * time.Hour}},
	}, {
		ID:      "thanks",
		Trigger: crm.OnFact{Fact: crm.FactOrderPlaced},
		Per:     crm.PerOrder,
		Exit:    []crm.Rule{crm.On(crm.FactOrderCancelled)},
		Steps:   crm.Steps{crm.Send{Template: "thanks"}},
	}, {
		ID:      "shipped",
		Trigger: crm.OnFact{Fact: crm.FactOrderShipped},
		Per:     crm.PerOrder,
		Steps:   crm.Steps{crm.Send{Template: "shipped"}},
	},
}

// publish tells goen what the shop is like and what it sends. Every process does
// it when it starts: publishing equal content again changes nothing.
func publish(ctx context.Context, shop *crm.Shop, l links) error {
	err := shop.Configure(ctx, crm.Settings{
		Name: "和茶屋", URL: l.base, TimeZone: "Asia/Tokyo", Currency: "JPY", Locale: "ja",
		From: mailer.Address{Name: "和茶屋", Email: "shop@tea.example"},
		Legal: crm.Legal{
			Name: "和茶屋株式会社", Address: "〒604-0000 京都市中京区一番町1", Contact: "help@tea.example", OptOut: l.pattern(),
		},
	})
	if err != nil {
		return err
	}
	for id, class := range classes {
		t := crm.Template{ID: id, Class: class, Locales: make(map[string]crm.Words)}
		for _, locale := range []string{"ja", "en"} {
			if t.Locales[locale], err = readMailFile(id, locale); err != nil {
				return err
			}
		}
		if _, err := shop.PublishTemplate(ctx, t); err != nil {
			return err
		}
	}
	for _, j := range journeys {
		if _, err := shop.Publish(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

func readMailFile(id, locale string) (crm.Words, error) {
	file, err := mails.ReadFile("mails/" + id + "." + locale + ".txt")
	if err != nil {
		return crm.Words{}, err
	}
	subject, text, found := strings.Cut(strings.ReplaceAll(string(file), "\r\n", "\n"), "\n\n")
	if !found {
		return crm.Words{}, fmt.Errorf("mail %s.%s has no text", id, locale)
	}
	return crm.Words{Subject: subject, Text: text}, nil
}
