package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/file"
)

func Example() {
	dir, err := os.MkdirTemp("", "mails")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	relay, err := file.New(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	msg := &mailer.Message{
		ID:      "1.welcome@tea.example.jp",
		From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "山田 花子 様", Email: "hanako@example.jp"},
		Subject: "Welcome",
		Text:    "Thank you for joining us.",
		Date:    time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}
	fmt.Println(relay.Send(context.Background(), msg))
	fmt.Println(filepath.Base(relay.Path(msg.ID)))
	// Output:
	// <nil>
	// 1.welcome@tea.example.jp.eml
}
