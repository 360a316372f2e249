package main

import (
	"time"

	"github.com/goen-crm/crm"
)

const day = 24 * time.Hour

// journeys are what the shop sends, and when. They are plain data: the same
// could be read from JSON.
func journeys(m market) []crm.Journey {
	return []crm.Journey{firstPurchase, secondPurchase, cartRecovery(m), promotion}
}

// firstPurchase takes a first buyer's doubts away. It offers nothing, so it is
// a service and needs no grant.
var firstPurchase = crm.Journey{
	ID:      "first-purchase",
	Trigger: crm.OnFact{Fact: crm.FactOrderCounted},
	If:      crm.OrdersEqual(1),
	Per:     crm.PerOrder,
	Exit:    []crm.Rule{crm.On(crm.FactOrderCancelled)},
	Steps: crm.Steps{
		crm.Wait{ID: "an-hour", For: time.Hour},
		crm.Send{Template: "first-thanks"},
		crm.Wait{ID: "nine-days", Days: 9},
		crm.Send{Template: "first-care", MaxLateness: 3 * day},
	},
}

// secondPurchase (F2) asks a first buyer back, once in her life, until she
// comes.
var secondPurchase = crm.Journey{
	ID:      "second-purchase",
	Trigger: crm.OnFact{Fact: crm.FactOrderDelivered},
	If:      crm.OrdersEqual(1),
	Once:    true,
	Exit:    []crm.Rule{crm.On(crm.FactOrderPlaced), crm.On(crm.FactOrderRefunded), crm.On(crm.FactOrderCancelled)},
	Steps: crm.Steps{
		crm.Wait{ID: "two-weeks", Days: 14},
		crm.Send{Template: "f2-next"},
		crm.Wait{ID: "a-month", Days: 16},
		crm.Send{Template: "f2-pairing"},
		crm.Wait{ID: "two-months", Days: 30},
		crm.Send{Template: "f2-coupon", MaxLateness: 2 * day},
	},
}

// cartRecovery reminds of a cart left behind: at once, after a day, and after
// three. An order ends it, and so do an emptied cart and an opt-out.
func cartRecovery(m market) crm.Journey {
	big := crm.Where("cart.amount", crm.AtLeast, m.bigCart)
	return crm.Journey{
		ID:      "cart-recovery",
		Trigger: crm.CartAbandoned{After: 30 * time.Minute},
		Exit:    []crm.Rule{crm.On(crm.FactOrderPlaced)},
		Steps: crm.Steps{
			crm.Send{Template: "cart-reminder", MaxLateness: 3 * time.Hour},
			crm.Wait{ID: "a-day", For: day},
			crm.Send{Template: "cart-questions", MaxLateness: 12 * time.Hour},
			crm.Wait{ID: "two-more-days", For: 2 * day},
			crm.Branch{ID: "who", Cases: []crm.Case{
				{If: crm.RankAtLeast("gold"), Then: crm.Steps{crm.Send{Template: "cart-gold"}}},
				{If: big, Then: crm.Steps{crm.Send{Template: "cart-coupon"}}},
			}},
		},
	}
}

// promotion congratulates on a higher rank. Moving down is silent.
var promotion = crm.Journey{
	ID:      "promotion",
	Trigger: crm.OnFact{Fact: crm.FactRankChanged},
	If:      crm.Where("rank.promotion", crm.Equal, true),
	Steps: crm.Steps{
		crm.Wait{ID: "three-hours", For: 3 * time.Hour},
		crm.Send{Template: "rank-up"},
	},
}

// sends are the ids of the steps that send a mail, in order.
func sends(steps crm.Steps) []string {
	var ids []string
	for _, step := range steps {
		switch step := step.(type) {
		case crm.Send:
			ids = append(ids, step.StepID())
		case crm.Branch:
			for _, c := range step.Cases {
				ids = append(ids, sends(c.Then)...)
			}
			ids = append(ids, sends(step.Else)...)
		}
	}
	return ids
}
