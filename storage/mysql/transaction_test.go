package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/internal/dbtest"
	"github.com/goen-crm/crm/storage/mysql"
)

// What is read after a lock was taken is what was committed until then, however
// long the transaction has been running: claims look at the inboxes so, and
// folds at what they fold.
func TestReadsFollowLocks(t *testing.T) {
	dsn := database(t)
	s, other := open(t, dsn), open(t, dsn)
	if err := s.Append(t.Context(), "shop", []crm.FactRow{fact("f1", "a"), fact("f2", "b")}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"a"}}, func(w *crm.Work) (*crm.Changes, error) {
		if err := other.Append(t.Context(), "shop", []crm.FactRow{fact("f3", "b")}); err != nil {
			return nil, err
		}
		rows, err := w.Lock([]string{"b"})
		if err != nil || len(rows) != 1 {
			return nil, fmt.Errorf("%d rows: %w", len(rows), err)
		}
		if n := len(rows[0].Pending); n != 2 {
			t.Errorf("%d facts are pending, want 2", n)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A purge waits for nobody who writes to the log.
func TestPurgeBesideOpenTransaction(t *testing.T) {
	dsn := database(t)
	s, db := open(t, dsn), handle(t, dsn, func(*driver.Config) {})
	const insert = `INSERT INTO goen_decision (shop_id, customer_id, at, kind, journey, version, enrollment, step, message_id, reason, detail)
		VALUES ('shop', 'c', '2020-01-01', 'send', '', 1, '', '', '', '', '')`
	if _, err := db.ExecContext(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	purged, err := s.Purge(ctx, "shop", crm.PurgeRequest{Decisions: testTime, Limit: 10})
	if err != nil || purged.Decisions != 1 {
		t.Errorf("Purge deletes %d decisions, want 1; error %v", purged.Decisions, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// A transaction that the server gives up because of a deadlock is run again.
func TestDeadlocksAreRetried(t *testing.T) {
	dsn := database(t)
	s := open(t, dsn)
	calls := 0
	_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{}}, func(*crm.Work) (*crm.Changes, error) {
		calls++
		return nil, &driver.MySQLError{Number: 1213}
	})
	if calls != 1 || err == nil {
		t.Errorf("decide's own error: %d calls, %v; want 1 call and the error", calls, err)
	}

	if err := s.Append(t.Context(), "shop", []crm.FactRow{fact("f", "a"), fact("g", "a")}); err != nil {
		t.Fatal(err)
	}
	admin := handle(t, dsn, func(*driver.Config) {})
	tx, err := admin.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	// Much to undo: the server gives up the other one.
	for _, statement := range []string{"UPDATE goen_fact SET type = 'x' WHERE shop_id = 'shop' AND fact_id = 'g'", "INSERT INTO goen_incoming (shop_id, body) SELECT 'x', '{}' FROM information_schema.columns LIMIT 500"} {
		if _, err := tx.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var tries atomic.Int32
	done := make(chan error, 1)
	go func() {
		_, err := s.Update(context.Background(), "shop", crm.Selection{IDs: []string{"a"}}, func(w *crm.Work) (*crm.Changes, error) {
			tries.Add(1)
			return &crm.Changes{SetAside: map[string]string{"f": "1", "g": "2"}}, nil
		})
		done <- err
	}()
	c := &cart{t: t, db: admin}
	for !c.somebodyWaits() {
		time.Sleep(time.Millisecond)
	}
	if _, err := tx.ExecContext(t.Context(), "UPDATE goen_fact SET type = 'x' WHERE shop_id = 'shop' AND fact_id = 'f'"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || tries.Load() < 2 {
		t.Errorf("after %d tries: %v", tries.Load(), err)
	}
}

// An error says what is wrong with which number, and quotes no keys.
func TestErrorsNameNobody(t *testing.T) {
	dsn := database(t)
	s := open(t, dsn)
	long := fact("f", strings.Repeat("hanako", 100))
	err := s.Append(t.Context(), "shop", []crm.FactRow{long})
	var failure *driver.MySQLError
	if !errors.As(err, &failure) || failure.Number != 1406 || strings.Contains(err.Error(), "hanako") {
		t.Errorf("the error is %v, want number 1406 and no key", err)
	}
	for _, bad := range []string{"hanako:secret@nowhere", "hanako:secret@tcp(127.0.0.1:1)/"} {
		if _, err := mysql.Open(t.Context(), bad, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error is %v", err)
		}
	}
}

// A store that was closed says so, in every call, and leaves a handle that it
// was given.
func TestClosed(t *testing.T) {
	dsn := database(t)
	db := handle(t, dsn, func(*driver.Config) {})
	given, err := mysql.New(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*mysql.Store{open(t, dsn), given} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		_, leaseErr := s.Lease(t.Context(), "shop", crm.LeaseRequest{})
		_, backlogErr := s.Backlog(t.Context(), testTime)
		_, markErr := s.Mark(t.Context(), "shop", nil)
		for _, err := range []error{
			s.Append(t.Context(), "shop", nil), s.Append(t.Context(), "shop", []crm.FactRow{fact("f", "a")}), leaseErr, backlogErr, markErr,
			s.Tx(tx).Append(t.Context(), "shop", []crm.FactRow{fact("f", "a")}),
		} {
			if !errors.Is(err, crm.ErrClosed) || !errors.Is(err, mysql.ErrClosed) {
				t.Errorf("the error is %v, want ErrClosed", err)
			}
		}
		for _, err := range s.Facts(t.Context(), "shop", crm.FactQuery{}) {
			if !errors.Is(err, crm.ErrClosed) {
				t.Errorf("the error of a stream is %v, want ErrClosed", err)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("the handle that was given is closed: %v", err)
	}
}

// Connections that are cut between calls are replaced.
func TestCutBetweenCalls(t *testing.T) {
	server, err := dbtest.StartMariaDB(t.Context())
	dbtest.Need(t, err)
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	dsn, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dsn)
	for i, cut := range []func() error{func() error { return nil }, func() error { return server.Cut(t.Context()) }, func() error {
		return errors.Join(server.Kill(), server.Restart(t.Context()))
	}} {
		if err := cut(); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), "shop", []crm.FactRow{fact(fmt.Sprint(i), "a")}); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	n := 0
	for _, err := range s.Facts(t.Context(), "shop", crm.FactQuery{}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("%d facts, want 3", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The connection is lost while a COMMIT is on its way, before or after it has
// arrived: the call fails, and made again has the same end.
func TestCutDuringCommit(t *testing.T) {
	dsn := database(t)
	wire := newWire(t, dsn)
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.Net, config.Addr = "tcp", wire.address()
	s, plain := open(t, config.FormatDSN()), open(t, dsn)
	for _, when := range []cutting{beforeCommit, afterCommit} {
		id := fmt.Sprint("fact ", when)
		wire.cut.Store(int32(when))
		if err := s.Append(t.Context(), "shop", []crm.FactRow{fact(id, "a")}); err == nil {
			t.Errorf("%d: Append returns no error although its connection was cut", when)
		}
		there := func() bool { return slices.Contains(idsOf(t, plain), id) }
		if when == beforeCommit && there() {
			t.Error("the fact is there although its COMMIT never arrived")
		}
		if err := s.Append(t.Context(), "shop", []crm.FactRow{fact(id, "a")}); err != nil || !there() {
			t.Errorf("%d: made again: there %t, %v", when, there(), err)
		}
	}
	for c, err := range plain.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
		if err != nil || len(c.Pending) != 2 {
			t.Errorf("%d facts are pending, want 2; %v", len(c.Pending), err)
		}
	}
}

func idsOf(t *testing.T, s *mysql.Store) []string {
	t.Helper()
	var ids []string
	for f, err := range s.Facts(t.Context(), "shop", crm.FactQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.ID)
	}
	return ids
}

// A cutting says when a wire cuts the connection of the next COMMIT, once.
type cutting int32

const (
	never cutting = iota
	beforeCommit
	afterCommit
)

// A wire is a proxy that cuts connections.
type wire struct {
	listener net.Listener
	server   string
	cut      atomic.Int32
}

func newWire(t *testing.T, dsn string) *wire {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if config.Net != "tcp" {
		t.Skip("the server is not reached by TCP")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, server: config.Addr}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.serve(client)
		}
	}()
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	answers := make(chan struct{})
	var silent atomic.Bool // the answer is lost
	go func() {
		defer close(answers)
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || silent.Load() {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	defer func() { _ = server.Close(); <-answers }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if strings.Contains(string(buffer[:n]), "COMMIT") {
			switch cutting(w.cut.Swap(int32(never))) {
			case beforeCommit:
				return
			case afterCommit:
				silent.Store(true)
			}
		}
		if _, err := io.Copy(server, strings.NewReader(string(buffer[:n]))); err != nil {
			return
		}
		if silent.Load() {
			<-answers
			return
		}
	}
}
