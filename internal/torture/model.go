package main

import (
	"time"

	"github.com/goen-crm/crm"
)

// An Expectation is what is to become of a mail, by the ledger alone.
type Expectation struct {
	Mail  Mail
	Class crm.Class
	Since time.Time // Since is the time of the fact that asks for the mail.
	// Must: the mail must be sent. Otherwise it may be: the fact that asks for
	// it may not be on record, or something takes it back.
	Must bool
	Ends []End // Ends are the facts that take it back and are certainly on record.
}

// An End is the commit of a fact that takes a mail back: when the driver knew
// of it, by the machine's time and by the clock.
type End struct{ At, Clock time.Time }

// A told is a fact that the driver told.
type told struct {
	crm.Fact
	person    string
	committed bool // committed: it is on record.
	possible  bool // possible: it may be.
	end       End  // end is when it was first known to be on record.
}

// Expect works out what mails a ledger asks for, by these rules and no others:
//
//	an order          receipt, parcel   until it is cancelled
//	"joined"          welcome           until she opts out
//	"left"            reminder          until she orders or opts out
//
// and each until she is erased.
func Expect(ledger []Entry) map[Mail]*Expectation {
	facts := readLedger(ledger)
	byPerson := make(map[string][]*told)
	for _, f := range facts {
		byPerson[f.person] = append(byPerson[f.person], f)
	}
	mails := make(map[Mail]*Expectation)
	for _, f := range facts {
		if !f.possible {
			continue
		}
		for _, subject := range asks(f.Fact) {
			e := &Expectation{
				Mail: Mail{To: f.person, Subject: subject}, Class: classOf(subject), Since: f.Time, Must: f.committed,
			}
			for _, g := range byPerson[f.person] {
				if !g.possible || g.Time.Before(e.Since) || !ends(subject, g.Fact) {
					continue
				}
				e.Must = false
				if g.committed {
					e.Ends = append(e.Ends, g.end)
				}
			}
			mails[e.Mail] = e
		}
	}
	return mails
}

// asks returns the subjects of the mails that a fact asks for.
func asks(f crm.Fact) []string {
	switch body := f.Body.(type) {
	case crm.OrderSaved:
		return []string{Receipt + " " + body.Order.ID, Parcel + " " + body.Order.ID}
	case crm.Custom:
		switch body.Name {
		case joined:
			return []string{Welcome}
		case leftOff:
			return []string{Reminder}
		}
	}
	return nil
}

// ends reports whether a fact takes a mail back.
func ends(subject string, f crm.Fact) bool {
	switch body := f.Body.(type) {
	case crm.CustomerErased:
		return true
	case crm.OrderCancelled:
		return subject == Receipt+" "+body.Order || subject == Parcel+" "+body.Order
	case crm.ConsentChanged:
		return !body.Granted && (subject == Welcome || subject == Reminder)
	case crm.OrderSaved:
		return subject == Reminder
	}
	return false
}

// readLedger returns every fact of a ledger once, with what is known of it.
func readLedger(ledger []Entry) []*told {
	var facts []*told
	byID := make(map[string]*told)
	batches := make(map[int64][]*told)
	settled := make(map[int64]Outcome)
	for _, e := range ledger {
		if e.Outcome == Trying {
			for _, f := range e.Facts {
				if byID[f.ID] == nil {
					byID[f.ID] = &told{Fact: f, person: e.Person}
					facts = append(facts, byID[f.ID])
				}
				batches[e.Batch] = append(batches[e.Batch], byID[f.ID])
			}
			continue
		}
		settled[e.Batch] = e.Outcome
		for _, f := range batches[e.Batch] {
			if e.Outcome == Committed && !f.committed {
				f.committed, f.end = true, End{e.At, e.Clock}
			}
		}
	}
	for batch, told := range batches {
		for _, f := range told {
			f.possible = f.possible || settled[batch] != RolledBack
		}
	}
	return facts
}
