package mailer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm/mailer"
)

func TestOnly(t *testing.T) {
	var sent []string
	relay := mailer.Func(func(_ context.Context, m *mailer.Message) error {
		sent = append(sent, m.To.Email)
		return nil
	})
	staging := mailer.Only(relay, "Tester@Example.JP", " @tea.example.jp ", "example.com", "")
	for email, allowed := range map[string]bool{
		"tester@example.jp":          true,
		"TESTER@EXAMPLE.jp":          true,
		"other@example.jp":           false,
		"anyone@tea.example.jp":      true,
		"Anyone@TEA.example.jp":      true,
		"anyone@sub.tea.example.jp":  false,
		"anyone@eviltea.example.jp":  false,
		"tester@example.jp.evil.com": false,
		"a@tea.example.jp@evil.com":  false,
		"someone@example.com":        false, // An entry without @ names nobody.
		"example.com":                false,
		"@tea.example.jp":            false,
		"":                           false,
	} {
		sent = nil
		err := staging.Send(t.Context(), &mailer.Message{To: mailer.Address{Email: email}})
		if allowed {
			require.NoError(t, err, email)
			assert.Equal(t, []string{email}, sent)
			continue
		}
		require.ErrorIs(t, err, mailer.ErrNotAllowed, email)
		assert.True(t, mailer.IsPermanent(err), email)
		assert.Empty(t, sent, "%s: nothing is handed on", email)
	}
}

type marker struct{ mailer.Func }

func (marker) MarksStart() {}

func TestAsSeesThroughOnly(t *testing.T) {
	relay := marker{func(context.Context, *mailer.Message) error { return nil }}
	found, ok := mailer.As[mailer.Marker](mailer.Only(mailer.Only(relay, "@a.jp"), "@a.jp"))
	require.True(t, ok)
	assert.IsType(t, relay, found)
	_, ok = mailer.As[mailer.Composer](mailer.Only(relay))
	assert.False(t, ok)
}

func ExampleOnly() {
	relay := mailer.Func(func(_ context.Context, m *mailer.Message) error {
		fmt.Println("sent to", m.To.Email)
		return nil
	})
	staging := mailer.Only(relay, "@tea.example.jp", "tester@example.com")
	for _, to := range []string{"dev@tea.example.jp", "hanako@example.jp"} {
		err := staging.Send(context.Background(), &mailer.Message{To: mailer.Address{Email: to}})
		if errors.Is(err, mailer.ErrNotAllowed) {
			fmt.Println("held back")
		}
	}
	// Output:
	// sent to dev@tea.example.jp
	// held back
}
