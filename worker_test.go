package crm_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/mailer"
	"github.com/goen-crm/crm/mailer/mailertest"
	"github.com/goen-crm/crm/storage/memory"
)

// newsShop makes a shop known that writes to everybody to whom something
// happens, and has that happen to n customers.
func newsShop(t *testing.T, c *crm.CRM, id string, rate, n int) *crm.Shop {
	t.Helper()
	shop := c.Shop(id)
	settings := crmtest.Settings()
	settings.Rate = rate
	require.NoError(t, shop.Configure(t.Context(), settings))
	_, err := shop.PublishTemplate(t.Context(), crm.Template{ID: "news", Class: crm.Transactional, Locales: map[string]crm.Words{"ja": {Subject: "news", Text: "news"}}})
	require.NoError(t, err)
	_, err = shop.Publish(t.Context(), crm.Journey{ID: "news", Trigger: crm.OnFact{Fact: crm.FactCustom}, Steps: crm.Steps{crm.Send{Template: "news"}}})
	require.NoError(t, err)
	var facts []crm.Fact
	for i := range n {
		facts = append(facts, crm.Fact{
			ID: fmt.Sprintf("f%d", i), Time: time.Now(), Customer: fmt.Sprintf("c%d", i), Email: fmt.Sprintf("c%d@example.jp", i), Body: crm.Custom{Name: "something"},
		})
	}
	require.NoError(t, shop.Record(t.Context(), facts...))
	return shop
}

// working runs a CRM while do runs, in virtual time.
func working(t *testing.T, c *crm.CRM, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	do()
	stop()
	require.NoError(t, <-ended)
}

func newCRM(t *testing.T, store crm.Store, m mailer.Mailer, config crm.Config) *crm.CRM {
	t.Helper()
	config.Logger = slog.New(slog.DiscardHandler)
	c, err := crm.New(store, m, &config)
	require.NoError(t, err)
	return c
}

func TestRunSendsEverythingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, outbox := memory.New(), new(mailertest.Recorder)
		outbox.Fail = func(*mailer.Message) error { time.Sleep(300 * time.Millisecond); return nil }
		c := newCRM(t, store, outbox, crm.Config{Connections: 16})
		for i := range 3 {
			newsShop(t, c, fmt.Sprintf("shop-%d", i), 0, 100)
		}
		other := newCRM(t, store, outbox, crm.Config{Connections: 3})
		working(t, c, func() { working(t, other, func() { time.Sleep(time.Minute) }) })
		seen := make(map[string]bool)
		for _, m := range outbox.Messages() {
			assert.False(t, seen[m.Shop+m.To.Email], "sent twice")
			seen[m.Shop+m.To.Email] = true
		}
		assert.Len(t, seen, 300)
		for i := range 3 {
			for m, err := range c.Shop(fmt.Sprintf("shop-%d", i)).Messages(t.Context(), crm.MessageQuery{}) {
				require.NoError(t, err)
				assert.Equal(t, crm.MessageSent, m.State)
			}
		}
	})
}

// When Run is told to end, what has begun is completed, and what is claimed
// and not begun goes back.
func TestRunEndsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outbox := new(mailertest.Recorder)
		outbox.Fail = func(*mailer.Message) error { time.Sleep(time.Second); return nil }
		c := newCRM(t, memory.New(), outbox, crm.Config{Connections: 4})
		shop := newsShop(t, c, "shop", 0, 50)
		working(t, c, func() { time.Sleep(2500 * time.Millisecond) })
		states := make(map[crm.MessageState]int)
		for m, err := range shop.Messages(t.Context(), crm.MessageQuery{}) {
			require.NoError(t, err)
			states[m.State]++
		}
		sent := len(outbox.Messages())
		assert.Equal(t, map[crm.MessageState]int{crm.MessageSent: sent, crm.MessageQueued: 50 - sent}, states)
		assert.Equal(t, 12, sent, "four connections, three seconds begun")
	})
}

