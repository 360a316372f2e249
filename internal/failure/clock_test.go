package failure_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/mailer"
)

// A worker whose clock goes back sends nothing twice. What was claimed by a
// worker that died waits until the clock shows the end of its lease again, and
// what is due is sent when the clock comes to it.
func TestClockGoesBack(t *testing.T) {
	w := found(t, onSQLite)
	p := w.process(setup{})
	w.clock.add(2 * time.Hour) // journeys do not start on what happened before they were published
	w.record(p, agrees("c", true), orders("c"))
	w.work(p)
	w.want(p, "c", "receipt", crm.MessageSent, "", 1)

	w.record(p, orders("d"))
	decider := w.process(setup{mode: crm.Off})
	w.work(decider)
	now := w.clock.Now()
	leases, err := p.store.Lease(t.Context(), w.shop, crm.LeaseRequest{Now: now, Until: now.Add(5 * time.Second), Limit: 9})
	w.must(err)
	if len(leases.Claimed) != 1 {
		t.Fatalf("%d messages were claimed, want 1", len(leases.Claimed))
	}

	const back = time.Hour
	w.later(p, -back)
	w.later(p, time.Minute)
	w.want(p, "c", "receipt", crm.MessageSent, "", 1)
	w.want(p, "d", "receipt", crm.MessageClaimed, "", 0)
	w.record(p, orders("e")) // who orders now is not behind the others
	w.work(p)
	w.want(p, "e", "receipt", crm.MessageSent, "", 1)

	w.later(p, back-time.Minute)
	w.want(p, "d", "receipt", crm.MessageClaimed, "", 0)
	w.later(p, 5*time.Second)
	w.want(p, "d", "receipt", crm.MessageSent, "", 1)
	w.want(p, "c", "receipt", crm.MessageSent, "", 1)
	w.later(p, pause)
	w.want(p, "c", "news", crm.MessageSent, "", 1)
	w.wantNothingWaits(p, "c", "d", "e")
}

// A worker whose clock goes forward skips nothing: it decides everything that
// is due by then as of its own time, and sends what is not too late. When the
// clock is put right, none of that is done again.
func TestClockGoesForward(t *testing.T) {
	w := found(t, onSQLite)
	p := w.process(setup{})
	w.record(p, agrees("c", true), orders("c"), agrees("d", true), fillsCart("d"))
	began := w.clock.Now()
	const jump = 3 * time.Hour
	w.later(p, jump)
	w.want(p, "c", "receipt", crm.MessageSent, "", 1)
	w.want(p, "c", "news", crm.MessageSent, "", 1) // too early by the true time: the clock is all that a worker has
	if at := w.messages(p, "c")["news"].SendAt; !at.Equal(began.Add(pause)) {
		t.Errorf("the news was due at %v, want %v", at, began.Add(pause))
	}
	w.want(p, "d", "first", crm.MessageSkipped, crm.ReasonLate, 0) // half an hour after the cart, and at most two hours late

	w.later(p, time.Minute-jump)
	for range 4 {
		w.later(p, time.Hour)
	}
	w.want(p, "c", "receipt", crm.MessageSent, "", 1)
	w.want(p, "c", "news", crm.MessageSent, "", 1)
	w.want(p, "d", "first", crm.MessageSkipped, crm.ReasonLate, 0)
	w.later(p, 24*time.Hour)
	w.want(p, "d", "second", crm.MessageSent, "", 1)
	w.wantNothingWaits(p, "c", "d")
}

// A wait in days over both changes of the clocks ends at the same time of day,
// once, whether workers look every quarter of an hour or come by afterwards.
func TestSummerTime(t *testing.T) {
	for _, c := range []struct{ name, zone, filled, due string }{
		{"forward in New York", "America/New_York", "2027-03-13T09:30:00-05:00", "2027-03-14T10:00:00-04:00"},
		{"into the hour that New York skips", "America/New_York", "2027-03-13T02:00:00-05:00", "2027-03-14T03:00:00-04:00"},
		{"back in New York", "America/New_York", "2027-11-06T09:30:00-04:00", "2027-11-07T10:00:00-05:00"},
		{"into the hour that New York has twice", "America/New_York", "2027-11-06T01:00:00-04:00", "2027-11-07T01:30:00-04:00"},
		{"forward in Berlin", "Europe/Berlin", "2027-03-27T09:30:00+01:00", "2027-03-28T10:00:00+02:00"},
		{"back in Berlin", "Europe/Berlin", "2027-10-30T09:30:00+02:00", "2027-10-31T10:00:00+01:00"},
	} {
		for _, every := range []time.Duration{15 * time.Minute, 30 * time.Hour} {
			t.Run(c.name+", every "+every.String(), func(t *testing.T) {
				w := found(t, onSQLite)
				p := w.process(setup{})
				filled, err := time.Parse(time.RFC3339, c.filled)
				w.must(err)
				due, err := time.Parse(time.RFC3339, c.due)
				w.must(err)
				w.clock.add(filled.Sub(w.clock.Now()))
				w.record(p, agrees("c", true), fillsCart("c"), crm.Fact{
					Customer: "c", Email: email("c"), Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{TimeZone: &c.zone}},
				})
				w.later(p, idle)
				for w.clock.Now().Before(due.Add(6 * time.Hour)) {
					w.later(p, every)
				}
				w.want(p, "c", "second", crm.MessageSent, "", 1)
				if at := w.messages(p, "c")["second"].SendAt; !at.Equal(due) {
					t.Errorf("the second mail was due at %v, want %v", at.In(due.Location()), due)
				}
			})
		}
	}
}

