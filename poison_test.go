package crm_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/storage/memory"
)

// A marker is a mailer that says when it begins.
type marker struct{ mailer.Func }

func (marker) MarksStart() {}

// A mail that cannot be made, or that the mailer panics on, is tried as often as
// Tries says, is given up with its reason, and keeps nobody else's waiting.
func TestPoisonedMail(t *testing.T) {
	const tries = 3
	for _, test := range []struct {
		name    string
		subject string // of the template
		send    func(*mailer.Message)
		reason  crm.Reason
	}{
		{"a template that cannot be rendered", "{{if eq (index .Order.Lines 0).Title \"poison\"}}{{(index .Order.Lines 9).Title}}{{end}}{{(index .Order.Lines 0).Title}}", func(*mailer.Message) {}, crm.ReasonRender},
		{"a mailer that panics", "{{(index .Order.Lines 0).Title}}", func(m *mailer.Message) {
			if m.Subject == "poison" {
				panic("poison")
			}
		}, crm.ReasonPanic},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
			var sent []string
			c := newCRM(t, memory.New(), marker{func(ctx context.Context, m *mailer.Message) error {
				test.send(m)
				sent = append(sent, m.To.Email)
				return m.Started(ctx)
			}}, crm.Config{Clock: func() time.Time { return now }, Tries: tries, Logger: slog.New(slog.DiscardHandler)})
			shop := c.Shop("shop")
			require.NoError(t, shop.Configure(t.Context(), crmtest.Settings()))
			_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "mail", Class: crm.Transactional, Locales: map[string]crm.Words{
				"ja": {Subject: test.subject, Text: "mail"},
			}})
			require.NoError(t, err)
			_, err = shop.Publish(t.Context(), crm.Journey{
				ID: "order", Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Per: crm.PerOrder,
				Steps: crm.Steps{crm.Send{Template: "mail", MaxLateness: 80 * 24 * time.Hour}},
			})
			require.NoError(t, err)
			line := func(title string) crm.LineItem {
				return crm.LineItem{Product: "tea", Title: title, Quantity: 1, Price: crm.Yen(1000)}
			}
			for _, o := range []crm.Order{
				{ID: "poisoned", Lines: []crm.LineItem{line("poison")}},
				{ID: "good", Lines: []crm.LineItem{line("tea")}},
			} {
				require.NoError(t, shop.Record(t.Context(), crm.Fact{
					ID: o.ID, Time: now, Customer: o.ID, Email: o.ID + "@example.jp", Body: crm.OrderSaved{Order: o},
				}))
			}
			attempts := 0
			for range 10 * tries {
				now = now.Add(4 * time.Hour)
				require.NoError(t, c.RunUntil(t.Context(), now))
				for m, err := range shop.Messages(t.Context(), crm.MessageQuery{Customer: "poisoned"}) {
					require.NoError(t, err)
					attempts = m.Attempt
					assert.Equal(t, test.reason, m.Reason)
				}
			}
			assert.Equal(t, tries, attempts)
			assert.Equal(t, []string{"good@example.jp"}, sent)
			for m, err := range shop.Messages(t.Context(), crm.MessageQuery{Customer: "poisoned"}) {
				require.NoError(t, err)
				assert.Equal(t, crm.MessageFailed, m.State)
			}
		})
	}
}