func TestRate(t *testing.T) {
	for name, limit := range map[string]struct{ process, shop int }{"Process": {10, 0}, "Shop": {0, 10}, "Both": {30, 10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var sent []time.Time
				outbox := new(mailertest.Recorder)
				outbox.Fail = func(*mailer.Message) error {
					mu.Lock()
					defer mu.Unlock()
					sent = append(sent, time.Now())
					return nil
				}
				c := newCRM(t, memory.New(), outbox, crm.Config{Connections: 100, Rate: limit.process})
				newsShop(t, c, "shop", limit.shop, 60)
				began := time.Now()
				working(t, c, func() { time.Sleep(20 * time.Second) })
				require.Len(t, sent, 60)
				took := sent[59].Sub(began)
				assert.GreaterOrEqual(t, took, 4900*time.Millisecond, "a second's worth goes at once, the rest at ten a second")
				assert.Less(t, took, 8*time.Second)
			})
		})
	}
}

// A flood of mails that can wait does not hold up one that cannot.
func TestBulkDoesNotDelayPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		var mu sync.Mutex
		arrived := make(map[string]time.Time)
		outbox := new(mailertest.Recorder)
		outbox.Fail = func(m *mailer.Message) error {
			time.Sleep(100 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			arrived[m.To.Email] = time.Now()
			return nil
		}
		c := newCRM(t, store, outbox, crm.Config{Connections: 4})
		newsShop(t, c, "shop", 0, 0)
		var flood crm.Changes
		for i := range 2000 {
			flood.Queue = append(flood.Queue, crm.Message{
				ID: fmt.Sprintf("bulk-%d", i), Enrollment: "e", Journey: "news", Version: 1, Step: "news", Visit: 1, Template: "news", TemplateVersion: 1,
				Class: crm.Marketing, Lane: crm.Bulk, Customer: "everybody", To: fmt.Sprintf("bulk%d@example.jp", i), SendAt: time.Now(), State: crm.MessageQueued,
				Content: []byte(`{"ID":"x@example.jp","From":{"Email":"shop@example.jp"},"To":{"Email":"x@example.jp"},"Subject":"x","Text":"x","Date":"2026-01-01T00:00:00Z"}`),
			})
		}
		_, err := store.Update(t.Context(), "shop", crm.Selection{IDs: []string{}}, func(*crm.Work) (*crm.Changes, error) { return &flood, nil })
		require.NoError(t, err)
		working(t, c, func() {
			time.Sleep(5 * time.Second)
			require.NoError(t, c.Shop("shop").Record(t.Context(), crm.Fact{ID: "now", Time: time.Now(), Customer: "c", Email: "hanako@example.jp", Body: crm.Custom{Name: "something"}}))
			recorded := time.Now()
			time.Sleep(5 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			require.Contains(t, arrived, "hanako@example.jp")
			assert.Less(t, arrived["hanako@example.jp"].Sub(recorded), time.Second)
		})
	})
}

// Customers whom this version cannot read keep nobody else waiting.
func TestUnreadableCustomersStopNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, outbox := memory.New(), new(mailertest.Recorder)
		c := newCRM(t, store, outbox, crm.Config{Batch: 10})
		shop := newsShop(t, c, "shop", 0, 0)
		var facts []crm.Fact
		var newer crm.Changes
		for i := range 100 {
			id := fmt.Sprintf("a%d", i)
			facts = append(facts, crm.Fact{ID: "f" + id, Time: time.Now(), Customer: id, Body: crm.Custom{Name: "something"}})
			newer.Customers = append(newer.Customers, crm.CustomerRow{ID: id, State: []byte(`{"core":1000}`)})
		}
		require.NoError(t, shop.Record(t.Context(), facts...))
		var ids []string
		for _, row := range newer.Customers {
			ids = append(ids, row.ID)
		}
		_, err := store.Update(t.Context(), "shop", crm.Selection{IDs: ids}, func(*crm.Work) (*crm.Changes, error) { return &newer, nil })
		require.NoError(t, err)
		require.NoError(t, shop.Record(t.Context(), crm.Fact{ID: "z", Time: time.Now(), Customer: "z", Email: "z@example.jp", Body: crm.Custom{Name: "something"}}))
		working(t, c, func() {
			time.Sleep(30 * time.Second)
			health, err := c.Health(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 100, health.Stuck)
			assert.Equal(t, 1, health.Running)
		})
		require.Len(t, outbox.Messages(), 1)
		assert.Equal(t, "z@example.jp", outbox.Messages()[0].To.Email)
	})
}

