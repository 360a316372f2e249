package storagetest

import (
	"crypto/rand"
	"testing"

	"github.com/goen-crm/crm"
)

// A Harness tells [Run] how to get at a store and what it can do. Only Open is
// required. What a store can do by its methods is not declared: the checks of
// [crm.Importer], [crm.Intake], [crm.Counter], [crm.Purger] and
// [crm.Timekeeper] run if it has them.
type Harness struct {
	// Open returns a store that is ready to use and closed when t ends. It may
	// hold rows of other shops than those that the suite makes up.
	Open func(t *testing.T) crm.Store

	// Reopen closes a store that Open returned and opens another one on the
	// same data, closed when t ends. Set it if the store outlives its process.
	Reopen func(t *testing.T, s crm.Store) crm.Store

	// Another opens a second store on the data of one that is in use, as
	// another process would, closed when t ends.
	Another func(t *testing.T, s crm.Store) crm.Store

	// Begin begins a transaction of a cart on the store's database. Set it if
	// the store can append inside one.
	Begin func(t *testing.T, s crm.Store) Tx

	// Insert inserts a row into the table of incoming facts and commits, as a
	// cart does that is not written in Go: with nothing of the store's but the
	// table's name. body is JSON. Required if the store is a [crm.Intake].
	Insert func(t *testing.T, s crm.Store, shop string, body []byte)

	// Parallel says that the database runs transactions which write beside
	// each other. Used with Begin.
	Parallel bool
}

// A Tx is a transaction of a cart. It is ended by Commit or Rollback, once.
type Tx struct {
	crm.Appender
	Commit   func() error
	Rollback func() error
}

// A check is one rule and what tests it.
type check struct {
	name string
	rule string // what the interface promises, and why that matters
	run  func(*probe)
}

// Run tests a store in subtests of t, one group a topic.
func Run(t *testing.T, h Harness) {
	store := h.Open(t)
	for _, topic := range []struct {
		name   string
		checks []check
	}{
		{"Append", appendChecks},
		{"Identity", identityChecks},
		{"Update", updateChecks},
		{"Lane", laneChecks},
		{"Share", shareChecks},
		{"Changes", changesChecks},
		{"Erase", eraseChecks},
		{"Fence", fenceChecks},
		{"Lease", leaseChecks},
		{"Mark", markChecks},
		{"Define", defineChecks},
		{"Backlog", backlogChecks},
		{"Stream", streamChecks},
		{"Isolation", isolationChecks},
		{"Concurrency", concurrencyChecks},
		{"Transaction", transactionChecks},
		{"Import", importChecks},
		{"Intake", intakeChecks},
		{"Count", countChecks},
		{"Purge", purgeChecks},
		{"Time", timeChecks},
		{"Durability", durabilityChecks},
		{"Model", modelChecks},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, c := range topic.checks {
				t.Run(c.name, func(t *testing.T) {
					t.Cleanup(func() {
						if t.Failed() {
							t.Logf("the rule: %s", c.rule)
						}
					})
					c.run(&probe{T: t, h: h, store: store, shop: newShop()})
				})
			}
		})
	}
}

// newShop makes up a shop that no database has seen.
func newShop() string { return "storagetest-" + rand.Text() }
