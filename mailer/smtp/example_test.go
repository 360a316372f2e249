package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/smtp"
	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

func Example() {
	server := smtptest.NewServer(nil) // In production, your relay.
	defer server.Close()

	relay, err := smtp.New(server.Addr, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer relay.Close()

	err = relay.Send(context.Background(), &mailer.Message{
		ID:      "1.welcome@tea.example.jp",
		From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
		To:      mailer.Address{Name: "山田 花子 様", Email: "hanako@example.jp"},
		Subject: "ようこそ",
		HTML:    "<p>ご登録ありがとうございます。</p>",
		Date:    time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	})
	fmt.Println(err, server.Messages()[0].ID)
	// Output: <nil> 1.welcome@tea.example.jp
}

func ExampleMailer_Send_errors() {
	server := smtptest.NewServer(nil)
	defer server.Close()
	server.Fail(
		smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 450, Enhanced: "4.2.1"},
		smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 550, Enhanced: "5.1.1"},
		smtptest.Fault{Phase: smtptest.PhaseReply, Drop: true},
	)
	relay, err := smtp.New(server.Addr, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer relay.Close()

	msg := &mailer.Message{
		ID:      "1.welcome@tea.example.jp",
		From:    mailer.Address{Email: "shop@tea.example.jp"},
		To:      mailer.Address{Email: "hanako@example.jp"},
		Subject: "Welcome",
		Text:    "Thank you for joining us.",
		Date:    time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC),
	}
	for range 3 {
		err := relay.Send(context.Background(), msg)
		var refused *mailer.SendError
		switch {
		case errors.As(err, &refused) && refused.Permanent:
			fmt.Println("never:", err)
		case errors.As(err, &refused):
			fmt.Println("later:", err)
		case err != nil:
			fmt.Println("who knows:", err)
		}
	}
	// Output:
	// later: mailer: temporary failure at rcpt (450 4.2.1)
	// never: mailer: permanent failure at rcpt (550 5.1.1)
	// who knows: mailer/smtp: the connection was lost at reply: the server may have the message
}
