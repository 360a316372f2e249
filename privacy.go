package crm

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// A PrivacyRequest is what a customer asked for by right (in Japan under the
// 個人情報保護法, in Europe the GDPR).
type PrivacyRequest struct {
	// ID is the shop's own number of the request. The same call with the same
	// id does nothing twice and gives a receipt again.
	ID string
	// Customer is the cart's own id of the customer, "" for a guest.
	Customer string
	// Email is a guest's address. With a Customer it is not needed.
	Email string
}

// A Receipt says what was done for a [PrivacyRequest]. It holds no personal
// data and may be kept.
type Receipt struct {
	Request  string    `json:"request"`
	Customer string    `json:"customer"` // Customer is the key that her rows have in the tables.
	At       time.Time `json:"at"`
	// Done reports that it is done. It is not while a transaction of the
	// cart's has her locked: then a worker does it, within moments of that, and the
	// same call gives the final receipt.
	Done bool `json:"done"`
	// Withheld are messages, by id, that were queued and will not be sent now.
	Withheld []string `json:"withheld,omitempty"`
	// Underway are messages, by id, that were being sent and may arrive.
	Underway []string `json:"underway,omitempty"`
	// Facts and Contents are how many bodies of facts and contents of messages
	// there are of hers: after an erasure those that the law has the shop keep.
	Facts    int `json:"facts"`
	Contents int `json:"contents"`
}

// StopUse ends the use of a customer's data for anything but transactional
// mails (利用停止). It records a [UseStopped] and folds it at once. It returns
// [ErrNotFound] for a customer no fact ever named.
func (s *Shop) StopUse(ctx context.Context, req PrivacyRequest) (*Receipt, error) {
	return s.fulfil(ctx, req, "stop-use:", UseStopped{})
}

// Erase forgets a customer (消去): her picture, the contents of her facts and
// mails, and whom her orders were by go, and what is under way ends. What stays are
// numbers for statistics, ids and digests: the digest of her address, so that
// an opt-out holds and facts from before that come in late change nothing, and
// her answers about consent as evidence, for as long as [Retention] says, which
// [Shop.Evidence] alone shows. It records a [CustomerErased] and folds it at once. It
// returns [ErrNotFound] for a customer no fact ever named.
func (s *Shop) Erase(ctx context.Context, req PrivacyRequest) (*Receipt, error) {
	return s.fulfil(ctx, req, "erase:", CustomerErased{})
}

// fulfil records the fact that a request comes to and has it folded.
func (s *Shop) fulfil(ctx context.Context, req PrivacyRequest, prefix string, body Body) (*Receipt, error) {
	before, err := s.requested(ctx, req)
	if err != nil {
		return nil, err
	}
	open, err := before.messages(ctx, MessageQuery{States: openStates})
	if err != nil {
		return nil, err
	}
	f := Fact{ID: prefix + req.ID, Time: s.crm.now(), Customer: req.Customer, Email: req.Email, Body: body}
	told := false
	for row, err := range s.crm.store.Facts(ctx, s.id, FactQuery{ID: f.ID}) {
		if err != nil {
			return nil, err
		}
		told, f.Time = true, row.Time
	}
	if !told {
		// Facts may have come from a clock ahead of ours: they are meant, too.
		for row, err := range s.crm.store.Facts(ctx, s.id, FactQuery{Customer: before.person.key}) {
			if err != nil {
				return nil, err
			}
			if !row.Time.Before(f.Time) {
				f.Time = row.Time.Add(time.Microsecond)
			}
		}
		if err := s.Record(ctx, f); err != nil {
			return nil, err
		}
	}
	receipt := &Receipt{Request: req.ID, Customer: before.person.key, At: f.Time}
	if receipt.Done, err = s.foldNow(ctx, f.keys()); err != nil {
		return nil, err
	}
	return receipt, s.count(ctx, receipt, open)
}

// openStates are those of messages that may yet be sent.
var openStates = []MessageState{MessageQueued, MessageClaimed, MessageStarted, MessageUnknown}

// requested is the customer of a request.
func (s *Shop) requested(ctx context.Context, req PrivacyRequest) (*view, error) {
	var k check
	k.id("ID", req.ID)
	key := req.Customer
	switch {
	case key != "":
		k.id("Customer", key)
	case req.Email != "":
		key = GuestKey(req.Email)
	default:
		k.add("Customer", ErrNoCustomer)
	}
	if err := k.err(); err != nil {
		return nil, err
	}
	v, err := s.view(ctx, key)
	if err == nil && v.person == nil {
		err = ErrNotFound
	}
	return v, err
}

