package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/storage/sqlite"
)

// met is a store that knows some customers, each with a fact in her inbox.
func met(t *testing.T, path string, ids ...string) *sqlite.Store {
	t.Helper()
	s := open(t, path)
	for _, id := range ids {
		if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("fact of "+id, id)}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// change writes changes to customers who are then locked.
func change(t *testing.T, s *sqlite.Store, ch *crm.Changes, ids ...string) {
	t.Helper()
	_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: ids}, func(*crm.Work) (*crm.Changes, error) { return ch, nil })
	if err != nil {
		t.Error(err)
	}
}

// What was decided without the lock is decided again if something it went by
// was changed before it could be written, by this store or by another, and only
// then.
func TestOvertaken(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, s *sqlite.Store, db *sql.DB)
		again     bool
	}{
		"Written": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "a", State: []byte(`{}`)}}}, "a")
		}, true},
		"Consumed": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			change(t, s, &crm.Changes{Consumed: []crm.InboxEntry{{Customer: "a", Fact: "fact of a"}}}, "a")
		}, true},
		"Ordered": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			change(t, s, &crm.Changes{Orders: []crm.OrderRow{{ID: "o", Customer: "a"}}}, "a")
		}, true},
		"AnotherWasWritten": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) { // who was only looked at here
			change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "b", State: []byte(`{}`)}}}, "b")
		}, true},
		"LookedAt": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) { // by one who wrote something else because of it
			change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "c", State: []byte(`{}`)}}}, "a", "c")
		}, true},
		"LockedLater": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "later", State: []byte(`{}`)}}}, "later")
		}, true},
		"Defined": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			if _, err := s.Define(t.Context(), "shop", crm.Definition{Kind: "journey", ID: "j", Hash: []byte("h"), Body: []byte(`{}`)}); err != nil {
				t.Error(err)
			}
		}, true},
		"Renumbered": {func(t *testing.T, _ *sqlite.Store, db *sql.DB) { // as VACUUM may do
			_, err := db.ExecContext(t.Context(), `
				UPDATE goen_customer SET rowid = -1 WHERE customer_id = 'a';
				UPDATE goen_customer SET rowid = 1 WHERE customer_id = 'c';
				UPDATE goen_customer SET rowid = 3 WHERE customer_id = 'a'`)
			if err != nil {
				t.Error(err)
			}
		}, true},
		"FactArrived": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			if err := s.Append(t.Context(), "shop", []crm.FactRow{testFact("f", "a")}); err != nil {
				t.Error(err)
			}
		}, false},
		"OthersWritten": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) {
			change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "c", State: []byte(`{}`)}}}, "c")
		}, false},
		"NothingWritten": {func(t *testing.T, s *sqlite.Store, _ *sql.DB) { change(t, s, &crm.Changes{}, "a") }, false},
		"Nothing":        {func(*testing.T, *sqlite.Store, *sql.DB) {}, false},
	} {
		for _, by := range []string{"Itself", "Another"} {
			t.Run(name+"/"+by, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "shop.db")
				s := met(t, path, "a", "b", "c", "later")
				other := s
				if by == "Another" {
					other = open(t, path)
				}
				cart, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
				if err != nil {
					t.Fatal(err)
				}
				defer cart.Close()
				calls := 0
				n, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"a", "b"}}, func(w *crm.Work) (*crm.Changes, error) {
					if _, err := w.Lock([]string{"later"}); err != nil {
						return nil, err
					}
					if calls++; calls == 1 {
						c.meanwhile(t, other, cart)
					}
					return &crm.Changes{Customers: []crm.CustomerRow{{ID: "a", State: []byte(`{"mine":1}`)}}}, nil
				})
				if err != nil || n != 2 {
					t.Errorf("Update returns %d, %v", n, err)
				}
				if want := map[bool]int{false: 1, true: 2}[c.again]; calls != want {
					t.Errorf("decide was called %d times, want %d", calls, want)
				}
				for row, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{IDs: []string{"a"}}) {
					if string(row.State) != `{"mine":1}` || err != nil {
						t.Errorf("the customer's state is %s, error %v", row.State, err)
					}
				}
			})
		}
	}
}

