package mailertest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
)

func ExampleRecorder() {
	recorder := &mailertest.Recorder{Fail: func(m *mailer.Message) error {
		if m.To.Email == "gone@example.jp" {
			return mailer.Permanent(errors.New("no such mailbox"))
		}
		return nil
	}}
	for _, to := range []string{"hanako@example.jp", "gone@example.jp"} {
		err := recorder.Send(context.Background(), &mailer.Message{
			ID:      "1.welcome@tea.example.jp",
			From:    mailer.Address{Name: "東京茶舗", Email: "shop@tea.example.jp"},
			To:      mailer.Address{Email: to},
			Subject: "ようこそ",
			Text:    "ご登録ありがとうございます。",
		})
		fmt.Println(to, err)
	}
	for _, m := range recorder.Messages() {
		fmt.Println("delivered:", m.To.Email, m.Subject)
	}
	// Output:
	// hanako@example.jp <nil>
	// gone@example.jp mailer: permanent failure
	// delivered: hanako@example.jp ようこそ
}

func ExampleParse() {
	d, err := mailertest.Parse([]byte("From: =?utf-8?b?5p2x5Lqs6Iy26IiX?= <shop@tea.example.jp>\r\n" +
		"Subject: =?utf-8?q?=E3=82=88=E3=81=86=E3=81=93=E3=81=9D?=\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n" +
		"\r\n" +
		"ありがとうございます。\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.From.Name, d.Subject, d.Text)
	// Output: 東京茶舗 ようこそ ありがとうございます。
}
