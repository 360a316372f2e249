package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// childEnv holds the orders for a child: with it in its environment the program
// is one.
const childEnv = "GOEN_QUICKSTART_CHILD"

// Orders say what a child has to do.
type orders struct {
	Database string    `json:"database"`
	Server   string    `json:"server"` // Server is where the mails go.
	Log      string    `json:"log"`    // Log is the file in which the server notes each mail it has accepted.
	Data     string    `json:"data"`
	Lang     string    `json:"lang"`
	From     time.Time `json:"from"` // From is the clock's time.
	Until    time.Time `json:"until"`
	// Resumed reports that the child before this one was killed at From.
	Resumed bool `json:"resumed"`
}

// recovery is how long after a crash the next worker begins: by then the leases
// of the dead one have run out, which is 5 seconds for a message that was
// claimed and 3 minutes for one that was being sent.
const recovery = 4 * time.Minute

// beChild works through the last stretch. It tells out each look, so that the
// parent knows where a successor must begin, and gives up when the parent is
// gone, which is when in ends.
func beChild(ctx context.Context, text string, in io.Reader, out io.Writer) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	story, err := readStory(o.Data, o.Lang)
	if err != nil {
		return err
	}
	desk, err := openDesk(ctx, o.Database, o.Server, story.market, o.From)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, desk.close()) }()
	r := &replay{desk: desk, facts: story.facts}
	r.looked = func(at time.Time) { _, _ = fmt.Fprintln(out, at.Format(time.RFC3339)) }
	if o.Resumed {
		// Whether the last facts were recorded is not known, so they are recorded
		// once more: their ids make sure that it happens once.
		if err := r.look(ctx, o.From.Add(-2*lookEvery), o.From.Add(recovery)); err != nil {
			return err
		}
		if err := desk.resolve(ctx, o.Log); err != nil {
			return err
		}
	}
	return r.run(ctx, o.Until)
}

// resolve decides about messages of which nobody knows whether they went out,
// because the worker died in the midst of sending. goen does not send marketing
// twice, so it leaves them alone; but the mail server's log tells.
func (d *desk) resolve(ctx context.Context, log string) error {
	accepted, err := readLog(log)
	if err != nil {
		return err
	}
	var lost []crm.Message
	for m, err := range d.shop.Messages(ctx, crm.MessageQuery{States: []crm.MessageState{crm.MessageUnknown}}) {
		if err != nil {
			return err
		}
		if !slices.Contains(accepted, messageID(m)) {
			lost = append(lost, m)
		}
	}
	for _, m := range lost {
		if err := d.shop.Resolve(ctx, m.ID, crm.Resend); err != nil {
			return err
		}
	}
	return d.crm.RunUntil(ctx, d.clock.Now())
}

// readLog returns the Message-IDs in the server's log.
func readLog(name string) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var ids []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		ids = append(ids, lines.Text())
	}
	return ids, lines.Err()
}

// messageID is the Message-ID with which a message goes out.
func messageID(m crm.Message) string { return m.ID + "@" + mailDomain }
