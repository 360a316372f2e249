package mailertest_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func recorderHarness() mailertest.Harness {
	return mailertest.Harness{New: func(*testing.T) (mailer.Mailer, func() []*mailertest.Delivery) {
		r := new(mailertest.Recorder)
		return r, func() []*mailertest.Delivery {
			var all []*mailertest.Delivery
			for _, m := range r.Messages() {
				// A Recorder gets the message before it is bytes.
				all = append(all, mailertest.Deliver(m))
			}
			return all
		}
	}}
}

func TestRecorderConformance(t *testing.T) { mailertest.Run(t, recorderHarness()) }

func TestOnlyConformance(t *testing.T) {
	inner := recorderHarness()
	mailertest.Run(t, mailertest.Harness{New: func(t *testing.T) (mailer.Mailer, func() []*mailertest.Delivery) {
		m, delivered := inner.New(t)
		return mailer.Only(m, "@example.jp", "@docomo.ne.jp", "@ezweb.ne.jp"), delivered
	}})
}

func TestRecorderFail(t *testing.T) {
	full := errors.New("mailbox full")
	r := &mailertest.Recorder{Fail: func(m *mailer.Message) error {
		if m.To.Email == "full@example.jp" {
			return mailer.Temporary(full)
		}
		return nil
	}}
	msg := &mailer.Message{
		ID: "1@x", From: mailer.Address{Email: "shop@example.jp"}, To: mailer.Address{Email: "full@example.jp"}, Text: "x",
	}
	err := r.Send(t.Context(), msg)
	require.ErrorIs(t, err, full)
	assert.True(t, mailer.IsTemporary(err))
	assert.Zero(t, r.Len())

	msg.To.Email = "other@example.jp"
	msg.Headers = []mailer.Header{{Name: "X-A", Value: "1"}}
	require.NoError(t, r.Send(t.Context(), msg))
	msg.Headers[0].Value = "changed"
	require.Equal(t, 1, r.Len())
	assert.Equal(t, "1", r.Messages()[0].Headers[0].Value, "the Recorder keeps a copy")

	r.Reset()
	assert.Zero(t, r.Len())
}

func TestParseRefusesNonsense(t *testing.T) {
	for _, raw := range []string{
		"no header at all",
		"From: <<>>\r\n\r\nbody",
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nbroken",
	} {
		_, err := mailertest.Parse([]byte(raw))
		assert.Error(t, err, "%q", raw)
	}
}
