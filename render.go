package crm

import (
	"cmp"
	"encoding/json"

	"github.com/goen-crm/crm/mailer"
)

// compose makes the mail of a message: from the bytes stored before its first
// start, or from its template. m.Content is what is to be stored.
func (c *sender) compose(d delivery, m *Message) (mail *mailer.Message, err error) {
	defer recoverAs(&err)
	composer, composes := mailer.As[mailer.Composer](c.mailer)
	mail = new(mailer.Message)
	if m.Content != nil && !composes {
		return mail, json.Unmarshal(m.Content, mail)
	}
	if m.Content != nil {
		mail = d.defs.mail(*m, "", "", "", "")
		mail.Raw = m.Content
		return mail, nil
	}
	mail, err = d.defs.render(d.person, *m)
	if err != nil {
		return nil, err
	}
	if err := mail.Validate(); err != nil {
		return nil, err
	}
	if composes {
		mail.Raw, err = composer.Compose(mail)
		m.Content = mail.Raw
	} else {
		m.Content, err = json.Marshal(mail)
	}
	return mail, err
}

// render fills in a message's template from the customer's picture.
func (d *definitions) render(p *person, m Message) (*mailer.Message, error) {
	t := d.template(m.Template, m.TemplateVersion)
	if t == nil {
		return nil, ErrNotFound
	}
	customer := p.picture()
	words := t.nearest(customer.Locale, d.settings.Locale)
	data := MailData{
		Shop: d.settings, Customer: *customer, Name: FormatName(customer.Profile, words.locale),
		OptOut: d.settings.Legal.optOut(m.Customer, m.ID), Now: m.SendAt.In(d.zone),
	}
	if i := d.ladder.index(customer.Rank.Rank); i >= 0 {
		data.RankName = d.ladder.Ranks[i].name()
	}
	if o := p.orders()[m.Order]; o != nil {
		placed := o.placed()
		placed.Number = cmp.Or(placed.Number, placed.ID)
		data.Order = &placed
	}
	if id, ok := cutPrefix(m.CartKey, cartPrefix); ok && p.state.Carts[id] != nil {
		cart := p.state.Carts[id].Cart
		data.Cart = &cart
	}
	subject, text, html, err := words.render(data)
	if err != nil {
		return nil, err
	}
	return d.mail(m, subject, text, html, data.OptOut), nil
}
