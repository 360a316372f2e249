// Package crmtest lets a shop's own journeys be tested in milliseconds: a
// [Scenario] is a shop with a virtual clock and a mailer that records.
//
//	func TestCartReminder(t *testing.T) {
//		s := crmtest.New(t, nil)
//		s.Template(reminder)
//		s.Publish(cartRecovery)
//		s.Record(
//			crm.Fact{Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true}}},
//			crm.Fact{Email: "hanako@example.jp", Body: crm.CartUpdated{Cart: cart}},
//		)
//		s.Advance(31 * time.Minute)
//		if n := len(s.Mails()); n != 1 {
//			t.Fatalf("%d mails, want 1\n%s", n, s.Explain(crm.GuestKey("hanako@example.jp")))
//		}
//	}
//
// # Scripts
//
// What journeys do is easier to read, and to agree on, as a script: commands,
// and what happens after each, in the shop's local time.
//
//	# She changes her mind.
//	consent yes by=hanako@example.jp
//	cart k1 by=hanako@example.jp tea:1200x2
//	advance 31m
//	----
//	2026-04-01 10:30  hanako@example.jp  enroll cart
//	2026-04-01 10:30  hanako@example.jp  queue cart/cart-1
//	2026-04-01 10:30  hanako@example.jp  wait cart/a-day until 2026-04-02 10:30
//	2026-04-01 10:30  hanako@example.jp  send cart/cart-1 to hanako@example.jp: Did you forget something?
//
//	order o1 by=c1 email=hanako@example.jp cart=k1 tea:1200x2
//	----
//	2026-04-01 10:31  c1  merge hanako@example.jp
//	2026-04-01 10:31  c1  exit cart/a-day (bought)
//
// [RunScript] runs a file of such blocks and compares what happens with what
// is below the dashes, or writes it there if it is told to. [Scenario.Do] runs
// commands from Go. Blocks are separated by blank lines. A line that begins
// with "#" is a comment; a line that is indented belongs to the command above
// it. Words with spaces are put in double quotes.
//
// Facts. Each takes by=, a customer's id or a guest's address, email=, the
// address beside an id, at=, when it happened ("10:05", "2026-04-01 10:05" or
// "-5m"; now if left out), and id=.
//
//	customer [+TAG] [-TAG] [address=] [family=] [given=] [locale=] [zone=]
//	         [rank=] [hold=yes|no] [registered=] [withdrawn=]
//	         [bought=N spent=AMOUNT] [ATTRIBUTE=VALUE …]
//	consent  yes|no [address=] [topic=] [source=] [wording=]
//	cart     ID [ITEM …] [revision=] [url=] [currency=]
//	order    ID [ITEM …] [cart=] [method=] [payment=] [kind=] [channel=]
//	         [placed=] [promised=] [gift=yes|no] [discount=] [shipping=]
//	         [revision=] [currency=]
//	paid     ORDER
//	shipped  ORDER
//	delivered ORDER
//	cancelled ORDER
//	refunded ORDER AMOUNT|whole [refund=ID]
//	event    NAME [ATTRIBUTE=VALUE …]
//	erase
//
// An ITEM is a product, its price in minor units, and how many of it:
// "tea:1200x2", or "tea:1200" for one.
//
// The shop. The body of a journey, a ladder or a rule is its JSON, that of a
// template its text.
//
//	shop     [zone=] [currency=] [locale=] [name=] [legal=yes|no] [live=TIME]
//	         [start=TIME]  (start is when the script begins; before all else)
//	template ID class=CLASS [subject=] [locale=]
//	journey
//	ladder
//
// Time, and what may go wrong. Workers follow every command at once.
//
//	advance  DURATION      as "90m" or "3d"
//	at       TIME          moves on to a time
//	stop                   no worker runs from now on
//	start                  workers run again
//	mode     live|dry|off
//	mailer   ok|temporary|permanent|lost
//
// Looking.
//
//	show     CUSTOMER      her picture
//	explain  CUSTOMER      her story
//	messages [CUSTOMER]    the outbox
//	mails    [text=yes]    what was sent
//	members                for whom the rule in its body holds
package crmtest
