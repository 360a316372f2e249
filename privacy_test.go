package crm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

// care is a shop that writes a day after something happened, and a customer who
// said yes to mail, bought, and to whom a mail is queued.
func care(t *testing.T, class crm.Class) (*crmtest.Scenario, *memory.Store) {
	t.Helper()
	store := memory.New()
	s := crmtest.New(t, &crmtest.Options{Store: store, Config: crm.Config{Mode: crm.Off}})
	s.Template(crm.Template{ID: "care", Class: class, Locales: map[string]crm.Words{"ja": {Subject: "お茶", Text: `{{.Name}} {{template "legal" .}}`}}})
	s.Publish(crm.Journey{ID: "care", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{
		crm.Send{Template: "care"}, crm.Wait{ID: "a-day", Days: 1}, crm.Send{Template: "care", ID: "again"},
	}})
	s.Record(crm.Fact{Customer: "c", Email: "hanako@example.jp", Body: crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Form: "v1"}}})
	s.Record(crm.Fact{Customer: "c", Email: "hanako@example.jp", Body: savedAs("o", crm.CashOnDelivery, "")})
	s.Record(crm.Fact{Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "something"}})
	s.Advance(0)
	return s, store
}

func TestStopUse(t *testing.T) {
	for _, class := range []crm.Class{crm.Marketing, crm.Service, crm.Transactional} {
		t.Run(string(class), func(t *testing.T) {
			s, _ := care(t, class)
			receipt, err := s.Shop.StopUse(t.Context(), crm.PrivacyRequest{ID: "r1", Customer: "c"})
			require.NoError(t, err)
			assert.True(t, receipt.Done)
			if class == crm.Transactional {
				assert.Empty(t, receipt.Withheld, "what the law calls for goes on")
				return
			}
			assert.Len(t, receipt.Withheld, 1)
			s.Advance(2 * aDay)
			for m, err := range s.Shop.Messages(t.Context(), crm.MessageQuery{}) {
				require.NoError(t, err)
				assert.Equal(t, crm.ReasonUseStopped, m.Reason)
			}
			again, err := s.Shop.StopUse(t.Context(), crm.PrivacyRequest{ID: "r1", Customer: "c"})
			require.NoError(t, err)
			assert.Equal(t, receipt.At, again.At, "one request is fulfilled once")
			_, err = s.Shop.StopUse(t.Context(), crm.PrivacyRequest{ID: "r2", Customer: "nobody"})
			assert.ErrorIs(t, err, crm.ErrNotFound)
		})
	}
}

// An erasure leaves nothing that says who she was, keeps what statistics count,
// and holds against facts that come in late, also by an import.
func TestErase(t *testing.T) {
	s, store := care(t, crm.Marketing)
	receipt, err := s.Shop.Erase(t.Context(), crm.PrivacyRequest{ID: "r1", Customer: "c"})
	require.NoError(t, err)
	assert.True(t, receipt.Done)
	assert.Len(t, receipt.Withheld, 1)
	assert.Equal(t, 1, receipt.Facts, "her consent is evidence")
	assert.Zero(t, receipt.Contents)

	_, err = s.Shop.Customer(t.Context(), "c")
	assert.ErrorIs(t, err, crm.ErrErased)
	story, err := s.Shop.Explain(t.Context(), "c")
	require.NoError(t, err)
	assert.NotContains(t, story.String(), "consent", "evidence is for Evidence alone")
	var evidence []crm.Fact
	for f, err := range s.Shop.Evidence(t.Context(), "c") {
		require.NoError(t, err)
		evidence = append(evidence, f)
	}
	require.Len(t, evidence, 1)
	assert.Equal(t, "v1", evidence[0].Body.(crm.ConsentChanged).Form)

	late := crm.Fact{ID: "late", Time: receipt.At.Add(-aDay), Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "something"}}
	require.NoError(t, s.Shop.Record(t.Context(), late))
	old := late
	old.ID = "old"
	_, err = s.Shop.Import(t.Context(), "history", one(old), nil)
	require.NoError(t, err)
	s.Advance(2 * aDay)
	_, err = s.Shop.Customer(t.Context(), "c")
	assert.ErrorIs(t, err, crm.ErrErased, "late facts do not bring her back")

	for row, err := range store.Facts(t.Context(), s.Shop.ID(), crm.FactQuery{}) {
		require.NoError(t, err)
		if row.Type != string(crm.FactConsentChanged) {
			assert.NotContains(t, string(row.Body), "hanako", "the body of a %s is there", row.Type)
		}
	}
	for m, err := range store.Messages(t.Context(), s.Shop.ID(), crm.MessageQuery{Content: true}) {
		require.NoError(t, err)
		assert.Empty(t, m.To)
		assert.Empty(t, m.Content)
	}
	revenue := int64(0)
	for c, err := range store.Customers(t.Context(), s.Shop.ID(), crm.CustomerQuery{}) {
		require.NoError(t, err)
		assert.NotContains(t, string(c.State), "hanako")
		for _, o := range c.Orders {
			assert.Empty(t, o.State)
			revenue += o.Total
		}
	}
	assert.NotZero(t, revenue, "the shop's revenue stays what it was")
}

func TestDisclose(t *testing.T) {
	s, _ := care(t, crm.Marketing)
	d, err := s.Shop.Disclose(t.Context(), crm.PrivacyRequest{ID: "r1", Email: "hanako@example.jp"})
	require.NoError(t, err)
	assert.Equal(t, "c", d.Customer.ID, "a guest who has an account is the account")
	assert.Len(t, d.Facts, 3)
	assert.Len(t, d.Messages, 1)
	assert.NotEmpty(t, d.Decisions)
	_, err = s.Shop.Disclose(t.Context(), crm.PrivacyRequest{ID: "r2"})
	assert.ErrorIs(t, err, crm.ErrNoCustomer)
}

func TestRetention(t *testing.T) {
	s, store := care(t, crm.Marketing)
	settings, err := s.Shop.Settings(t.Context())
	require.NoError(t, err)
	settings.Retention = crm.Retention{Facts: 30 * aDay, Consents: 365 * aDay, Messages: 30 * aDay, Decisions: 30 * aDay}
	require.NoError(t, s.Shop.Configure(t.Context(), settings))
	bodies := func() (facts, consents int) {
		for row, err := range store.Facts(t.Context(), s.Shop.ID(), crm.FactQuery{}) {
			require.NoError(t, err)
			switch {
			case row.Body == nil:
			case row.Type == string(crm.FactConsentChanged):
				consents++
			default:
				facts++
			}
		}
		return facts, consents
	}
	_, err = s.Shop.Purge(t.Context())
	require.NoError(t, err)
	facts, consents := bodies()
	assert.Equal(t, []int{2, 1}, []int{facts, consents})

	s.Advance(60 * aDay)
	before := *s.Customer("c")
	purged, err := s.Shop.Purge(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 2, purged.Facts)
	assert.NotZero(t, purged.Decisions)
	facts, consents = bodies()
	assert.Equal(t, []int{0, 1}, []int{facts, consents}, "evidence is kept for its own time")
	assert.Equal(t, before, *s.Customer("c"), "her picture stays")

	s.Advance(400 * aDay)
	_, err = s.Shop.Purge(t.Context())
	require.NoError(t, err)
	_, consents = bodies()
	assert.Zero(t, consents)
}