// Many who count in the states of the same customers at once, each of them
// passing something on from one to another, lose no count, on one store and on
// two of one file.
func TestNoCountIsLost(t *testing.T) {
	const workers, each = 6, 40
	ids := []string{"a", "b", "c"}
	count := func(c crm.CustomerRow) int {
		n, _ := strconv.Atoi(string(c.State)) // none at first
		return n
	}
	for name, handles := range map[string]int{"OneStore": 1, "TwoStores": 2} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shop.db")
			stores := []*sqlite.Store{met(t, path, ids...)}
			for len(stores) < handles {
				stores = append(stores, open(t, path))
			}
			var wg sync.WaitGroup
			for worker := range workers {
				wg.Go(func() {
					for i := range each {
						from, to := ids[(worker+i)%3], ids[(worker+i+1)%3]
						_, err := stores[worker%handles].Update(t.Context(), "shop", crm.Selection{IDs: []string{from}}, func(w *crm.Work) (*crm.Changes, error) {
							others, err := w.Lock([]string{to})
							if err != nil {
								return nil, err
							}
							// One more, and all of it to her whom only Lock has loaded.
							sum := count(w.Customers[0]) + count(others[0]) + 1
							return &crm.Changes{Customers: []crm.CustomerRow{
								{ID: from, State: []byte("0")}, {ID: to, State: []byte(strconv.Itoa(sum))},
							}}, nil
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			sum := 0
			for c, err := range stores[0].Customers(t.Context(), "shop", crm.CustomerQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				sum += count(c)
			}
			if sum != workers*each {
				t.Errorf("%d were counted, want %d", sum, workers*each)
			}
		})
	}
}

// Two who each look at both and then take one, if neither is taken yet, do not
// take both: to have been looked at is enough for a customer to be locked.
func TestOnlyOneIsTaken(t *testing.T) {
	s := met(t, filepath.Join(t.TempDir(), "shop.db"), "a", "b")
	for round := range 50 {
		change(t, s, &crm.Changes{Customers: []crm.CustomerRow{{ID: "a"}, {ID: "b"}}}, "a", "b")
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b"} {
			wg.Go(func() {
				_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"a", "b"}}, func(w *crm.Work) (*crm.Changes, error) {
					if w.Customers[0].State != nil || w.Customers[1].State != nil {
						return nil, nil
					}
					return &crm.Changes{Customers: []crm.CustomerRow{{ID: id, State: []byte(`{}`)}}}, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		taken := 0
		for c, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if c.State != nil {
				taken++
			}
		}
		if taken != 1 {
			t.Fatalf("in round %d, %d were taken", round, taken)
		}
	}
}

// What fails on what was read without the lock is tried again under it: what
// Lock adds may be of a later moment. If it fails again, that is its error.
func TestFailsAhead(t *testing.T) {
	s := met(t, filepath.Join(t.TempDir(), "shop.db"), "a")
	mine := errors.New("mine")
	for failures, want := range map[int]error{1: nil, 2: mine} {
		calls := 0
		_, err := s.Update(t.Context(), "shop", crm.Selection{IDs: []string{"a"}}, func(*crm.Work) (*crm.Changes, error) {
			if calls++; calls <= failures {
				return nil, mine
			}
			return nil, nil
		})
		if err != want || calls != 2 { //nolint:errorlint // unchanged means the same
			t.Errorf("decide fails %d times: called %d times, Update returns %v", failures, calls, err)
		}
	}
}

// Who finds nothing to do does not wait for those who write.
func TestNothingToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.db")
	s := met(t, path, "a")
	cart, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer cart.Close()
	tx, err := cart.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, changes := range []*crm.Changes{nil, {}} {
		n, err := s.Update(ctx, "shop", crm.Selection{DueBy: benchTime, Limit: 10}, func(*crm.Work) (*crm.Changes, error) { return changes, nil })
		if n != 1 || err != nil {
			t.Errorf("Update returns %d, %v beside an open transaction", n, err)
		}
	}
	// Writing does wait.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Update(ctx, "shop", crm.Selection{IDs: []string{"a"}}, func(*crm.Work) (*crm.Changes, error) {
		return &crm.Changes{Decisions: []crm.Decision{{Customer: "a"}}}, nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Update returns %v beside an open transaction, want its context's error", err)
	}
}
