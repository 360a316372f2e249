// Package mailertest helps to test with mailers, and to test mailers.
//
// A [Recorder] stands in for a mail system. [Run] checks that an
// implementation of mailer.Mailer keeps the promises of the interface, and
// those of mailer.Composer and mailer.Marker where it has them.
package mailertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm/mailer"
)

// A Harness tells [Run] how to get at a mailer.
type Harness struct {
	// New returns a mailer through which nothing was sent, and a function that
	// returns what it has delivered so far, in any order. It cleans up with
	// t.Cleanup. A mailer of wire bytes makes the deliveries with [Parse].
	New func(t *testing.T) (m mailer.Mailer, delivered func() []*Delivery)
}

// Run runs the conformance tests. Each makes a mailer of its own.
func Run(t *testing.T, h Harness) {
	t.Helper()
	t.Run("Delivers", func(t *testing.T) { testDelivers(t, h) })
	t.Run("CarrierAddress", func(t *testing.T) { testCarrierAddress(t, h) })
	t.Run("RefusesInvalid", func(t *testing.T) { testRefusesInvalid(t, h) })
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, h) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, h) })
	t.Run("Unmodified", func(t *testing.T) { testUnmodified(t, h) })
	t.Run("Composer", func(t *testing.T) { testComposer(t, h) })
	t.Run("Marker", func(t *testing.T) { testMarker(t, h) })
}

// message returns a valid message; id makes it differ from others.
func message(id string) *mailer.Message {
	return &mailer.Message{
		ID:      id + "@mailertest.example",
		Shop:    "tokyo-tea",
		Class:   "transactional",
		From:    mailer.Address{Name: "Tokyo Tea", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "Hanako Yamada", Email: "hanako@example.jp"},
		Subject: "Your order has shipped",
		Text:    "It will arrive tomorrow.\n",
		Date:    time.Date(2026, 4, 1, 9, 30, 0, 0, time.FixedZone("JST", 9*60*60)),
	}
}

func testDelivers(t *testing.T, h Harness) {
	cases := map[string]func(*mailer.Message){
		"plain": func(*mailer.Message) {},
		"html": func(m *mailer.Message) {
			m.Text, m.HTML = "", "<p>It will arrive <b>tomorrow</b>.</p>\n"
		},
		"both": func(m *mailer.Message) { m.HTML = "<p>It will arrive <b>tomorrow</b>.</p>\n" },
		"japanese": func(m *mailer.Message) {
			m.From.Name, m.To.Name = "東京茶舗", "山田 花子 様"
			m.Subject = "【東京茶舗】カートにお忘れ物はありませんか？いまなら送料無料でお届けいたします"
			m.Text = "山田 花子 様\n\nいつもありがとうございます。㈱東京茶舗の髙橋です。\n"
			m.HTML = "<p>山田 花子 様</p><p>いつもありがとうございます。</p>\n"
		},
		"emoji": func(m *mailer.Message) {
			m.Subject = "🍵 新茶の季節です 👨‍👩‍👧‍👦 🇯🇵 " + strings.Repeat("🌱", 30)
			m.Text = "🍵🍡🌸 — “quoted” … ½\n"
		},
		"long lines": func(m *mailer.Message) {
			m.Subject = strings.Repeat("a long subject ", 20) + "end"
			m.Text = strings.Repeat("x", 5000) + "\n" + strings.Repeat("お茶", 2000) + "\n"
			m.HTML = "<p>" + strings.Repeat("word ", 3000) + "</p>\n"
		},
		"dots": func(m *mailer.Message) { m.Text = ".\n..\n.hidden\n\n.\nFrom here on\n" },
		"reply-to and headers": func(m *mailer.Message) {
			m.ReplyTo = mailer.Address{Name: "お客様係", Email: "help@tea.example.jp"}
			m.Headers = []mailer.Header{
				{Name: "List-Unsubscribe", Value: "<https://tea.example.jp/u/" + strings.Repeat("k", 120) + ">"},
				{Name: "List-Unsubscribe-Post", Value: "List-Unsubscribe=One-Click"},
			}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			m, delivered := h.New(t)
			msg := message("delivers")
			change(msg)
			if err := m.Send(t.Context(), msg); err != nil {
				t.Fatalf("Send of a valid message: %v (%v)", err, errors.Unwrap(err))
			}
			got := delivered()
			if len(got) != 1 {
				t.Fatalf("%d messages were delivered, want 1: nil means that the mail system has the message, once", len(got))
			}
			compare(t, got[0], msg)
		})
	}
}

