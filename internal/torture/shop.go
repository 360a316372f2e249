package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// The mails that a shop sends. Templates and journeys go by these names, and
// subjects begin with them.
const (
	Receipt  = "receipt"  // for an order, at once; transactional
	Parcel   = "parcel"   // for an order, a minute after it; transactional
	Welcome  = "welcome"  // a minute after she joined; marketing
	Reminder = "reminder" // a minute after she left a cart; service
)

// The custom events that start journeys.
const (
	joined  = "joined"
	leftOff = "left"
)

// wait is the wait before the mails that are not sent at once: the shortest
// there is.
const wait = time.Minute

// classes are the classes of the mails.
var classes = map[string]crm.Class{
	Receipt: crm.Transactional, Parcel: crm.Transactional, Welcome: crm.Marketing, Reminder: crm.Service,
}

// shopIDs returns the ids of n shops.
func shopIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("shop%d", i)
	}
	return ids
}

// Publish makes a shop known. Facts from before the clock's time start nothing.
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
	for id, class := range classes {
		t := crm.Template{ID: id, Class: class, Locales: map[string]crm.Words{
			"ja": {Subject: id + "{{with .Order}} {{.ID}}{{end}}", Text: body},
		}}
		if _, err := shop.PublishTemplate(ctx, t); err != nil {
			return err
		}
	}
	const whenever = 90 * 24 * time.Hour // no mail is ever too late
	aMinute := crm.Wait{ID: "a-minute", For: wait}
	custom := func(name string) (crm.Trigger, crm.Rule) {
		return crm.OnFact{Fact: crm.FactCustom}, crm.Where("event.name", crm.Equal, name)
	}
	order := crm.Journey{
		ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder,
		Exit: []crm.Rule{crm.On(crm.FactOrderCancelled)},
		Steps: crm.Steps{
			crm.Send{Template: Receipt, MaxLateness: whenever}, aMinute, crm.Send{Template: Parcel, MaxLateness: whenever},
		},
	}
	welcome := crm.Journey{ID: Welcome, Steps: crm.Steps{aMinute, crm.Send{Template: Welcome, MaxLateness: whenever}}}
	welcome.Trigger, welcome.If = custom(joined)
	reminder := crm.Journey{
		ID: Reminder, Exit: []crm.Rule{crm.On(crm.FactOrderPlaced)},
		Steps: crm.Steps{aMinute, crm.Send{Template: Reminder, MaxLateness: whenever}},
	}
	reminder.Trigger, reminder.If = custom(leftOff)
	for _, j := range []crm.Journey{order, welcome, reminder} {
		if _, err := shop.Publish(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// classOf returns the class of the mail with a subject.
func classOf(subject string) crm.Class {
	template, _, _ := strings.Cut(subject, " ")
	return classes[template]
}
