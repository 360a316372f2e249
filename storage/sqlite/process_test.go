package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
)

// child names the environment variable by which a test runs itself as another
// process, on the database it names.
const child = "GOEN_SQLITE_TEST_DATABASE"

func testFact(id, customer string) crm.FactRow {
	return crm.FactRow{ID: id, Customer: customer, Keys: []string{customer}, Type: "test", Time: benchTime, RecordedAt: benchTime, Hash: []byte(id), Body: []byte(`{}`)}
}

// TestChild is the other process: it appends facts one by one, says each when
// it is there, and stops after 400 or when it is killed.
func TestChild(t *testing.T) {
	path := os.Getenv(child)
	if path == "" {
		t.Skip("run by the other tests")
	}
	s := open(t, path)
	for i := range 400 {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact(id, fmt.Sprintf("c%d", i%7))}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("appended", id)
	}
}

// spawn starts another process on a database. said gets the ids it appends.
func spawn(t *testing.T, path string, said func(id string)) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), child+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "appended "); ok {
			said(id)
		}
	}
	return cmd
}

// Two processes append and fold on one file; nothing is lost and nothing is
// folded twice.
func TestTwoProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	path := filepath.Join(t.TempDir(), "shop.db")
	s := open(t, path)
	folded := make(map[string]int)
	var said []string
	ended := make(chan error, 1)
	go func() {
		ended <- spawn(t, path, func(id string) { said = append(said, id) }).Wait()
	}()
	fold := func() int {
		var consumed []crm.InboxEntry
		n, err := s.Update(t.Context(), "shop", crm.Selection{Limit: 3}, func(w *crm.Work) (*crm.Changes, error) {
			consumed = nil
			for _, c := range w.Customers {
				for _, f := range c.Pending {
					consumed = append(consumed, crm.InboxEntry{Customer: c.ID, Fact: f.ID})
				}
			}
			return &crm.Changes{Consumed: consumed}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range consumed {
			folded[entry.Fact]++
		}
		return n
	}
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
			fold()
		}
	}
	for fold() > 0 {
	}
	if len(said) != 400 || len(folded) != 400 {
		t.Errorf("%d facts were appended and %d folded, want 400", len(said), len(folded))
	}
	for id, n := range folded {
		if n != 1 {
			t.Errorf("fact %s was folded %d times", id, n)
		}
	}
}

// What a process has appended is there although it was killed.
func TestKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process")
	}
	path := filepath.Join(t.TempDir(), "shop.db")
	s := open(t, path)
	var said []string
	ctx, kill := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), child+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "appended "); ok {
			if said = append(said, id); len(said) == 50 {
				kill()
			}
		}
	}
	_ = cmd.Wait() // it was killed
	kill()
	stored := make(map[string]bool)
	for f, err := range s.Facts(t.Context(), "shop", crm.FactQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[f.ID] = true
	}
	for _, id := range said {
		if !stored[id] {
			t.Errorf("fact %s was reported as appended and is not there", id)
		}
	}
	if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("after", "c1")}); err != nil {
		t.Error(err)
	}
}

// A worker that is busy all the time does not keep a cart from its own
// transactions until the cart gives up, as its busy timeout says.
func TestCartIsNotStarved(t *testing.T) {
	for name, shared := range map[string]bool{"SharedHandle": true, "OwnHandles": false} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shop.db")
			cart, s := openCart(t, path, "_pragma=journal_mode(wal)&_pragma=busy_timeout(10000)&_txlock=immediate")
			if !shared {
				s = open(t, path)
			}
			if _, err := cart.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER PRIMARY KEY) STRICT"); err != nil {
				t.Fatal(err)
			}
			stop, stopped := make(chan struct{}), make(chan error, 1)
			go func() { stopped <- foldForever(t, s, stop) }()
			for range 15 {
				if _, err := cart.ExecContext(t.Context(), "INSERT INTO orders DEFAULT VALUES"); err != nil {
					t.Error(err)
				}
			}
			close(stop)
			if err := <-stopped; err != nil {
				t.Error(err)
			}
		})
	}
}

// foldForever writes without a break.
func foldForever(t *testing.T, s *sqlite.Store, stop <-chan struct{}) error {
	var facts []crm.FactRow
	for i := range 150 {
		facts = append(facts, testFact(fmt.Sprintf("f%d", i), fmt.Sprintf("c%d", i)))
	}
	if err := s.Append(t.Context(), "shop", facts); err != nil {
		return err
	}
	state := bytes.Repeat([]byte("x"), 2000)
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		_, err := s.Update(t.Context(), "shop", crm.Selection{Limit: 150}, func(w *crm.Work) (*crm.Changes, error) {
			ch := &crm.Changes{}
			for _, c := range w.Customers {
				ch.Customers = append(ch.Customers, crm.CustomerRow{ID: c.ID, State: state})
			}
			return ch, nil
		})
		if err != nil {
			return err
		}
	}
}

// A cart's transaction that began by reading can be refused the lock. It is
// told so, nothing is recorded, and it may go on without us.
func TestCartThatReadFirst(t *testing.T) {
	cart, s := openCart(t, filepath.Join(t.TempDir(), "shop.db"), "_pragma=journal_mode(wal)&_pragma=busy_timeout(100)")
	tx, err := cart.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM goen_fact").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("f1", "c1")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Tx(tx).Append(t.Context(), "shop", []crm.FactRow{testFact("f2", "c1")}); err == nil {
		t.Error("Append on an outdated snapshot returns no error")
	}
	if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM goen_fact").Scan(&n); err != nil || n != 0 {
		t.Errorf("the cart's transaction sees %d facts, error %v", n, err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
}

// A lock that is held too long ends in the context's error, and the store works
// on afterwards.
func TestLockedByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	s := open(t, path)
	cart, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer cart.Close()
	tx, err := cart.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Append(ctx, "shop", []crm.FactRow{testFact("f1", "c1")}); err == nil {
		t.Error("Append without the lock returns no error")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("f1", "c1")}); err != nil {
		t.Error(err)
	}
}

// What was erased is not to be found in the file any more.
func TestErasedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	s := open(t, path)
	for i := range 40 {
		f := testFact(fmt.Sprintf("f%d", i), "hanako")
		f.Body = []byte(`{"address":"Secret-Street ` + strings.Repeat("x", i*40) + `"}`)
		if err := s.Append(t.Context(), "shop", []crm.FactRow{f}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"hanako"}}, func(w *crm.Work) (*crm.Changes, error) {
		ch := &crm.Changes{
			Erase: []crm.Erasure{{Customer: "hanako"}},
			Queue: []crm.Message{{ID: "m", Customer: "hanako", To: "Secret-Street@example.jp", SendAt: benchTime}},
		}
		for _, f := range w.Customers[0].Pending {
			ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: "hanako", Fact: f.ID})
		}
		return ch, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // copies the log to the database and deletes it
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte("Secret-Street")); n > 0 {
			t.Errorf("%s holds the erased address %d times", filepath.Base(file), n)
		}
	}
}
