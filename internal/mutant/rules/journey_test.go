package rules_test

import (
	"errors"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// An order ends a cart's journey, and what that has queued is not sent.
func TestExitStopsQueuedMessage(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	s.Record(consent(true), carted(c1, hanako))
	s.Clock.Set(s.Clock.Now().Add(idle))
	s.decide()
	s.wantMessage("first", crm.MessageQueued, "")
	s.Record(ordered(c1, hanako, "k1"))
	s.Advance(48 * time.Hour)
	s.wantMails()
	s.wantMessage("first", crm.MessageSkipped, crm.ReasonBought)
}

// An order that is told late, from before the run began, still ends the run.
func TestLateOrderEndsTheRun(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	s.Record(consent(true), carted(c1, hanako))
	late := ordered(c1, hanako, "")
	late.Time = s.Clock.Now().Add(10 * time.Minute)
	s.Advance(idle + soon)
	s.wantMails("first")
	s.Record(late)
	s.Advance(48 * time.Hour)
	s.wantMails("first")
	s.wantLog(crm.DecidedExit, 1)
}

// A fact and a timer at one instant: the fact comes first, and no run begins.
func TestFactComesBeforeTimer(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	s.Record(consent(true), carted(c1, hanako))
	justInTime := ordered(c1, hanako, "k1")
	justInTime.Time = s.Clock.Now().Add(idle)
	s.Clock.Set(justInTime.Time)
	s.Record(justInTime)
	s.Advance(48 * time.Hour)
	s.wantMails()
	s.wantLog(crm.DecidedEnroll, 0)
}

// A cart left by a guest is bought by a member who goes by another address.
func TestOrderOutOfTheCart(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	agreed := consent(true)
	agreed.Customer = ""
	s.Record(agreed, carted("", hanako))
	s.Advance(soon)
	s.Record(ordered("c2", "other@example.jp", "k1"))
	s.Advance(48 * time.Hour)
	s.wantMails()
}

// A cart left by a guest, and an order of a member with the guest's address.
func TestOrderFromTheAddress(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	agreed := consent(true)
	agreed.Customer = ""
	s.Record(agreed, carted("", hanako))
	s.Advance(soon)
	s.Record(ordered(c1, hanako, ""))
	s.Advance(48 * time.Hour)
	s.wantMails()
}

// What is recorded about a message's address or cart, and not folded yet,
// keeps it from being claimed, whoever it was recorded about.
func TestFenceKnowsAddressAndCart(t *testing.T) {
	for name, fact := range map[string]crm.Fact{
		"address": ordered("", hanako, ""),
		"cart":    {Body: crm.CartUpdated{Cart: crm.Cart{ID: "k1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, crm.Config{})
			s.remindsOfCarts()
			s.Record(consent(true), carted(c1, hanako))
			s.Clock.Set(s.Clock.Now().Add(idle))
			s.decide()
			if steps := s.claimable(); len(steps) != 1 {
				t.Fatalf("claimed are %q, want one message", steps)
			}
			s.Record(fact) // the claim has run out at once, so the message is free again
			if steps := s.claimable(); len(steps) != 0 {
				t.Errorf("claimed are %q while a fact waits", steps)
			}
		})
	}
}

// A cart's journey leaves her alone for a while after it has come to its end.
func TestCooldown(t *testing.T) {
	s := open(t, crm.Config{})
	s.remindsOfCarts()
	s.Record(consent(true), carted(c1, hanako))
	s.Advance(48 * time.Hour)
	s.Record(carted(c1, hanako))
	s.Advance(48 * time.Hour)
	s.wantMails("first", "second")
	s.wantLog(crm.DecidedRefuse, 1)
}

// A run stays in the version of the journey it began in.
func TestVersionIsPinned(t *testing.T) {
	s := open(t, crm.Config{})
	version := func(template string) crm.Journey {
		return crm.Journey{ID: "event", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{
			crm.Wait{ID: "a-day", For: 24 * time.Hour}, crm.Send{Template: template},
		}}
	}
	s.Publish(version("first"))
	s.Record(consent(true), happened())
	s.Advance(soon)
	s.Publish(version("second"))
	s.Advance(48 * time.Hour)
	s.wantMails("first")
}

// A worker that holds older definitions than the database reads them again
// before it decides.
func TestStaleDefinitionsAreReloaded(t *testing.T) {
	s := open(t, crm.Config{})
	s.Record(consent(true))
	s.decide() // the other worker has read the definitions now
	s.sends("marketing")
	s.Record(happened())
	s.decide()
	s.wantMessage("marketing", crm.MessageQueued, "")
}

// A fact that is older than the request to forget her is swallowed, whenever
// it comes.
func TestErasureSwallowsOlderFacts(t *testing.T) {
	s := open(t, crm.Config{})
	s.Record(happened())
	s.Advance(soon)
	late := ordered(c1, hanako, "")
	late.Time = s.Clock.Now()
	s.Advance(soon)
	s.Record(crm.Fact{Customer: c1, Body: crm.CustomerErased{}})
	s.Advance(soon)
	s.Record(late)
	s.Advance(soon)
	if c, err := s.Shop.Customer(t.Context(), c1); !errors.Is(err, crm.ErrErased) {
		t.Errorf("she is known again: %+v, %v", c, err)
	}
}