// foldNow folds customers without waiting for a worker, and reports whether
// nothing of theirs is pending any more. It does not wait long for a
// transaction that has them locked.
func (s *Shop) foldNow(ctx context.Context, keys []string) (bool, error) {
	for try := range 5 {
		if try > 0 {
			pause(ctx, 20*time.Millisecond<<try)
		}
		if _, err := s.crm.foldDue(ctx, s, Selection{IDs: keys}, s.crm.now()); err != nil {
			return false, err
		}
		pending := false
		for row, err := range s.crm.store.Customers(ctx, s.id, CustomerQuery{IDs: keys}) {
			if err != nil {
				return false, err
			}
			pending = pending || len(row.Pending) > 0
		}
		if !pending {
			return true, nil
		}
	}
	return false, ctx.Err()
}

// count fills in what became of the messages that were open, and what is there
// of hers.
func (s *Shop) count(ctx context.Context, r *Receipt, open []Message) error {
	was := make(map[string]bool)
	for _, m := range open {
		was[m.ID] = true
	}
	for m, err := range s.crm.store.Messages(ctx, s.id, MessageQuery{Customer: r.Customer, Content: true}) {
		if err != nil {
			return err
		}
		switch {
		case was[m.ID] && m.State == MessageSkipped:
			r.Withheld = append(r.Withheld, m.ID)
		case was[m.ID] && slices.Contains([]MessageState{MessageStarted, MessageUnknown}, m.State):
			r.Underway = append(r.Underway, m.ID)
		}
		if m.Content != nil {
			r.Contents++
		}
	}
	for row, err := range s.crm.store.Facts(ctx, s.id, FactQuery{Customer: r.Customer}) {
		if err != nil {
			return err
		}
		if row.Body != nil {
			r.Facts++
		}
	}
	return nil
}

// A Disclosure is all that goen holds of a customer, for her to read. It
// marshals to JSON.
type Disclosure struct {
	Request   string        `json:"request"`
	At        time.Time     `json:"at"`
	Customer  *Customer     `json:"customer"`
	Facts     []Fact        `json:"facts"`
	Messages  []SentMessage `json:"messages"`
	Decisions []Decision    `json:"decisions"`
}

// A SentMessage is a message with its content, as far as that is still there.
type SentMessage struct {
	Message
	Content string `json:"content,omitempty"`
}

// Disclose returns all that goen holds of a customer (開示). It returns
// [ErrNotFound] for a customer no fact ever named, and [ErrErased] for one who
// was erased and not seen since.
func (s *Shop) Disclose(ctx context.Context, req PrivacyRequest) (*Disclosure, error) {
	v, err := s.requested(ctx, req)
	if err != nil {
		return nil, err
	}
	if v.person.gone() {
		return nil, ErrErased
	}
	d := &Disclosure{Request: req.ID, At: s.crm.now(), Customer: v.person.picture()}
	story, err := s.Explain(ctx, v.person.key)
	if err != nil {
		return nil, err
	}
	for _, line := range story.Lines {
		if line.Fact != nil {
			d.Facts = append(d.Facts, *line.Fact)
		} else {
			d.Decisions = append(d.Decisions, *line.Decision)
		}
	}
	messages, err := v.messages(ctx, MessageQuery{Content: true})
	for _, m := range messages {
		d.Messages = append(d.Messages, SentMessage{m, string(m.Content)})
	}
	return d, err
}

// Evidence streams a customer's answers to the question for mail, oldest first:
// what the law has the shop keep, of an erased customer too. It is for the case
// that somebody asks for proof, and for nothing else. The id is as for
// [Shop.Customer].
func (s *Shop) Evidence(ctx context.Context, customer string) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		v, err := s.view(ctx, customer)
		if err == nil && v.person == nil {
			err = ErrNotFound
		}
		if err != nil {
			yield(Fact{}, err)
			return
		}
		for _, key := range v.keys() {
			for row, err := range s.crm.store.Facts(ctx, s.id, FactQuery{Customer: key}) {
				if err != nil {
					yield(Fact{}, err)
					return
				}
				if row.Type != string(FactConsentChanged) {
					continue
				}
				f, err := row.fact()
				if errors.Is(err, ErrErased) {
					continue // kept no longer
				}
				if !yield(f, err) || err != nil {
					return
				}
			}
		}
	}
}
