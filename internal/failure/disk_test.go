package failure_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	sqlitedriver "modernc.org/sqlite"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
)

// A limit is how many pages a database file may grow to.
type limit struct {
	driver.Connector
	pages atomic.Int64
	db    *sql.DB
}

// Connect implements driver.Connector.
func (l *limit) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := l.Connector.Connect(ctx)
	if err == nil {
		_, err = conn.(driver.ExecerContext).ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", l.pages.Load()), nil)
	}
	return conn, err
}

// set changes the limit for all connections.
func (l *limit) set(pages int64) {
	l.pages.Store(pages)
	l.db.SetMaxIdleConns(0)
	l.db.SetMaxIdleConns(2)
}

const unlimited = 1 << 30

// A file that may grow no further.
func TestDiskFull(t *testing.T) {
	l := new(limit)
	limited := onSQLite
	limited.open = func(t *testing.T, path string, _ *line) (store, error) {
		var err error
		if l.Connector, err = sqlitedriver.NewConnector("file:" + path + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"); err != nil {
			return nil, err
		}
		l.pages.Store(unlimited)
		l.db = sql.OpenDB(l)
		s, err := sqlite.New(t.Context(), l.db)
		if err != nil {
			return nil, errors.Join(err, l.db.Close())
		}
		return borrowing{s, l.db}, nil
	}
	w := found(t, limited)
	p := w.process(setup{})
	w.fillUp(p, func() { l.set(1) }, func() { l.set(unlimited) }) // it does not shrink
}

// fillUp records orders on a disk that is full soon, until one fails. Then the
// disk gets room, and everything is brought to its end.
func (w *town) fillUp(p *process, full, free func()) {
	w.Helper()
	facts := func(n int) []crm.Fact {
		customer := id("c", n)
		consent := agrees(customer, true)
		consent.Body = crm.ConsentChanged{Consent: crm.Consent{Granted: true, Source: "form", Wording: strings.Repeat("はい", 600)}}
		return w.now(consent, orders(customer))
	}
	n := 0
	for ; n < 60; n++ {
		w.must(p.shop.Record(w.Context(), facts(n)...))
	}
	full()
	err := error(nil)
	for ; n < 5000 && err == nil; n++ {
		err = p.shop.Record(w.Context(), facts(n)...)
	}
	if _, invalid := errors.AsType[*crm.BatchError](err); err == nil || invalid {
		w.Fatalf("record %d: %v", n, err)
	}
	refused := facts(n - 1)
	for _, f := range refused {
		for range p.store.Facts(w.Context(), w.shop, crm.FactQuery{ID: f.ID}) {
			w.Errorf("%s is there, although recording it failed", f.Body.FactType())
		}
	}
	if err := p.crm.RunUntil(w.Context(), w.clock.Now()); err == nil {
		w.Error("a worker found room")
	}
	for c, err := range p.store.Customers(w.Context(), w.shop, crm.CustomerQuery{}) {
		w.must(err)
		if c.State != nil && len(c.Orders) == 0 && !strings.HasPrefix(c.ID, "guest:") {
			w.Errorf("%s is folded in half", c.ID)
		}
	}

	free()
	w.must(p.shop.Record(w.Context(), refused...))
	w.work(p)
	w.later(p, pause)
	w.recover(p)
	for i := range n {
		w.wantSettled(p, id("c", i))
	}
}
