package crm

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"golang.org/x/text/language"

	"github.com/goen-crm/crm/mailer"
)

// A Template is a mail in one or more languages. Subject and Text are written
// for text/template, HTML for html/template, over [MailData] and with these
// functions:
//
//	money AMOUNT   an amount for the reader, as FormatMoney writes it
//	date TIME      a day in the shop's time zone, as FormatDate writes it
//
// The template "legal" prints the sender identity and the opt-out link; every
// marketing template must include it, or print both itself:
//
//	{{template "legal" .}}
type Template struct {
	ID    string `json:"id"`
	Class Class  `json:"class"`
	// Locales holds the words by BCP 47 tag. A customer gets the nearest to
	// her locale, or the nearest to the shop's.
	Locales map[string]Words `json:"locales"`
}

// Words are a template in one language. One of Text and HTML may be empty.
type Words struct {
	Subject string `json:"subject"` // Subject is one line.
	Text    string `json:"text,omitempty"`
	HTML    string `json:"html,omitempty"`
}

// MailData is what templates print.
type MailData struct {
	Shop     Settings
	Customer Customer
	Name     string       // Name addresses the customer, as [FormatName] does.
	RankName string       // RankName is her rank's name, "" below the first.
	Order    *PlacedOrder // Order is what the run is about, or nil.
	Cart     *Cart        // Cart is what the run is about, or nil.
	Locale   string       // Locale is that of the words.
	OptOut   string       // OptOut is the link to opt out.
	Now      time.Time    // Now is when the mail is due, in the shop's time zone.
}

const (
	maxTemplate = 256 << 10
	maxRendered = 1 << 20
)

// legal is the identity that the law wants, in each language goen speaks.
var legal = map[string]Words{
	"ja": {
		Text: "--\n{{.Shop.Legal.Name}}\n{{.Shop.Legal.Address}}\nお問い合わせ: {{.Shop.Legal.Contact}}\n配信停止: {{.OptOut}}\n",
		HTML: `<hr><p style="font-size:12px;color:#555">{{.Shop.Legal.Name}}<br>{{.Shop.Legal.Address}}<br>お問い合わせ: {{.Shop.Legal.Contact}}<br><a href="{{.OptOut}}">配信停止はこちら</a></p>`,
	},
	"en": {
		Text: "--\n{{.Shop.Legal.Name}}\n{{.Shop.Legal.Address}}\nContact: {{.Shop.Legal.Contact}}\nUnsubscribe: {{.OptOut}}\n",
		HTML: `<hr><p style="font-size:12px;color:#555">{{.Shop.Legal.Name}}<br>{{.Shop.Legal.Address}}<br>Contact: {{.Shop.Legal.Contact}}<br><a href="{{.OptOut}}">Unsubscribe</a></p>`,
	},
}

// Validate reports everything that is wrong with t, as a [PublishError].
func (t Template) Validate() error {
	if _, problems := t.compile(time.UTC); len(problems) > 0 {
		return &PublishError{Kind: kindTemplate, ID: t.ID, Problems: problems}
	}
	return nil
}

// A compiledTemplate is a parsed version of a template.
type compiledTemplate struct {
	Template
	version int
	locales language.Matcher
	words   []compiledWords // in the order of what locales matches
}

type compiledWords struct {
	Words
	locale        string
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
}

// compile parses t for readers of a shop in zone.
func (t Template) compile(zone *time.Location) (*compiledTemplate, []*FieldError) {
	out := &compiledTemplate{Template: t}
	var tags []language.Tag
	var c check
	c.id("ID", t.ID)
	switch t.Class {
	case Transactional, Service, Marketing:
	default:
		c.add("Class", ErrUnknown)
	}
	if len(t.Locales) == 0 {
		c.add("Locales", ErrRequired)
	}
	for _, locale := range sortedKeys(t.Locales) {
		c.in(fmt.Sprintf("Locales[%q]", locale), func() {
			tag, err := language.Parse(locale)
			if err != nil {
				c.add("", ErrUnknown)
				return
			}
			tags = append(tags, tag)
			out.words = append(out.words, t.Locales[locale].compile(&c, locale, zone))
		})
	}
	out.locales = language.NewMatcher(tags)
	return out, c.problems
}

func (w Words) compile(c *check, locale string, zone *time.Location) compiledWords {
	out := compiledWords{Words: w, locale: locale}
	if w.Subject == "" {
		c.add("Subject", ErrRequired)
	}
	c.label("Subject", w.Subject, MaxText)
	c.text("Text", w.Text, maxTemplate)
	c.text("HTML", w.HTML, maxTemplate)
	if w.Text == "" && w.HTML == "" {
		c.addf("Text", ErrRequired, "or HTML must be set")
	}
	footer, ok := legal[languageOf(locale)]
	if !ok {
		footer = legal["en"]
	}
	funcs := map[string]any{
		"money": func(m Money) string { return FormatMoney(m, locale) },
		"date":  func(t time.Time) string { return FormatDate(t.In(zone), locale) },
	}
	parseText := func(field, body string) *texttemplate.Template {
		root := texttemplate.New(field).Option("missingkey=zero").Funcs(funcs)
		texttemplate.Must(root.New("legal").Parse(footer.Text))
		parsed, err := root.Parse(body)
		if err != nil {
			c.addf(field, errors.Join(ErrSyntax, err), "cannot be parsed: %v", err)
		}
		return parsed
	}
	out.subject = parseText("Subject", w.Subject)
	if w.Text != "" {
		out.text = parseText("Text", w.Text)
	}
	if w.HTML != "" {
		root := htmltemplate.New("HTML").Option("missingkey=zero").Funcs(funcs)
		htmltemplate.Must(root.New("legal").Parse(footer.HTML))
		parsed, err := root.Parse(w.HTML)
		if err != nil {
			c.addf("HTML", errors.Join(ErrSyntax, err), "cannot be parsed: %v", err)
		}
		out.html = parsed
	}
	return out
}

