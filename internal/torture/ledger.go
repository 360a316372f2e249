package main

import (
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/goen-crm/crm"
)

// An Outcome is what the driver knows of a batch of facts.
type Outcome string

// The outcomes. A batch whose outcome is Unknown is told again, with the same
// ids, until one is Committed.
const (
	Trying     Outcome = "trying"      // about to be told
	Committed  Outcome = "committed"   // on record
	RolledBack Outcome = "rolled back" // certainly not on record
	Unknown    Outcome = "unknown"     // the answer to the commit was lost
)

// An Entry is a line of the ledger: that a batch is about to be told, or what
// came of it.
type Entry struct {
	Batch   int64     `json:"batch"` // Batch counts attempts to tell something.
	Outcome Outcome   `json:"outcome"`
	At      time.Time `json:"at"`    // At is the machine's time.
	Clock   time.Time `json:"clock"` // Clock is what the run's clock showed.

	// Shop, Person and Facts are there with outcome Trying. Person is the
	// address of the one person whom all facts are about.
	Shop   string     `json:"shop,omitempty"`
	Person string     `json:"person,omitempty"`
	Facts  []crm.Fact `json:"facts,omitempty"`
}

// A Ledger is what the driver told goen, written down before and after.
type Ledger struct {
	journal *Journal
	clock   *Clock
	batches atomic.Int64
}

const ledgerFile = "ledger.jsonl"

// OpenLedger makes the ledger of a run in its directory.
func OpenLedger(dir string, clock *Clock) (*Ledger, error) {
	journal, err := OpenJournal(filepath.Join(dir, ledgerFile))
	return &Ledger{journal: journal, clock: clock}, err
}

// Try notes that a batch is about to be told, and returns its number.
func (l *Ledger) Try(shop, person string, facts []crm.Fact) (batch int64, err error) {
	batch = l.batches.Add(1)
	return batch, l.journal.Write(Entry{
		Batch: batch, Outcome: Trying, At: time.Now(), Clock: l.clock.Now(), Shop: shop, Person: person, Facts: facts,
	})
}

// Settle notes what came of a batch.
func (l *Ledger) Settle(batch int64, o Outcome) error {
	return l.journal.Write(Entry{Batch: batch, Outcome: o, At: time.Now(), Clock: l.clock.Now()})
}

// Close closes the ledger's file.
func (l *Ledger) Close() error { return l.journal.Close() }