// skewed is a store whose server's clock differs from this machine's.
type skewed struct {
	*memory.Store
	by time.Duration
}

func (s *skewed) ServerTime(context.Context) (time.Time, error) { return time.Now().Add(s.by), nil }

// A worker goes by the server's clock, and does nothing if its own machine's is
// far off.
func TestSkew(t *testing.T) {
	for by, works := range map[time.Duration]bool{-900 * time.Millisecond: true, 900 * time.Millisecond: true, 2 * time.Second: false, -time.Hour: false} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				outbox := new(mailertest.Recorder)
				began, arrived := time.Now(), time.Time{}
				outbox.Fail = func(*mailer.Message) error { arrived = time.Now(); return nil }
				c := newCRM(t, &skewed{memory.New(), by}, outbox, crm.Config{})
				newsShop(t, c, "shop", 0, 1)
				working(t, c, func() {
					time.Sleep(10 * time.Second)
					health, err := c.Health(t.Context())
					require.NoError(t, err)
					assert.Equal(t, by, health.Skew)
					if works {
						assert.NoError(t, health.Err)
					} else {
						assert.ErrorIs(t, health.Err, crm.ErrSkew)
					}
				})
				if !works {
					assert.Empty(t, outbox.Messages())
					return
				}
				require.Len(t, outbox.Messages(), 1)
				assert.InDelta(t, max(0, -by), arrived.Sub(began), float64(50*time.Millisecond), "it was due by the server's clock")
			})
		})
	}
}

func TestBacklogAndHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCRM(t, memory.New(), new(mailertest.Recorder), crm.Config{})
		newsShop(t, c, "busy", 0, 7)
		newsShop(t, c, "idle", 0, 0)
		backlog, err := c.Backlog(t.Context())
		require.NoError(t, err)
		require.Len(t, backlog, 1)
		assert.Equal(t, "busy", backlog[0].Shop)
		assert.Equal(t, 14, backlog[0].Counts.Pending, "seven customers and the guests of their addresses")

		off := newCRM(t, memory.New(), new(mailertest.Recorder), crm.Config{Mode: crm.Off})
		newsShop(t, off, "queued", 0, 3)
		require.NoError(t, off.RunUntil(t.Context(), time.Now()))
		time.Sleep(time.Hour)
		backlog, err = off.Backlog(t.Context())
		require.NoError(t, err)
		require.Len(t, backlog, 1)
		assert.Equal(t, 3, backlog[0].Counts.Prompt)
		assert.Equal(t, time.Hour, time.Since(backlog[0].Oldest))
		health, err := off.Health(t.Context())
		require.NoError(t, err)
		assert.Equal(t, crm.Health{Lag: time.Hour}, health)
	})
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		counts := make(map[string]int)
		add := func(what string, n int) {
			mu.Lock()
			defer mu.Unlock()
			counts[what] += n
		}
		outbox := new(mailertest.Recorder)
		outbox.Fail = func(m *mailer.Message) error {
			if m.To.Email == "c0@example.jp" {
				return mailer.Permanent(nil)
			}
			return nil
		}
		c := newCRM(t, memory.New(), outbox, crm.Config{Hooks: crm.Hooks{
			Folded:  func(_ string, lane crm.Lane, n int, _ time.Duration) { add("folded "+string(lane), n) },
			Claimed: func(_ string, lane crm.Lane, n int, _ time.Duration) { add("claimed "+string(lane), n) },
			Settled: func(_ string, state crm.MessageState, reason crm.Reason) { add(string(state)+" "+string(reason), 1) },
		}})
		newsShop(t, c, "shop", 0, 5)
		working(t, c, func() { time.Sleep(5 * time.Second) })
		assert.Equal(t, map[string]int{"folded prompt": 10, "claimed prompt": 5, "sent ": 4, "failed permanent": 1}, counts)
	})
}
