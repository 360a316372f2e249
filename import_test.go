package crm_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
)

func one(f crm.Fact) iter.Seq2[crm.Fact, error] {
	return func(yield func(crm.Fact, error) bool) { yield(f, nil) }
}

// pastOrders are n orders of two customers, a day apart, the last one yesterday.
func pastOrders(now time.Time, n int) iter.Seq2[crm.Fact, error] {
	return func(yield func(crm.Fact, error) bool) {
		for i := range n {
			order := savedAs(fmt.Sprintf("o%d", i), crm.CashOnDelivery, "")
			f := crm.Fact{ID: fmt.Sprintf("past-%d", i), Time: now.Add(-time.Duration(n-i) * aDay), Customer: fmt.Sprintf("c%d", i%2), Email: fmt.Sprintf("c%d@example.jp", i%2), Body: order}
			if !yield(f, nil) {
				return
			}
		}
	}
}

// thanks is a shop that thanks for every order.
func thanks(t *testing.T) *crmtest.Scenario {
	t.Helper()
	s := crmtest.New(t, nil)
	s.Template(crm.Template{ID: "thanks", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "御礼", Text: "御礼"}}})
	s.Publish(crm.Journey{ID: "thanks", Per: crm.PerOrder, Trigger: crm.OnFact{Fact: crm.FactOrderPlaced}, Steps: crm.Steps{crm.Send{Template: "thanks"}}})
	return s
}

// What is imported builds the picture and starts nothing, even if it happened
// after the journey was published.
func TestImport(t *testing.T) {
	s := thanks(t)
	s.Advance(30 * aDay)
	var told []crm.ImportProgress
	done, err := s.Shop.Import(t.Context(), "orders", pastOrders(s.Clock.Now(), 10), &crm.ImportOptions{
		Batch: 4, Progress: func(p crm.ImportProgress) { told = append(told, p) },
	})
	require.NoError(t, err)
	assert.Equal(t, crm.ImportProgress{Position: 10}, done)
	assert.Equal(t, []crm.ImportProgress{{Position: 4}, {Position: 8}, {Position: 10}}, told)
	s.Advance(aDay)
	assert.Empty(t, s.Mails())
	assert.Equal(t, 5, s.Customer("c0").Purchases.Count)

	s.Record(crm.Fact{Customer: "c0", Email: "c0@example.jp", Body: savedAs("new", crm.CashOnDelivery, "")})
	s.Advance(aDay)
	assert.Len(t, s.Mails(), 1, "what happens from now on does")
}

// An import that broke off goes on where it was.
func TestImportResumes(t *testing.T) {
	s := thanks(t)
	s.Advance(30 * aDay)
	broken := errors.New("the file ends")
	upTo := func(n int) iter.Seq2[crm.Fact, error] {
		return func(yield func(crm.Fact, error) bool) {
			i := 0
			for f, err := range pastOrders(s.Clock.Now(), 10) {
				if i++; i > n {
					yield(crm.Fact{}, broken)
					return
				}
				if !yield(f, err) {
					return
				}
			}
		}
	}
	done, err := s.Shop.Import(t.Context(), "orders", upTo(7), &crm.ImportOptions{Batch: 3})
	require.ErrorIs(t, err, broken)
	assert.EqualValues(t, 6, done.Position)
	done, err = s.Shop.Import(t.Context(), "orders", pastOrders(s.Clock.Now(), 10), &crm.ImportOptions{Batch: 3})
	require.NoError(t, err)
	assert.Equal(t, crm.ImportProgress{Position: 10, Skipped: 6}, done)
	assert.Equal(t, 5, s.Customer("c1").Purchases.Count)
}

func TestImportOfBrokenFacts(t *testing.T) {
	s := thanks(t)
	source := func(yield func(crm.Fact, error) bool) {
		for f, err := range pastOrders(s.Clock.Now(), 3) {
			if f.ID == "past-1" {
				f.Customer, f.Email = "", ""
			}
			if !yield(f, err) {
				return
			}
		}
	}
	_, err := s.Shop.Import(t.Context(), "strict", source, nil)
	var refused *crm.BatchError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, 1, refused.Index)
	assert.ErrorIs(t, err, crm.ErrNoCustomer)

	var places []int64
	done, err := s.Shop.Import(t.Context(), "lenient", source, &crm.ImportOptions{Refused: func(position int64, err error) { places = append(places, position) }})
	require.NoError(t, err)
	assert.Equal(t, crm.ImportProgress{Position: 3, Refused: 1}, done)
	assert.Equal(t, []int64{1}, places)

	for name, call := range map[string]func() error{
		"Batch": func() error {
			_, err := s.Shop.Import(t.Context(), "x", source, &crm.ImportOptions{Batch: -1})
			return err
		},
		"ID": func() error { _, err := s.Shop.Import(t.Context(), "", source, nil); return err },
	} {
		var field *crm.FieldError
		require.ErrorAs(t, call(), &field, name)
		assert.Contains(t, field.Field, name)
	}
}

// A fact that was imported and is told live afterwards is one fact.
func TestImportThenRecord(t *testing.T) {
	s := thanks(t)
	s.Advance(30 * aDay)
	_, err := s.Shop.Import(t.Context(), "orders", pastOrders(s.Clock.Now(), 2), nil)
	require.NoError(t, err)
	for f := range pastOrders(s.Clock.Now(), 2) {
		require.NoError(t, s.Shop.Record(t.Context(), f))
	}
	s.Advance(aDay)
	assert.Empty(t, s.Mails())
	assert.Equal(t, 1, s.Customer("c0").Purchases.Count)
}
