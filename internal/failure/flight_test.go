package failure_test

import (
	"errors"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// A moment is where a mail is when something happens to its customer.
type moment string

// The moments, in the order in which a mail comes to them.
const (
	queued         moment = "queued"
	recordedOnly   moment = "claimed, and the fact is not folded yet"
	whileClaimed   moment = "claimed"
	whileStarted   moment = "started"
	startedToFail  moment = "started, and put off by the mail system"
	startedAndLost moment = "started, and its answer is lost"
	afterSent      moment = "sent"
)

var moments = []moment{queued, recordedOnly, whileClaimed, whileStarted, startedToFail, startedAndLost, afterSent}

// A twist is something that happens to a customer while news for her are in
// flight.
type twist struct {
	name string
	// guest: she ordered as a guest.
	guest  bool
	fact   func(customer string) crm.Fact
	reason crm.Reason // why the news are not sent; "": they are
	// check looks at what else must hold in the end.
	check func(w *town, p *process, customer string)
}

var twists = []twist{
	{
		name: "refund",
		fact: func(customer string) crm.Fact {
			return crm.Fact{Customer: customer, Body: crm.OrderRefunded{Order: "o-" + customer, Refund: "r", Whole: true}}
		},
		reason: crm.ReasonExit,
		check: func(w *town, p *process, customer string) {
			c, err := p.shop.Customer(w.Context(), customer)
			w.must(err)
			if c.Purchases.Count != 0 || !c.Purchases.Amount.IsZero() || c.Orders[0].Status != crm.StatusRefunded {
				w.Errorf("after the refund she has %+v", c.Purchases)
			}
		},
	},
	{
		name:   "opt-out",
		fact:   func(customer string) crm.Fact { return agrees(customer, false) },
		reason: crm.ReasonOptedOut,
	},
	{
		name: "erasure",
		fact: func(customer string) crm.Fact {
			return crm.Fact{Customer: customer, Email: email(customer), Body: crm.CustomerErased{}}
		},
		reason: crm.ReasonErased,
		check: func(w *town, p *process, customer string) {
			if _, err := p.shop.Customer(w.Context(), customer); !errors.Is(err, crm.ErrErased) {
				w.Errorf("the erased customer is shown: %v", err)
			}
			for _, m := range w.messages(p, customer) {
				if m.To != "" || m.Content != nil {
					w.Errorf("of the message %s, which is %s, address or content are left", m.Template, m.State)
				}
			}
		},
	},
	{
		name:  "merge of the guest into an account",
		guest: true,
		fact: func(customer string) crm.Fact {
			return crm.Fact{Customer: customer, Email: email(customer), Body: crm.CustomerSaved{}}
		},
		check: func(w *town, p *process, customer string) {
			if left := w.messages(p, crm.GuestKey(email(customer))); len(left) > 0 {
				w.Errorf("%d messages are still the guest's", len(left))
			}
			c, err := p.shop.Customer(w.Context(), crm.GuestKey(email(customer)))
			w.must(err)
			if c.ID != customer || c.Purchases.Count != 1 {
				w.Errorf("the guest is %s with %d orders, want %s with 1", c.ID, c.Purchases.Count, customer)
			}
		},
	},
}

// outcome is what becomes of the news.
func (x twist) outcome(m moment) (state crm.MessageState, reason crm.Reason, received int) {
	stopped := x.reason != ""
	switch m {
	case queued, whileClaimed, startedToFail:
		if stopped {
			return crm.MessageSkipped, x.reason, 0
		}
	case startedAndLost:
		return crm.MessageUnknown, crm.ReasonLost, 1
	}
	return crm.MessageSent, "", 1
}

// Refund, opt-out, erasure and merge reach a mail wherever it is: nothing is
// sent that has not begun, what has begun is not begun again, and what was sent
// stands.
func TestMailInFlight(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		w := found(t, e)
		for i, x := range twists {
			for j, m := range moments {
				t.Run(x.name+" while "+string(m), func(t *testing.T) { w.with(t).fly(id("c", i, j), x, m) })
			}
		}
	})
}

func (w *town) fly(customer string, x twist, m moment) {
	w.Helper()
	decider := w.process(setup{mode: crm.Off})
	happens := func() error {
		w.record(decider, x.fact(customer))
		if m != recordedOnly {
			w.work(decider)
		}
		return nil
	}
	happened := false
	at := func(m moment, then error) func(*mailer.Message) error {
		return func(mail *mailer.Message) error {
			if mail.Subject != "news" || happened {
				return nil
			}
			happened = true
			return errors.Join(happens(), then)
		}
	}
	sender := during{Mailer: w.mails}
	switch m {
	case recordedOnly, whileClaimed:
		sender.claimed = at(m, nil)
	case whileStarted:
		sender.started = at(m, nil)
	case startedToFail:
		sender.started = at(m, mailer.Temporary(errors.New("later")))
	case startedAndLost:
		sender.after = at(m, errors.New("the answer is lost"))
	}
	p := w.process(setup{mailer: sender})

	agreed, ordered := agrees(customer, true), orders(customer)
	if x.guest {
		agreed.Customer, ordered.Customer = "", ""
	}
	w.record(p, agreed, ordered)
	w.work(p)
	w.clock.add(pause)
	w.work(decider)
	if m == queued {
		w.must(happens())
	}
	w.work(p)
	if m == afterSent {
		w.must(happens())
	}
	w.recover(p)

	w.want(p, customer, "receipt", crm.MessageSent, "", 1)
	state, reason, received := x.outcome(m)
	w.want(p, customer, "news", state, reason, received)
	if x.check != nil {
		x.check(w, p, customer)
	}
	w.wantNothingWaits(p)
}
