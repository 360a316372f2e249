package mailertest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/goen-crm/crm/mailer"
)

func testUnmodified(t *testing.T, h Harness) {
	m, _ := h.New(t)
	msg := message("unmodified")
	msg.HTML = "<p>It will arrive tomorrow.</p>"
	msg.Headers = []mailer.Header{{Name: "X-Tag", Value: "お茶"}}
	before := *msg
	before.Headers = slices.Clone(msg.Headers)
	if err := m.Send(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*msg, before) {
		t.Errorf("Send changed the message to %+v, it was %+v", *msg, before)
	}
}

func testComposer(t *testing.T, h Harness) {
	m, delivered := h.New(t)
	c, ok := mailer.As[mailer.Composer](m)
	if !ok {
		t.Skip("no mailer.Composer")
	}
	msg := message("composer")
	msg.Subject, msg.HTML = "新茶のご案内", "<p>新茶が届きました。</p>"
	msg.Headers = []mailer.Header{{Name: "X-Tag", Value: "a"}, {Name: "X-Other", Value: "b"}}
	before := *msg

	raw, err := c.Compose(msg)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*msg, before) {
		t.Error("Compose changed the message")
	}
	if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) {
		t.Error("Compose returned a line that ends in LF alone; the wire has CRLF")
	}
	for range 20 {
		other := message("composer")
		other.Subject, other.HTML = msg.Subject, msg.HTML
		other.Headers = slices.Clone(msg.Headers)
		again, err := c.Compose(other)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, raw) {
			t.Fatalf("equal messages gave different bytes: a retry would be another mail\n%s\n%s", raw, again)
		}
	}

	msg.Raw = slices.Clone(raw)
	msg.Subject = "a subject that was changed since"
	if err := m.Send(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	got := delivered()
	if len(got) != 1 {
		t.Fatalf("%d messages were delivered, want 1", len(got))
	}
	if got[0].Raw != nil && !bytes.Equal(got[0].Raw, raw) {
		t.Errorf("Raw was not sent unchanged\ngot  %q\nwant %q", got[0].Raw, raw)
	}
	if got[0].Subject != "新茶のご案内" {
		t.Errorf("the subject is %q: with Raw nothing is rendered", got[0].Subject)
	}

	msg = message("composer")
	msg.Subject = "Hello\nBcc: everyone@example.jp"
	if _, err := c.Compose(msg); !mailer.IsPermanent(err) {
		t.Errorf("Compose of an invalid message returned %v, want a permanent error", err)
	}
}

func testMarker(t *testing.T, h Harness) {
	m, delivered := h.New(t)
	if _, ok := mailer.As[mailer.Marker](m); !ok {
		t.Skip("no mailer.Marker")
	}

	calls, early := 0, 0
	err := m.Send(t.Context(), message("marked").OnStarted(func(context.Context) error {
		calls++
		early = len(delivered())
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Errorf("Started was called %d times, want once", calls)
	}
	if early != 0 {
		t.Error("the message was delivered when Started was called: a crash between the two would send it again")
	}
	if n := len(delivered()); n != 1 {
		t.Fatalf("%d messages were delivered, want 1", n)
	}

	cause := errors.New("the database is away")
	err = m.Send(t.Context(), message("unmarked").OnStarted(func(context.Context) error { return cause }))
	if !mailer.IsTemporary(err) || !errors.Is(err, cause) {
		t.Errorf("Send returned %v, want a temporary error that wraps that of Started", err)
	}
	if n := len(delivered()); n != 1 {
		t.Errorf("the message was delivered although Started failed")
	}
	if err := m.Send(t.Context(), message("next")); err != nil {
		t.Errorf("Send after a failed Started: %v", err)
	}
}
