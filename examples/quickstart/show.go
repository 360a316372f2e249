package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/goen-crm/crm/mailer/smtp/smtptest"
)

// A show is one run of the program: a story, told on a screen.
type show struct {
	options
	*story
	screen *screen
	began  time.Time

	folder   string // folder is removed at the end.
	log      *os.File
	received atomic.Int64
	server   *smtptest.Server // server is nil if the mails go elsewhere.
	address  string           // address is where the mails go.
	killer   *killer
}

func newShow(o options, s *screen) (*show, error) {
	story, err := readStory(o.data, o.lang)
	if err != nil {
		return nil, err
	}
	s.lang = o.lang
	show := &show{options: o, story: story, screen: s, began: time.Now(), address: o.server, killer: new(killer)}
	if show.database != "" {
		if _, err := os.Stat(show.database); !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is there already: -db wants a new file", show.database)
		}
	}
	if err := reachable(o.server); err != nil {
		return nil, err
	}
	if show.folder, err = scratch(o); err != nil {
		return nil, err
	}
	if show.database == "" {
		show.database = filepath.Join(show.folder, "shop.db")
	}
	if show.log, err = os.Create(filepath.Join(show.folder, "server.log")); err != nil {
		return nil, errors.Join(err, show.close())
	}
	if show.address == "" {
		show.serve()
	}
	return show, nil
}

// scratch makes a temporary folder, in memory if the data are known to fit.
func scratch(o options) (string, error) {
	const pattern = "goen-quickstart-"
	if memory := memoryFolder(); memory != "" && o.data == "" {
		if folder, err := os.MkdirTemp(memory, pattern); err == nil {
			return folder, nil
		}
	}
	return os.MkdirTemp("", pattern)
}

// reachable returns an error if nobody answers at the address, which may be "".
func reachable(address string) error {
	if address == "" {
		return nil
	}
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return fmt.Errorf("-smtp: %w", err)
	}
	return conn.Close()
}

// serve starts the SMTP server. It notes each mail in its log before it says
// that it has accepted it, as mail servers do.
func (s *show) serve() {
	s.killer.plan = planKills(s.seed)
	s.server = smtptest.NewServer(&smtptest.Config{
		OnPhase: func(p smtptest.Phase, _ smtptest.Envelope) { s.killer.phase(p) },
		Log: func(m *smtptest.Mail) error {
			s.received.Add(1)
			s.killer.accepted()
			_, err := fmt.Fprintln(s.log, m.ID)
			return err
		},
	})
	s.address = s.server.Addr
}

// close stops the server and removes what is not to be kept.
func (s *show) close() error {
	if s.server != nil {
		s.server.Close()
	}
	var err error
	if s.log != nil {
		err = s.log.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// kept reports whether the database stays.
func (s *show) kept() bool { return filepath.Dir(s.database) != s.folder }

// kills is how many there must have been: all that were planned, if the data
// are those that the plan was made for.
func (s *show) kills() int {
	if s.data != "" {
		return len(s.killer.done)
	}
	return len(s.killer.done) + len(s.killer.plan)
}

// run tells the story from beginning to end.
func (s *show) run(ctx context.Context) (b *books, err error) {
	s.introduce()
	if err := s.year(ctx); err != nil {
		return nil, err
	}
	if err := s.lastWeeks(ctx); err != nil {
		return nil, err
	}
	desk, err := openDesk(ctx, s.database, s.address, s.market, s.end)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, desk.close()) }()
	b, err = count(ctx, desk, s.story, s.server)
	if err != nil {
		return nil, err
	}
	b.Kills = len(s.killer.done)
	b.Seconds = float64(time.Since(s.began).Milliseconds()/100) / 10
	if !s.json {
		err = s.report(ctx, desk, b)
	}
	return b, err
}

// year replays all but the last weeks.
func (s *show) year(ctx context.Context) error {
	desk, err := openDesk(ctx, s.database, s.address, s.market, s.start)
	if err != nil {
		return err
	}
	bar := s.progress(s.start, s.stretch)
	r := &replay{desk: desk, facts: s.facts, looked: bar.at}
	err = r.look(ctx, time.Time{}, s.start) // what was before
	if err == nil {
		err = r.run(ctx, s.stretch)
	}
	if err != nil {
		return errors.Join(err, desk.close())
	}
	bar.done()
	return desk.close()
}

// lastWeeks has the last weeks sent by processes that are killed, or, where
// nobody can count what arrived, by this one.
func (s *show) lastWeeks(ctx context.Context) error {
	bar := s.progress(s.stretch, s.end)
	if s.server == nil {
		desk, err := openDesk(ctx, s.database, s.address, s.market, s.stretch)
		if err != nil {
			return err
		}
		r := &replay{desk: desk, facts: s.facts, looked: bar.at}
		err = r.run(ctx, s.end)
		bar.done()
		return errors.Join(err, desk.close())
	}
	s.screen.title("2. 最後の3週間は、送信中のプロセスを3回 kill -9 しながら", "2. The last weeks, with the sender killed three times")
	before := s.received.Load()
	err := s.killer.run(ctx, orders{
		Database: s.database, Server: s.address, Log: s.log.Name(), Data: s.data, Lang: s.lang,
		From: s.stretch, Until: s.end,
	}, bar.at)
	if err != nil {
		return err
	}
	bar.done()
	for i, k := range s.killer.done {
		s.screen.say("  %d回目: %d通を送ったあと、次の1通の %s の応答を待っているときに SIGKILL",
			"  kill %d: %d mails after its start, while it waited for the answer to %s of the next", i+1, k.after, phaseNames[k.phase])
	}
	s.screen.say("  この区間で届いたメール: %d通", "  mails received in this stretch: %d", s.received.Load()-before)
	return nil
}

var phaseNames = map[smtptest.Phase]string{
	smtptest.PhaseMail: "MAIL", smtptest.PhaseRcpt: "RCPT", smtptest.PhaseData: "DATA",
}

func (s *show) progress(from, to time.Time) *progress {
	p := &progress{screen: s.screen, start: from, end: to}
	if s.server != nil {
		p.mails = func() int { return int(s.received.Load()) }
	}
	return p
}
