// Package crm is CRM and step mail for the shopping cart you already have.
//
// Facts go in, messages come out. A cart tells goen what happened: a customer
// signed up, a cart changed, an order was placed, shipped, refunded. goen keeps
// each customer's picture exact (purchases, RFM, rank), moves her along
// journeys, and hands each message to a mailer when it is due: marketing at
// most once, transactional at least once, and nothing after a recorded fact
// that its journey ends on (she bought), an opt-out or an erasure.
//
//	store, err := sqlite.Open(ctx, "shop.db")
//	relay, err := smtp.New("smtp.example.jp:587", nil)
//	c, err := crm.New(store, relay, nil)
//
//	shop := c.Shop("tokyo-tea")
//	err = shop.Configure(ctx, settings)
//	_, err = shop.PublishTemplate(ctx, template)
//	_, err = shop.Publish(ctx, journey)
//
//	err = shop.Record(ctx, fact) // in a handler
//	err = c.Run(ctx)             // the worker, in this process or in others
//
// # Facts
//
// [Shop.Record] only appends: it is quick, idempotent by [Fact].ID, and runs no
// CRM logic, so that a checkout cannot be slowed or broken. Facts may arrive
// late, twice and in any order; the picture comes out the same. A guest is
// known by the digest of her address ([GuestKey]) until a fact with both a
// customer id and that address links her to an account.
//
// # Journeys
//
// A [Journey] is data: a [Trigger], rules to leave it, and steps: [Send],
// [Wait], [Branch], [GoTo]. [Shop.Publish] refuses one that could go wrong at
// run time, and lists everything that is wrong with it. Waits count from the
// time of the fact or timer that led to them, never from when a worker came by.
//
// # Messages
//
// The transaction that decides on a message writes it under a key made of the
// enrollment, step and visit. Sending is a separate act with recorded phases:
//
//	queued → claimed → started → sent | failed | unknown
//
// A message is not claimed while a recorded fact about its customer, address or
// cart waits to be folded: an order whose Record has returned always beats the
// mail. A worker that dies while sending leaves a message unknown; marketing
// and service mails are not sent again then, transactional ones are, once.
// [Shop.Explain] tells why a customer got each mail, and why not another.
//
// # Rules and measures
//
// A [Rule] asks about a customer and the fact just seen. [Shop.Members] lists
// for whom it holds, [Shop.RFM] scores customers as of any day, and a [Ladder]
// gives them ranks.
//
// # Stores, mailers, time
//
// A [Store] is about ten calls; storage/sqlite, storage/postgres and
// storage/mysql are for production, storage/memory is the reference, and
// storage/storagetest is the suite that they pass. What a store can do beyond
// that are interfaces of their own: [Importer], [Intake], [Counter], [Purger],
// [Timekeeper]. A mailer is one method: see package mailer. Package crmtest runs
// journeys in virtual time.
//
// # Running
//
// Any number of processes may call [CRM.Run]. [CRM.Health] and [CRM.Backlog]
// tell how they are doing, [Hooks] feed metrics. [Shop.Import] takes in history,
// [Shop.Erase], [Shop.StopUse] and [Shop.Disclose] answer what customers ask for
// by right, and [Retention] drops what is no longer kept.
package crm
