package crm

import (
	"context"
	"time"
)

// What a [Store] can do beyond the interface. A CRM asks for each of these when
// it needs it, and does without, or does it another way, if it is not there.
// Package storage/storagetest checks those that a store has.

// An Importer is a store that takes in history faster than Append would.
type Importer interface {
	// Import appends facts as Append does, as fast as the database can, and
	// moves the shop's import b.ID from position b.From to b.To in the same
	// transaction. If the import is not at b.From, another process is at it or
	// this batch went through before: nothing is written, and Import returns
	// ErrConflict, as it is.
	Import(ctx context.Context, shop string, b ImportBatch) error

	// Imported returns how far an import has come: 0 if it never began.
	Imported(ctx context.Context, shop, id string) (int64, error)
}

// An ImportBatch is a piece of an import.
type ImportBatch struct {
	ID       string // ID names the import within the shop.
	From, To int64  // From and To are positions in the source, such as numbers of lines.
	Facts    []FactRow
}

// An Intake is a store with a table of incoming facts, into which carts that
// are not written in Go insert rows in transactions of their own.
type Intake interface {
	// Take hands the oldest incoming facts of a shop that were not refused, at
	// most limit, to read, appends what it makes of them and deletes the rows,
	// all in one transaction. read returns one Taken for each row, in order;
	// a row with Refused stays, with that reason, and is not taken again. So
	// does one whose fact is there with another hash, for reason "conflict".
	// Rows that another process is taking are passed over. It returns how many
	// rows it took or refused.
	Take(ctx context.Context, shop string, limit int, read func([]Incoming) []Taken) (int, error)
}

// Incoming is a row of the table of incoming facts.
type Incoming struct {
	Seq  int64  // Seq is the row's number.
	Body []byte // Body is the fact as JSON.
}

// Taken is what became of a row of the table of incoming facts.
type Taken struct {
	Fact    FactRow
	Refused string // Refused is why the row is no fact, or "".
}

// A Counter is a store that can say how much work waits.
type Counter interface {
	// Count counts what a shop has to do at an instant, each number up to
	// limit, so that counting never costs more than that.
	Count(ctx context.Context, shop string, at time.Time, limit int) (Counts, error)
}

// Counts is how much of a shop's work is due.
type Counts struct {
	Incoming int // Incoming are facts that a cart has inserted and that wait.
	Refused  int // Refused are rows that a cart has inserted and that are no facts.
	Pending  int // Pending are customers with facts in the inbox.
	Timers   int // Timers are customers whose NextDue has come.
	Reviews  int // Reviews are customers whose NextReview has come.
	Prompt   int // Prompt are queued messages of lane Prompt that are due.
	Bulk     int // Bulk are queued messages of lane Bulk that are due.
	Leased   int // Leased are messages claimed or started.
	Unknown  int // Unknown are messages that may or may not have arrived.
	SetAside int // SetAside are facts that could not be applied.
}

// A Purger is a store that can drop what is kept no longer.
type Purger interface {
	// Purge deletes up to req.Limit rows or contents of each kind that are
	// older than asked for, and returns how many. Ids and hashes of facts
	// stay, so that a fact told again is still known.
	Purge(ctx context.Context, shop string, req PurgeRequest) (Purged, error)
}

// A PurgeRequest says what is kept no longer. A zero time keeps all.
type PurgeRequest struct {
	// Facts: the bodies of facts that happened before, but for those in an
	// inbox and those of a type in Evidence.
	Facts time.Time
	// Consents: the bodies of facts of a type in Evidence that happened before,
	// but for those in an inbox.
	Consents time.Time
	Evidence []string
	// Contents: contents and recipients of messages that were settled before.
	// Messages that are unknown stay as they are.
	Contents time.Time
	// Decisions: lines of the decision log from before.
	Decisions time.Time
	Limit     int
}

// Purged is how much was dropped.
type Purged struct{ Facts, Contents, Decisions int }

// A Timekeeper is a store whose server has a clock of its own.
type Timekeeper interface {
	// ServerTime returns the time of the server's clock.
	ServerTime(ctx context.Context) (time.Time, error)
}