// Workers whose clocks disagree by more than a claim or a send may take: a mail
// that one of them has in hand is another's to send only if the first has not
// begun, or counts as lost and is listed.
func TestClocksDisagree(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		w := found(t, e)
		for _, c := range []struct {
			name           string
			ahead          time.Duration // how far the other worker's clock is ahead
			started        bool          // it comes by after the start, and not before
			template       string
			received, lost int
		}{
			{"it is ahead by more than a claim", 10 * time.Second, false, "news", 1, 0},
			{"it is behind by more than a claim", -10 * time.Second, false, "news", 1, 0},
			{"it is ahead and comes in the middle of a send", 10 * time.Second, true, "news", 1, 0},
			{"it is behind and comes in the middle of a send", -time.Hour, true, "news", 1, 0},
			{"it takes a send for lost", 4 * time.Minute, true, "news", 1, 1},
			{"it takes a transactional send for lost", 4 * time.Minute, true, "receipt", 1, 1},
			{"it takes a transactional send for lost, and sends again", 8 * time.Minute, true, "receipt", 2, 1},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := w.with(t)
				customer := id("c", time.Now().UnixNano())
				other := w.process(setup{clock: func() time.Time { return w.clock.Now().Add(c.ahead) }})
				came := false
				comes := func(m *mailer.Message) error {
					if m.Subject != c.template || came {
						return nil
					}
					came = true
					for range 2 { // to find a send lost, and to send again
						w.must(other.crm.RunUntil(t.Context(), w.clock.Now().Add(c.ahead)))
						if c.ahead > 5*time.Minute {
							w.clock.add(time.Minute)
						}
					}
					return nil
				}
				sender := during{Mailer: w.mails, claimed: comes}
				if c.started {
					sender = during{Mailer: w.mails, started: comes}
				}
				p := w.process(setup{mailer: sender})
				w.record(p, agrees(customer, true), orders(customer))
				w.work(p)
				w.later(p, pause)
				w.want(p, customer, c.template, crm.MessageSent, "", c.received)
				if !came {
					t.Error("the other worker did not come by")
				}
				if n := w.listed(p, customer, crm.DecidedUnknown)[c.template]; n != c.lost {
					t.Errorf("%d attempts are listed as unknown, want %d", n, c.lost)
				}
				w.recover(p)
				w.wantNothingWaits(p, customer)
			})
		}
	})
}

// skewed is a store whose server's clock differs from this machine's.
type skewed struct {
	store
	by time.Duration
}

// ServerTime implements crm.Timekeeper.
func (s skewed) ServerTime(ctx context.Context) (time.Time, error) {
	t, err := s.store.(crm.Timekeeper).ServerTime(ctx)
	return t.Add(s.by), err
}

// Machines whose clocks are a little off, the one fast and the other slow, work
// side by side by the server's clock, and each mail goes out once. One that is
// far off does nothing, and says so.
func TestMachinesDisagreeWithTheServer(t *testing.T) {
	for _, e := range []engine{onPostgreSQL, onMariaDB} {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			w := found(t, e)
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			work := func(by time.Duration) *crm.CRM {
				s, err := e.open(t, w.dsn, new(line))
				w.must(err)
				t.Cleanup(func() { s.Close() })
				c, err := crm.New(skewed{s, by}, w.mails, &crm.Config{Poll: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
				w.must(err)
				running.Go(func() {
					if err := c.Run(ctx); err != nil {
						t.Error(err)
					}
				})
				return c
			}
			off := work(time.Hour)
			w.eventually("nothing is said of the clock that is far off", func() bool {
				health, err := off.Health(t.Context())
				w.must(err)
				return health.Err != nil
			})
			work(900 * time.Millisecond)
			work(-900 * time.Millisecond)

			p := w.process(setup{clock: time.Now})
			const customers = 30
			for i := range customers {
				f := orders(id("c", i))
				f.Time = time.Now()
				w.record(p, f)
			}
			w.eventually("not all mails arrive", func() bool { return w.mails.Len() >= customers })
			stop()
			running.Wait()
			for i := range customers {
				w.want(p, id("c", i), "receipt", crm.MessageSent, "", 1)
			}
		})
	}
}