// compare reports where a delivery differs from what was to be sent.
func compare(t *testing.T, got *Delivery, want *mailer.Message) {
	t.Helper()
	if got.ID != "" && got.ID != want.ID { // Some mail systems insist on their own.
		t.Errorf("the Message-ID is %q, want %q", got.ID, want.ID)
	}
	for _, f := range []struct{ name, got, want string }{
		{"sender's name", got.From.Name, want.From.Name},
		{"sender's address", got.From.Email, want.From.Email},
		{"recipient's name", got.To.Name, want.To.Name},
		{"recipient's address", got.To.Email, want.To.Email},
		{"reply name", got.ReplyTo.Name, want.ReplyTo.Name},
		{"reply address", got.ReplyTo.Email, want.ReplyTo.Email},
		{"subject", got.Subject, want.Subject},
		{"HTML body", lines(got.HTML), lines(want.HTML)},
	} {
		if f.got != f.want {
			t.Errorf("the %s is %q, want %q", f.name, f.got, f.want)
		}
	}
	// A mailer may add a text for readers of no HTML.
	if want.Text != "" && lines(got.Text) != lines(want.Text) {
		t.Errorf("the text is %q, want %q", got.Text, want.Text)
	}
	for _, h := range want.Headers {
		if !slices.Contains(got.Headers, h) {
			t.Errorf("the header lacks %s: %s", h.Name, h.Value)
		}
	}
}

// lines returns s with line ends that can be compared.
func lines(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

func testCarrierAddress(t *testing.T, h Harness) {
	for _, email := range []string{"a..b@docomo.ne.jp", "hana.@ezweb.ne.jp"} {
		m, delivered := h.New(t)
		msg := message("carrier")
		msg.To = mailer.Address{Email: email}
		err := m.Send(t.Context(), msg)
		got := delivered()
		switch {
		case err == nil && (len(got) != 1 || got[0].To.Email != email):
			t.Errorf("%s: accepted and not delivered", email)
		case err != nil && (!mailer.IsPermanent(err) || len(got) != 0):
			t.Errorf("%s: error %v and %d delivered: an address that a mail system cannot take is a permanent error", email, err, len(got))
		}
	}
}

func testRefusesInvalid(t *testing.T, h Harness) {
	cases := map[string]func(*mailer.Message){
		"newline in subject":      func(m *mailer.Message) { m.Subject = "Hello\r\nBcc: everyone@example.jp" },
		"newline in name":         func(m *mailer.Message) { m.To.Name = "Hanako\nBcc: everyone@example.jp" },
		"newline in sender":       func(m *mailer.Message) { m.From.Name = "Tea\rX-Evil: 1" },
		"newline in address":      func(m *mailer.Message) { m.To.Email = "hanako@example.jp\r\nDATA" },
		"newline in header":       func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "X-Tag", Value: "a\r\n\r\nbody"}} },
		"newline in header name":  func(m *mailer.Message) { m.Headers = []mailer.Header{{Name: "X-Tag\r\nX-Evil", Value: "1"}} },
		"two recipients":          func(m *mailer.Message) { m.To.Email = "a@example.jp,b@example.jp" },
		"no recipient":            func(m *mailer.Message) { m.To = mailer.Address{} },
		"no body":                 func(m *mailer.Message) { m.Text = "" },
		"subject that is no text": func(m *mailer.Message) { m.Subject = "\xff\xfe" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			m, delivered := h.New(t)
			msg := message("invalid")
			change(msg)
			started := false
			err := m.Send(t.Context(), msg.OnStarted(func(context.Context) error {
				started = true
				return nil
			}))
			if !mailer.IsPermanent(err) {
				t.Errorf("Send returned %v, want a permanent error: no later attempt can send it", err)
			}
			if n := len(delivered()); n != 0 {
				t.Errorf("%d messages were delivered, want none", n)
			}
			if started {
				t.Error("Started was called for a message that cannot be sent")
			}
		})
	}
}

func testCancelled(t *testing.T, h Harness) {
	m, delivered := h.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Send(ctx, message("cancelled")); !mailer.IsTemporary(err) {
		t.Errorf("Send returned %v, want a temporary error: with a context that has ended nothing is begun", err)
	}
	if n := len(delivered()); n != 0 {
		t.Errorf("%d messages were delivered, want none", n)
	}
	if err := m.Send(t.Context(), message("after")); err != nil {
		t.Errorf("Send after a cancelled one: %v", err)
	}
}

func testConcurrent(t *testing.T, h Harness) {
	m, delivered := h.New(t)
	const senders = 16
	errs := make([]error, senders)
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			msg := message(fmt.Sprintf("concurrent-%d", i))
			msg.Subject = fmt.Sprintf("Number %d", i)
			errs[i] = m.Send(t.Context(), msg)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	subjects := make(map[string]int)
	for _, d := range delivered() {
		subjects[d.Subject]++
	}
	for i := range senders {
		if n := subjects[fmt.Sprintf("Number %d", i)]; n != 1 {
			t.Errorf("message %d was delivered %d times, want once", i, n)
		}
	}
}
