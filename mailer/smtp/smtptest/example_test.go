package smtptest_test

import (
	"errors"
	"fmt"
	stdsmtp "net/smtp"
	"net/textproto"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

func Example() {
	server := smtptest.NewServer(nil)
	defer server.Close()
	server.Fail(smtptest.Fault{Phase: smtptest.PhaseRcpt, Code: 450, Enhanced: "4.2.1", Message: "mailbox busy"})

	for range 2 {
		err := stdsmtp.SendMail(server.Addr, nil, "shop@tea.example.jp", []string{"hanako@example.jp"},
			[]byte("Subject: Welcome\r\n\r\nThank you.\r\n"))
		if reply, ok := errors.AsType[*textproto.Error](err); ok {
			fmt.Println("refused:", reply.Code, reply.Msg)
		}
	}
	for _, m := range server.Messages() {
		fmt.Println(m.From, m.To)
	}
	// Output:
	// refused: 450 4.2.1 mailbox busy
	// shop@tea.example.jp [hanako@example.jp]
}

func ExampleConfig_onPhase() {
	server := smtptest.NewServer(&smtptest.Config{
		OnPhase: func(p smtptest.Phase, e smtptest.Envelope) {
			if p == smtptest.PhaseData {
				fmt.Println("about to hear of a mail to", e.To[0]) // Look at the database here.
			}
		},
	})
	defer server.Close()
	err := stdsmtp.SendMail(server.Addr, nil, "shop@tea.example.jp", []string{"hanako@example.jp"},
		[]byte("Subject: Welcome\r\n\r\nThank you.\r\n"))
	fmt.Println(err)
	// Output:
	// about to hear of a mail to hanako@example.jp
	// <nil>
}
