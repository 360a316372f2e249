package smtp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/goen-crm/crm/mailer"
)

const (
	// maxLine is the longest line of a message without CRLF, RFC 5321 section
	// 4.5.3.1.6.
	maxLine = 998
	// block is how much of a message is written under one timeout.
	block = 64 << 10
)

// A transaction is what it takes to send one message.
type transaction struct {
	from, to string // from and to are mailboxes as they stand between < and >.
	raw      []byte
	started  func(context.Context) error
}

// send does the transaction: MAIL, RCPT, DATA, the message.
func (c *conn) send(ctx context.Context, t *transaction) error {
	if err := c.envelope(ctx, t); err != nil {
		return err
	}
	if err := t.started(ctx); err != nil {
		_ = c.reset(ctx) // If it fails the connection is not healthy, and that is all.
		return temporary("start", err)
	}
	return c.data(ctx, t.raw)
}

// envelope checks that the server can take the message and tells it from whom
// and to whom it is.
func (c *conn) envelope(ctx context.Context, t *transaction) error {
	header, body, _ := bytes.Cut(t.raw, []byte("\r\n\r\n"))
	utf8 := isNotASCII(header) || isNotASCII([]byte(t.from+t.to))
	if ok, _ := c.client.Extension("SMTPUTF8"); utf8 && !ok {
		return refusal("mail", ErrNoUTF8)
	}
	if ok, _ := c.client.Extension("8BITMIME"); isNotASCII(body) && !ok {
		return refusal("mail", ErrNoUTF8)
	}
	if _, size := c.client.Extension("SIZE"); size != "" {
		if limit, err := strconv.Atoi(size); err == nil && limit > 0 && len(t.raw) > limit {
			return refusal("mail", ErrTooLarge)
		}
	}
	// Some servers treat the parameter as a demand on all the way.
	c.client.SkipSMTPUTF8(!utf8)
	if err := c.phase(ctx, "mail", c.config.Timeouts.Mail, func() error {
		return c.client.Mail("<" + t.from + ">")
	}); err != nil {
		return err
	}
	return c.phase(ctx, "rcpt", c.config.Timeouts.Rcpt, func() error {
		return c.client.Rcpt("<" + t.to + ">")
	})
}

// data transmits the message. From the first byte on the server may have it.
func (c *conn) data(ctx context.Context, raw []byte) error {
	t := c.config.Timeouts
	var w io.WriteCloser
	if err := c.phase(ctx, "data", t.Data, func() (err error) {
		w, err = c.client.Data()
		return err
	}); err != nil {
		return err
	}
	for part := range slices.Chunk(raw, block) {
		if err := c.phase(ctx, "body", t.Body, func() error {
			_, err := w.Write(part)
			return err
		}); err != nil {
			c.healthy = false // In the middle of a message there is no way back.
			return err
		}
	}
	err := c.phase(ctx, "reply", t.Reply, w.Close)
	if err == nil {
		return nil
	}
	reply := replyOf(err)
	switch {
	case reply == nil:
		c.healthy = false // The reply may come yet, as if to the next command.
	case reply.Code/100 == 2:
		return nil // RFC 5321, section 4.2.1: any 2yz is success; go-mail insists on 250.
	}
	return err
}

// checkRaw refuses bytes that are no message on the wire. A lone CR or LF
// would be a line end to some servers and none to others, which lets one
// message smuggle another in.
func checkRaw(raw []byte) error {
	if len(raw) == 0 {
		return fmt.Errorf("%w: Raw is empty", mailer.ErrInvalid)
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		switch {
		case bytes.ContainsAny(line, "\r\n"):
			return fmt.Errorf("%w: Raw holds a lone CR or LF", mailer.ErrInvalid)
		case bytes.IndexByte(line, 0) >= 0:
			return fmt.Errorf("%w: Raw holds a NUL", mailer.ErrInvalid)
		case len(line) > maxLine:
			return fmt.Errorf("%w: Raw holds a line longer than %d bytes", mailer.ErrInvalid, maxLine)
		}
	}
	return nil
}

func isNotASCII(b []byte) bool {
	return slices.ContainsFunc(b, func(c byte) bool { return c >= 0x80 })
}
