package crm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

// An hour after an order became a purchase, thanks in the tone that fits: for
// those with a rank, for those who come again, and for everybody else.
func ExampleBranch() {
	s := crmtest.New(crmtest.Program{}, nil)
	s.Ladder(crm.Ladder{
		Measure: crm.RankByCount, Window: crm.LifetimeWindow,
		Ranks: []crm.RankStep{{ID: "silver", AtLeast: 3}, {ID: "gold", AtLeast: 6}},
	})
	s.Template(
		english("thanks-gold", crm.Service, "A word from the manager", "…"),
		english("thanks-again", crm.Service, "Good to see you again", "…"),
		english("thanks-first", crm.Service, "Good choice", "…"),
	)
	s.Publish(crm.Journey{
		ID:      "thanks",
		Trigger: crm.OnFact{Fact: crm.FactOrderCounted},
		Per:     crm.PerOrder,
		Exit:    []crm.Rule{crm.On(crm.FactOrderCancelled)},
		Steps: crm.Steps{
			crm.Wait{ID: "an-hour", For: time.Hour},
			crm.Branch{
				ID: "who",
				Cases: []crm.Case{
					{If: crm.RankAtLeast("silver"), Then: crm.Steps{crm.Send{Template: "thanks-gold"}}},
					{If: crm.OrdersAtLeast(2), Then: crm.Steps{crm.Send{Template: "thanks-again"}}},
				},
				Else: crm.Steps{crm.Send{Template: "thanks-first"}},
			},
		},
	})

	for i := range 3 {
		s.Record(crm.Fact{
			Customer: "c1", Email: "hanako@example.jp",
			Body: crm.OrderSaved{Order: crm.Order{ID: fmt.Sprint("order-", i+1), Lines: []crm.LineItem{tea}}},
		})
		s.Advance(24 * time.Hour)
	}
	for _, mail := range s.Mails() {
		fmt.Println(mail.Subject)
	}
	// Output:
	// Good choice
	// Good to see you again
	// A word from the manager
}

// A journey is data: what is written in Go can be kept, sent and edited as JSON.
func ExampleJourney_MarshalJSON() {
	journey := crm.Journey{
		ID:      "win-back",
		Trigger: crm.OnFact{Fact: crm.FactOrderDelivered},
		If:      crm.All(crm.OrdersAtLeast(2), crm.Not(crm.HasTag("wholesale"))),
		Exit:    []crm.Rule{crm.On(crm.FactOrderPlaced)},
		Steps: crm.Steps{
			crm.Wait{ID: "a-season", Days: 120},
			crm.Send{Template: "news", MaxLateness: 48 * time.Hour},
		},
	}
	text, err := json.MarshalIndent(journey, "", "  ")
	check(err)
	fmt.Println(string(text))

	var again crm.Journey
	check(json.Unmarshal(text, &again))
	fmt.Println(again.Validate())
	// Output:
	// {
	//   "id": "win-back",
	//   "trigger": {
	//     "type": "fact",
	//     "fact": "order_delivered"
	//   },
	//   "if": {
	//     "all": [
	//       {
	//         "field": "orders",
	//         "op": "\u003e=",
	//         "value": 2
	//       },
	//       {
	//         "not": {
	//           "field": "tags",
	//           "op": "has",
	//           "value": "wholesale"
	//         }
	//       }
	//     ]
	//   },
	//   "exit": [
	//     {
	//       "fact": "order_placed"
	//     }
	//   ],
	//   "steps": [
	//     {
	//       "type": "wait",
	//       "id": "a-season",
	//       "days": 120
	//     },
	//     {
	//       "type": "send",
	//       "template": "news",
	//       "max_lateness": "48h0m0s"
	//     }
	//   ]
	// }
	// <nil>
}

// Publishing equal content gives the version that is there, so that every
// process may publish at its start.
func ExampleShop_Publish() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	s.Template(english("care", crm.Service, "How to brew it", "…"))

	journey := crm.Journey{
		ID: "care", Trigger: crm.OnFact{Fact: crm.FactOrderDelivered},
		Steps: crm.Steps{crm.Wait{ID: "days", Days: 5}, crm.Send{Template: "care"}},
	}
	fmt.Println(s.Shop.Publish(ctx, journey))
	fmt.Println(s.Shop.Publish(ctx, journey))
	journey.Steps[0] = crm.Wait{ID: "days", Days: 3}
	fmt.Println(s.Shop.Publish(ctx, journey))
	// Output:
	// 1 <nil>
	// 1 <nil>
	// 2 <nil>
}

// What could go wrong later is refused now, all of it at once, with its place.
func ExamplePublishError() {
	ctx := context.Background()
	s := crmtest.New(crmtest.Program{}, nil)
	_, err := s.Shop.Publish(ctx, crm.Journey{
		ID:      "recovery",
		Trigger: crm.CartAbandoned{After: 5 * time.Minute},
		Steps: crm.Steps{
			crm.Send{Template: "reminder"},
			crm.Branch{ID: "who", Cases: []crm.Case{
				{If: crm.Where("ordres", crm.AtLeast, 2), Then: crm.Steps{crm.Wait{ID: "wait"}}},
			}},
			crm.GoTo{ID: "again", Step: "remindr"},
		},
	})
	var refused *crm.PublishError
	if errors.As(err, &refused) {
		for _, problem := range refused.Problems {
			fmt.Println(problem.Field)
		}
	}
	fmt.Println(err)
	// Output:
	// Trigger.After
	// Steps[1].Cases[0].If.Field
	// Steps[1].Cases[0].Then[0].For
	// Steps[2].Step
	// Steps[0].Template
	// crm: journey "recovery" cannot be published:
	// 	Trigger.After must be 15 minutes to 90 days
	// 	Steps[1].Cases[0].If.Field is not known
	// 	Steps[1].Cases[0].Then[0].For or Days must be set, and not both
	// 	Steps[2].Step is no step of the journey
	// 	Steps[0].Template is not published
}
