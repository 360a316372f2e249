package customstore

import (
	"encoding/json"

	"github.com/goen-crm/crm"
)

// apply writes what was decided, in the order that crm.Changes asks for.
func (c call) apply(ch *crm.Changes) error {
	return first(
		each(ch.Move, c.move),
		each(ch.Customers, c.saveCustomer),
		each(ch.Orders, c.saveOrder),
		each(ch.Consumed, c.consume),
		func() error { return c.setAside(ch.SetAside) },
		each(ch.Queue, c.queue),
		each(ch.Skip, c.skip),
		each(ch.Decisions, c.log),
		each(ch.Erase, func(e crm.Erasure) error { return c.erase(e, ch.Orders) }),
		each(ch.Purge, c.purge),
	)
}

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// each is a step that writes every row of a list.
func each[R any](rows []R, write func(R) error) func() error {
	return func() error {
		for _, row := range rows {
			if err := write(row); err != nil {
				return err
			}
		}
		return nil
	}
}

// move gives what is From's to To. Of an order that both have, To's stays.
func (c call) move(m crm.Move) error {
	if m.From == m.To {
		return nil
	}
	if err := c.exec(`DELETE FROM crm_order WHERE shop = ?1 AND person = ?2
		AND number IN (SELECT number FROM crm_order WHERE shop = ?1 AND person = ?3)`, m.From, m.To); err != nil {
		return err
	}
	for _, table := range []string{"crm_order", "crm_fact", "crm_mail", "crm_decision"} {
		if err := c.exec(`UPDATE `+table+` SET person = ?3 WHERE shop = ?1 AND person = ?2`, m.From, m.To); err != nil {
			return err
		}
	}
	return nil
}

func (c call) saveCustomer(p crm.CustomerRow) error {
	return c.exec(`UPDATE crm_person SET state = ?3, due_at = ?4, review_at = ?5 WHERE shop = ?1 AND id = ?2`,
		p.ID, text(p.State), micro(p.NextDue), micro(p.NextReview))
}

func (c call) saveOrder(o crm.OrderRow) error {
	return c.exec(`REPLACE INTO crm_order (shop, number, person, status, currency, total, refunded, placed_at, counted_at, state)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
		o.ID, o.Customer, o.Status, o.Currency, o.Total, o.Refunded, micro(o.PlacedAt), micro(o.CountedAt), text(o.State))
}

// consume takes one entry out of an inbox: this one, and nothing that came in
// after decide had looked.
func (c call) consume(e crm.InboxEntry) error {
	return c.exec(`DELETE FROM crm_inbox WHERE shop = ?1 AND person = ?2 AND fact = ?3`, e.Customer, e.Fact)
}

func (c call) setAside(facts map[string]string) error {
	for id, reason := range facts {
		if err := c.exec(`UPDATE crm_fact SET set_aside = ?3 WHERE shop = ?1 AND id = ?2`, id, reason); err != nil {
			return err
		}
	}
	return nil
}

func (c call) log(d crm.Decision) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return c.exec(`INSERT INTO crm_decision (shop, person, doc) VALUES (?1, ?2, ?3)`, d.Customer, string(doc))
}

// erase forgets what is known of a customer. What still waits in an inbox is
// needed once more; orders that were written just now were written for this.
func (c call) erase(e crm.Erasure, written []crm.OrderRow) error {
	var keep []string
	for _, o := range written {
		if o.Customer == e.Customer {
			keep = append(keep, o.ID)
		}
	}
	if err := c.exec(`UPDATE crm_order SET state = NULL WHERE shop = ?1 AND person = ?2
		AND number NOT IN (SELECT value FROM json_each(?3))`, e.Customer, array(keep)); err != nil {
		return err
	}
	if err := c.exec(`UPDATE crm_mail SET content = NULL, doc = json_remove(doc, '$.to') WHERE shop = ?1 AND person = ?2`, e.Customer); err != nil {
		return err
	}
	return c.exec(`UPDATE crm_fact SET body = NULL WHERE shop = ?1 AND person = ?2 AND type NOT IN (SELECT value FROM json_each(?3))
		AND NOT EXISTS (SELECT 1 FROM crm_inbox i WHERE i.shop = ?1 AND i.fact = crm_fact.id)`, e.Customer, array(e.Keep))
}

func (c call) purge(fact string) error {
	return c.exec(`UPDATE crm_fact SET body = NULL WHERE shop = ?1 AND id = ?2`, fact)
}