// nearest returns the words for a reader of the first of locales that there
// are words for.
func (t *compiledTemplate) nearest(locales ...string) compiledWords {
	for _, locale := range locales {
		if locale == "" {
			continue
		}
		if i := slices.IndexFunc(t.words, func(w compiledWords) bool { return w.locale == locale }); i >= 0 {
			return t.words[i] // mostly: to match languages takes longer
		}
		if _, i, confidence := t.locales.Match(language.Make(locale)); confidence > language.No {
			return t.words[i]
		}
	}
	return t.words[0]
}

// render fills in subject and bodies.
func (w compiledWords) render(data MailData) (subject, text, html string, err error) {
	defer recoverAs(&err)
	data.Locale = w.locale
	var boxed any = data // once for all parts: it is large
	if subject, err = execute(w.subject, w.Subject, boxed); err != nil {
		return "", "", "", err
	}
	if w.text != nil {
		if text, err = execute(w.text, w.Text, boxed); err != nil {
			return "", "", "", err
		}
	}
	if w.html != nil {
		html, err = execute(w.html, w.HTML, boxed)
	}
	return strings.TrimSpace(subject), text, html, err
}

// execute fills in a template that was written as source.
func execute(t interface{ Execute(io.Writer, any) error }, source string, data any) (string, error) {
	w := &boundedWriter{limit: maxRendered}
	w.text.Grow(len(source) + usualGrowth)
	if err := t.Execute(w, data); err != nil {
		return "", err
	}
	return w.text.String(), nil
}

// usualGrowth is by how much most mails are longer than their template.
const usualGrowth = 256

// boundedWriter refuses to take more than a limit.
type boundedWriter struct {
	text  strings.Builder
	limit int
}

// Write fails once more than the limit was written.
func (w *boundedWriter) Write(p []byte) (int, error) {
	if w.text.Len()+len(p) > w.limit {
		return 0, fmt.Errorf("crm: mail is longer than %d bytes", w.limit)
	}
	return w.text.Write(p)
}

// optOutMark is how the opt-out link of a mail that is only tried is known.
const optOutMark = "goen-opt-out-mark"

// sample is made-up data to try templates with.
func (d *definitions) sample() MailData {
	zone := d.zone
	now := time.Date(2026, 4, 1, 10, 0, 0, 0, zone)
	line := LineItem{Product: "p", Title: "Sample", Quantity: 1, Price: Money{1200, d.settings.Currency}, Image: "https://example.com/p.png", URL: "https://example.com/p"}
	return MailData{
		Shop:     d.settings,
		Customer: Customer{ID: "c", Mailable: true, Profile: Profile{FamilyName: "Sample", GivenName: "Sample", Email: "sample@example.com"}},
		Name:     "Sample", RankName: "gold", OptOut: "https://example.com/" + optOutMark, Now: now,
		Order: &PlacedOrder{Order: Order{ID: "o", Number: "o", PlacedAt: now, Promised: now, Lines: []LineItem{line}}},
		Cart:  &Cart{ID: "c", Items: []LineItem{line}, RecoveryURL: "https://example.com/cart", UpdatedAt: now},
	}
}

// tryAll renders every language with made-up data, so that a misspelt field is
// found when the template is published, and not when the first mail is due.
func (t *compiledTemplate) tryAll(d *definitions) []*FieldError {
	data := d.sample()
	var c check
	for _, w := range t.words {
		c.in(fmt.Sprintf("Locales[%q]", w.locale), func() {
			_, text, html, err := w.render(data)
			if err != nil {
				c.addf("", ErrSyntax, "cannot be rendered: %v", err)
				return
			}
			if t.Class != Marketing {
				return
			}
			for _, body := range []struct {
				name, body string
				there      bool
			}{{"Text", text, w.text != nil}, {"HTML", html, w.html != nil}} {
				if body.there && !strings.Contains(body.body, optOutMark) {
					c.addf(body.name, ErrLegal, `does not print the opt-out link: add {{template "legal" .}}`)
				}
			}
		})
	}
	return c.problems
}

// mail puts a rendered message together.
func (d *definitions) mail(m Message, subject, text, html, optOut string) *mailer.Message {
	mail := &mailer.Message{
		ID: m.ID + "@" + domainOf(d.settings.From.Email), Shop: d.shop, Class: string(m.Class),
		From: d.settings.From, ReplyTo: d.settings.ReplyTo, To: mailer.Address{Email: m.To},
		Subject: subject, Text: text, HTML: html, Date: m.SendAt,
	}
	if optOut != "" && m.Class != Transactional {
		mail.Headers = append(mail.Headers, mailer.Header{Name: "List-Unsubscribe", Value: "<" + optOut + ">"})
	}
	return mail
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }
