package failure_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/goen-crm/crm/storage/mysql"
	"github.com/goen-crm/crm/storage/postgres"
	"github.com/goen-crm/crm/storage/sqlite"
)

// The variables that tell a child which database to open.
const (
	childEngine = "GOEN_FAILURE_ENGINE"
	childDSN    = "GOEN_FAILURE_DSN"
)

// child opens a store, which brings its tables up to date, and closes it.
func child(engine, dsn string) (status int) {
	ctx := context.Background()
	var s interface{ Close() error }
	var err error
	switch engine {
	case onSQLite.name:
		s, err = sqlite.Open(ctx, dsn)
	case onPostgreSQL.name:
		s, err = postgres.Open(ctx, dsn, nil)
	case onMariaDB.name:
		s, err = mysql.Open(ctx, dsn, nil)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// openElsewhere opens a store in a process of its own, and waits for it.
func (w *town) openElsewhere() error {
	ctx, cancel := context.WithTimeout(w.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childEngine+"="+w.name, childDSN+"="+w.dsn)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Other processes open a store, and so migrate its tables, while one records and
// works: neither is in the other's way. Nor is a transaction of the cart's that
// is open meanwhile.
func TestOpenedWhileRunning(t *testing.T) {
	slow(t)
	onEach(t, func(t *testing.T, e engine) {
		dsn := e.create(t)
		w := &town{T: t, engine: e, dsn: dsn}
		first := make(chan error, 2) // on an empty database, at once
		for range cap(first) {
			go func() { first <- w.openElsewhere() }()
		}
		w = foundAt(t, e, dsn)
		for range cap(first) {
			w.must(<-first)
		}

		p := w.process(setup{})
		opened := make(chan error, 3)
		for range cap(opened) {
			go func() { opened <- w.openElsewhere() }()
		}
		customers := 0
		for left := cap(opened); left > 0; customers++ {
			select {
			case err := <-opened:
				w.must(err)
				left--
			default:
			}
			w.record(p, agrees(id("c", customers), true), orders(id("c", customers)))
			w.work(p)
		}
		w.later(p, pause)
		for i := range customers {
			if unknown := w.wantSettled(p, id("c", i)); len(unknown) > 0 {
				t.Errorf("listed as unknown: %v", unknown)
			}
		}

		cart, err := e.host(t, dsn).BeginTx(t.Context(), nil)
		w.must(err)
		defer cart.Rollback()
		_, err = cart.ExecContext(t.Context(), "INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{}')")
		w.must(err)
		w.must(w.openElsewhere())
	})
}
