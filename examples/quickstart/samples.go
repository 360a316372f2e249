package main

import (
	"bytes"
	"context"
	"mime"
	"net/mail"
	"os"
	"path/filepath"

	"github.com/goen-crm/crm"
)

// sampleMails keeps one mail of each kind and language as a file to open.
func (s *show) sampleMails(ctx context.Context, d *desk, b *books) error {
	s.screen.title("7. 送ったメール", "7. The mails themselves")
	locales := make(map[string]string)
	for _, c := range b.customers {
		locales[c.ID] = c.Locale
	}
	folder, err := os.MkdirTemp("", "goen-mails-")
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	sent := crm.MessageQuery{States: []crm.MessageState{crm.MessageSent}, Content: true}
	for m, err := range d.shop.Messages(ctx, sent) {
		if err != nil {
			return err
		}
		name := m.Template + "." + locales[m.Customer] + ".eml"
		if seen[name] {
			continue
		}
		seen[name] = true
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, m.Content, 0o600); err != nil {
			return err
		}
		if name == "cart-reminder."+s.lang+".eml" {
			s.screen.say("  カゴ落ちメールの1通目: 「%s」", "  the first cart mail: %q", subject(m.Content))
			s.screen.print("  %s\n", path)
		}
	}
	s.screen.say("  同じフォルダに、種類と言語ごとに1通ずつ、%d通あります。メールソフトで開いてください", "  There are %d in that folder, one of each kind and language: open them with a mail program", len(seen))
	return nil
}

// subject is the subject of a mail as a reader sees it.
func subject(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return ""
	}
	return text
}
