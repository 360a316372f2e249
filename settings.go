package crm

import (
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/goen-crm/crm/mailer"
)

// Settings are what goen must know of a shop before it takes the shop's facts.
type Settings struct {
	Name     string `json:"name"`          // Name is what customers call the shop.
	URL      string `json:"url,omitempty"` // URL is the shop's front page.
	TimeZone string `json:"time_zone"`     // TimeZone is an IANA name. Defaults to "Asia/Tokyo".
	Currency string `json:"currency"`      // Currency is an ISO 4217 code. Defaults to "JPY". Orders in another one are reported and do not count as purchases.
	Locale   string `json:"locale"`        // Locale is the BCP 47 tag used for customers who have none. Defaults to "ja".

	// LiveFrom is when journeys begin to start: older facts build customers'
	// pictures and start nothing.
	LiveFrom time.Time `json:"live_from,omitzero"`

	// From and ReplyTo are the sender of all mails.
	From    mailer.Address `json:"from"`
	ReplyTo mailer.Address `json:"reply_to,omitzero"`
	// Legal is what every marketing mail must show.
	Legal Legal `json:"legal,omitzero"`

	// Rate is how many messages a second each process sends for this shop at
	// most. Defaults to 0: no limit.
	Rate int `json:"rate,omitempty"`
	// Retention says what is dropped after a time. By default nothing is.
	Retention Retention `json:"retention,omitzero"`

	// Masked are domains, beside those of [MaskedDomains], whose addresses
	// hide the customer's own and must not be sent anything.
	Masked []string `json:"masked,omitempty"`
}

// Legal is the sender identity that the law wants in marketing mail (in Japan
// 特定電子メール法): without it, no journey with marketing mails is published.
type Legal struct {
	Name    string `json:"name,omitempty"`    // Name is the sender's legal name.
	Address string `json:"address,omitempty"` // Address is the postal address.
	Contact string `json:"contact,omitempty"` // Contact is where complaints go: a phone number, address or URL.
	// OptOut is the URL at which the reader can opt out. "{customer}" and
	// "{message}" in it are replaced by the customer's key and the message's id.
	OptOut string `json:"opt_out,omitempty"`
}

// MaskedDomains are the domains under which malls hide their customers'
// addresses. Mail to them is not the shop's to send.
func MaskedDomains() []string {
	return []string{
		"marketplace.amazon.co.jp", "marketplace.amazon.com", "marketplace.amazon.co.uk", "marketplace.amazon.de",
		"fw.rakuten.ne.jp", "pc.fw.rakuten.ne.jp", "mail.yahoo-shopping.jp", "members.ebay.com",
	}
}

func (s Settings) withDefaults() Settings {
	if s.TimeZone == "" {
		s.TimeZone = "Asia/Tokyo"
	}
	if s.Currency == "" {
		s.Currency = "JPY"
	}
	if s.Locale == "" {
		s.Locale = "ja"
	}
	s.LiveFrom = instant(s.LiveFrom)
	return s
}

// Validate reports everything that is wrong with s, as a [PublishError].
func (s Settings) Validate() error {
	s = s.withDefaults()
	var c check
	c.id("Name", s.Name)
	c.label("URL", s.URL, MaxURL)
	if _, err := loadZone(s.TimeZone); err != nil {
		c.add("TimeZone", ErrUnknown)
	}
	if _, err := currencyDigits(s.Currency); err != nil {
		c.add("Currency", ErrCurrency)
	}
	if _, err := language.Parse(s.Locale); err != nil {
		c.add("Locale", ErrUnknown)
	}
	checkAddress(&c, "From", s.From, true)
	checkAddress(&c, "ReplyTo", s.ReplyTo, false)
	c.label("Legal.Name", s.Legal.Name, MaxName)
	c.label("Legal.Address", s.Legal.Address, MaxText)
	c.label("Legal.Contact", s.Legal.Contact, MaxURL)
	c.label("Legal.OptOut", s.Legal.OptOut, MaxURL)
	if s.Legal.OptOut != "" {
		u, err := url.Parse(strings.NewReplacer("{customer}", "c", "{message}", "m").Replace(s.Legal.OptOut))
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			c.addf("Legal.OptOut", ErrSyntax, "is no http or https URL")
		}
	}
	if s.Rate < 0 || s.Rate > 1_000_000 {
		c.add("Rate", ErrRange)
	}
	c.in("Retention", func() { s.Retention.check(&c) })
	for _, domain := range s.Masked {
		c.id("Masked", domain)
	}
	if len(c.problems) > 0 {
		return &PublishError{Kind: kindSettings, ID: settingsID, Problems: c.problems}
	}
	return nil
}

// missing reports the parts of the identity that are not set.
func (l Legal) missing() []*FieldError {
	var problems []*FieldError
	for _, f := range []struct{ name, value string }{
		{"Name", l.Name}, {"Address", l.Address}, {"Contact", l.Contact}, {"OptOut", l.OptOut},
	} {
		if f.value == "" {
			problems = append(problems, &FieldError{Field: "Settings.Legal." + f.name, Err: ErrLegal})
		}
	}
	return problems
}

func (l Legal) optOut(customer, message string) string {
	link := strings.ReplaceAll(l.OptOut, "{customer}", url.QueryEscape(customer)) // which escapes braces, too
	return strings.ReplaceAll(link, "{message}", url.QueryEscape(message))
}

func checkAddress(c *check, field string, a mailer.Address, required bool) {
	if a == (mailer.Address{}) && !required {
		return
	}
	c.label(field+".Name", a.Name, MaxName)
	if mailer.ValidateEmail(a.Email) != nil {
		c.addf(field+".Email", ErrSyntax, "is no mail address")
	}
}
