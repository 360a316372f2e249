package failure_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/mailer"
)

// A blow is when the server is killed. The zero blow never comes.
type blow struct {
	statement int    // while it works at this statement of a customer's story
	after     string // or after this stage of it
	claimed   bool   // or while a claimed mail waits to be started
	started   bool   // or while a mail is being sent
}

// String says when it is.
func (b blow) String() string {
	switch {
	case b.after != "":
		return "after " + b.after
	case b.claimed:
		return "before the start of a mail"
	case b.started:
		return "after the start of a mail"
	}
	return fmt.Sprint("statement ", b.statement)
}

// strokes is at how many statements of a story the server is killed.
const strokes = 15

// The database server is killed between and in the middle of record, fold,
// claim and send. The processes that use it live on, and when it runs again they
// bring everything to its end.
func TestServerIsKilled(t *testing.T) {
	slow(t)
	for _, e := range engines {
		if e.start == nil {
			continue // what a killed process leaves in its files is tested with the store
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			server, err := e.start(t.Context())
			dbtest.Need(t, err)
			t.Cleanup(func() { server.Stop() })
			if err := server.Restart(t.Context()); errors.Is(err, dbtest.ErrForeign) {
				t.Skip(err)
			}
			w := foundAt(t, e, newDatabase(t, server))
			v := newVictim(w, server)
			v.story("c", blow{})
			all := v.said

			blows := []blow{{after: "record"}, {after: "fold"}, {after: "send"}, {claimed: true}, {started: true}}
			for i := range strokes {
				blows = append(blows, blow{statement: 1 + i*(all-1)/(strokes-1)})
			}
			for i, b := range blows {
				t.Run(b.String(), func(t *testing.T) { newVictim(w.with(t), server).story(id("c", i), b) })
			}
		})
	}
}

// A victim is a process whose server is killed.
type victim struct {
	*town
	sender, decider *process // decider decides and does not send
	server          *dbtest.Server
	line            *line
	blow            blow
	struck          bool
	said            int // statements of the story, until nothing but recovery is left
}

func newVictim(w *town, server *dbtest.Server) *victim {
	v := &victim{town: w, server: server, line: new(line)}
	v.sender = w.process(setup{line: v.line, mailer: during{
		Mailer:  w.mails,
		claimed: func(*mailer.Message) error { v.strikeIf(v.blow.claimed); return nil },
		started: func(*mailer.Message) error { v.strikeIf(v.blow.started); return nil },
	}})
	v.decider = w.process(setup{line: v.line, mode: crm.Off})
	return v
}

func (v *victim) strikeIf(now bool) {
	if !now || v.struck {
		return
	}
	v.struck = true
	if err := v.server.Kill(); err != nil {
		v.Error(err)
	}
}

// story tells the story of a customer, with a blow in it.
func (v *victim) story(customer string, b blow) {
	v.Helper()
	v.blow, v.struck = b, false
	v.line.strikeAt(b.statement, func() { v.strikeIf(true) })
	before := v.line.statements()
	facts := v.now(agrees(customer, true), orders(customer))
	run := func(p *process) error { return p.crm.RunUntil(v.Context(), v.clock.Now()) }
	for _, stage := range []struct {
		name string
		do   func() error
	}{
		{"record", func() error { return v.sender.shop.Record(v.Context(), facts...) }},
		{"fold", func() error { return run(v.decider) }},
		{"send", func() error { return run(v.sender) }},
		{"wait", func() error { return run(v.sender) }},
	} {
		if stage.name == "wait" {
			v.clock.add(pause)
		}
		was := v.struck
		err := stage.do()
		v.strikeIf(b.after == stage.name)
		if !v.struck {
			v.must(err)
			continue
		}
		if !was {
			v.must(v.server.Restart(v.Context()))
		}
		if err != nil { // or one of the connections that are gone is found to be
			v.eventually("the process does not recover", func() bool { return stage.do() == nil })
		}
	}
	v.said = v.line.statements() - before
	if !v.struck && b != (blow{}) {
		v.Error("the server was not killed")
	}
	for range 4 {
		v.clock.add(recovery)
		v.eventually("the process does not recover", func() bool { return run(v.sender) == nil })
		v.work(v.sender)
	}
	inTheAct := b.started || b.statement > 0
	if unknown := v.wantSettled(v.sender, customer); len(unknown) > 0 && !inTheAct {
		v.Errorf("listed as unknown: %v", unknown)
	}
}
