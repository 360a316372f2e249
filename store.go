package crm

import (
	"context"
	"hash/fnv"
	"iter"
	"time"
)

// An Appender adds facts to a store. Every [Store] is one; what a store's own
// Tx function returns is one too, bound to a transaction of the cart.
type Appender interface {
	// Append adds facts to one shop's log and to the inbox of each customer
	// named in their Keys, creating customers not seen before with an empty
	// state. All facts are added or none.
	//
	// A fact whose id is there already with the same Hash is passed over,
	// even if its body was purged since. With another Hash the whole call
	// fails with a *[BatchError] that wraps [ErrConflict]. The same holds
	// within one call.
	//
	// Append reads no state and takes no lock that another Append for the same
	// customer would wait for. It keeps none of the slices.
	//
	// In a transaction of the cart's, a failed Append leaves it as it was, and
	// able to go on, unless the database itself has ended it. Mind contexts: on
	// some databases a statement that is interrupted ends the transaction.
	Append(ctx context.Context, shop string, facts []FactRow) error
}

// A Store keeps goen's rows in a database. It holds no CRM logic: it appends,
// locks, loads, compares and writes what the core decided.
//
// Every call names one shop and touches rows of no other, so that a database
// can be split by shop; only Backlog looks over all. Times come with
// microseconds, in any zone: a store gives back the same instants, in UTC, and the
// zero time where it was given that. Slices handed out belong to the caller,
// slices handed in are not kept. All methods are safe for concurrent use, by
// any number of processes on one database. While a stream is read, the store may be
// called. A store that was closed returns [ErrClosed].
//
// Orders, messages and decisions may name customers, and shops, of which there
// is nothing else: no foreign key ties them.
//
// A store proves itself with package storage/storagetest.
type Store interface {
	Appender

	// Backlog returns the shops that have something to do at until or before,
	// in order of shop id, each with when its earliest work is due: also that
	// which is due later than until.
	Backlog(ctx context.Context, until time.Time) ([]Backlog, error)

	// Update is one transaction over some customers of a shop: it selects
	// those of sel, locks and loads them, calls decide, and writes the
	// changes that decide returns. If decide fails, nothing is written and
	// Update returns its error unchanged. It returns how many customers sel
	// found, locked or not.
	//
	// If there are more than Limit customers who are due, some with facts and
	// some with timers, some of both kinds are taken. A customer locked by
	// somebody else is left out, never waited for, where the database locks
	// customers one by one. What decide sees was read after the locks were
	// taken. decide may return nil for no changes. It may be called
	// again, after a rollback, if the database reports a deadlock, a
	// serialization failure or a message that is there already, or if the store
	// finds that what decide saw was changed after all: of its results only the
	// last counts. It must not call the store.
	Update(ctx context.Context, shop string, sel Selection, decide func(*Work) (*Changes, error)) (int, error)

	// Lease claims queued messages of a lane that are due, earliest first (by
	// SendAt, then ID), and returns them as they are after the claim: state
	// claimed, Attempt one higher, LeaseUntil as asked for, with their Content.
	// Claimed messages whose lease has run out count as queued. A lease has run
	// out when LeaseUntil is at req.Now or before.
	//
	// The fence: a message is passed over while any customer that it names in
	// Customer, AddressKey or CartKey has a fact in the inbox or is locked by
	// an open transaction, and while its Customer's NextDue is at req.Now or
	// before (a review does not matter). All of that is read after the locks
	// are taken, in the transaction that claims. While facts wait that a cart
	// has inserted (see [Intake]), nothing of the shop is claimed.
	//
	// Messages started whose lease has run out come back in Expired, unchanged,
	// of every lane and share.
	Lease(ctx context.Context, shop string, req LeaseRequest) (Leases, error)

	// Mark moves messages from state to state, each by compare-and-set: only
	// if its attempt number is still the mark's, its state one of the mark's
	// From, and, for a mark to started, its lease has not run out at the
	// mark's time. A mark to started sets StartedAt, one to an end (sent, failed,
	// unknown, skipped) SettledAt, and any other clears SettledAt. It reports for
	// each mark, in order, whether it was applied.
	// A mark's Decision is written with it, or not at all, as one of the
	// customer whose message it is by then.
	Mark(ctx context.Context, shop string, marks []Mark) ([]bool, error)

	// Define stores d as the newest version of its kind and id, and returns it
	// with its Version and PublishedAt. If the newest version has the same
	// Hash, nothing is stored and that version is returned. Versions count
	// from 1 without gaps, also when several processes define at once.
	Define(ctx context.Context, shop string, d Definition) (Definition, error)

	// Definitions returns every version of every definition of a shop in
	// order of (Kind, ID, Version), and the shop's revision: the number of
	// definitions it has, which grows with each new one.
	Definitions(ctx context.Context, shop string) ([]Definition, int64, error)

	// Customers streams customers in order of ID, each with its orders and
	// pending facts (not its messages), without locking them. Each customer
	// is consistent in itself.
	Customers(ctx context.Context, shop string, q CustomerQuery) iter.Seq2[CustomerRow, error]

	// Facts streams facts in order of (Time, ID).
	Facts(ctx context.Context, shop string, q FactQuery) iter.Seq2[FactRow, error]

	// Messages streams messages in order of (SendAt, ID), without Content
	// unless the query asks for it.
	Messages(ctx context.Context, shop string, q MessageQuery) iter.Seq2[Message, error]

	// Decisions streams the decision log in the order it was written.
	Decisions(ctx context.Context, shop string, q DecisionQuery) iter.Seq2[Decision, error]
}

// A FactRow is a fact as a store keeps it.
type FactRow struct {
	ID         string    // ID is unique in the shop.
	Customer   string    // Customer is the key of the customer whom the fact is about.
	Keys       []string  // Keys are the customers in whose inboxes it is put, Customer first. Appended to an inbox only: a store need not give them back.
	Type       string    // Type is the fact's type, for those who query the table.
	Time       time.Time // Time is when it happened.
	RecordedAt time.Time // RecordedAt is when goen was told. Not part of Hash.
	Hash       []byte    // Hash is a digest of the fact's content.
	Body       []byte    // Body is the fact as JSON; nil once purged.
	SetAside   string    // SetAside is why the fold could not apply the fact, or "".
}

// A CustomerRow is a customer as a store keeps her: an account, a guest known
// by an address, or a cart that nobody has put a name to.
type CustomerRow struct {
	ID         string    // ID is the customer's key.
	State      []byte    // State is the core's document, JSON; nil before the first fold.
	NextDue    time.Time // NextDue is when her earliest timer is due; zero if none.
	NextReview time.Time // NextReview is when her earliest review is due, work of lane [Bulk]; zero if none.

	Orders   []OrderRow // Orders are her orders, in order of ID. An Update loads them with Fill.
	Pending  []FactRow  // Pending are the facts in her inbox, in order of (Time, ID).
	Messages []Message  // Messages are those of hers that are queued, claimed, started or unknown, in order of ID, without Content. Loaded by Fill alone.
}

// An OrderRow is an order as a store keeps it, unique by (Customer, ID). Beside
// the core's document it has the columns that people query.
type OrderRow struct {
	ID        string
	Customer  string    // Customer is the key of the customer whose order it is.
	Status    string    // Status is the order's state, such as "paid".
	Currency  string    // Currency is an ISO 4217 code, "" before the order itself is known.
	Total     int64     // Total is the revenue before refunds, in minor units.
	Refunded  int64     // Refunded is the sum of refunds, in minor units.
	PlacedAt  time.Time // PlacedAt is zero before the order itself is known.
	CountedAt time.Time // CountedAt is since when the order counts as a purchase; zero while it does not.
	State     []byte    // State is the core's document, JSON; nil once its customer was erased: what is left counts in statistics alone.
}

// A Backlog says what a shop has to do.
type Backlog struct {
	Shop string
	// Incoming reports whether facts wait that a cart has inserted: see [Intake].
	Incoming bool
	// Pending reports whether facts wait in its inboxes.
	Pending bool
	// NextTimer is the earliest customer's NextDue, NextReview her NextReview;
	// zero if none has one.
	NextTimer, NextReview time.Time
	// NextSend is when the earliest queued message is due, or the earliest
	// lease runs out; zero if there is no such message.
	NextSend time.Time
}

// A Lane keeps work that can wait from delaying work that cannot.
type Lane string

// The lanes.
const (
	Prompt Lane = "prompt" // what follows from something that has just happened
	Bulk   Lane = "bulk"   // what comes in great numbers on a date: reviews, and what they lead to
)

// A Selection names the customers of an Update: those in IDs, or, if IDs is
// nil, up to Limit of the Lane's that are due. In lane Prompt (or "") these
// are customers who have pending facts or whose NextDue is at DueBy or before;
// in lane Bulk, those whose NextReview is.
type Selection struct {
	IDs   []string
	Lane  Lane
	DueBy time.Time
	Limit int
	// Except are customers to leave out, at most 1,000. Ignored with IDs.
	Except []string
	// Share limits the selection to a share of the customers. Ignored with IDs.
	Share Share
}

// A Share is one of several parts of a shop's customers or messages, so that
// several workers do not reach for the same rows of one shop: those whose
// [Bucket] modulo Of is Part, for customers by their ID and for messages by
// theirs. The zero Share is all.
type Share struct{ Part, Of int }

// Has reports whether a bucket belongs to the share.
func (s Share) Has(bucket int) bool { return s.Of < 2 || bucket%s.Of == s.Part }

// Buckets is how many values [Bucket] has.
const Buckets = 64

// Bucket is a hash of an id, from 0 to [Buckets]-1: FNV-1a, 32 bits, modulo
// Buckets. A store may keep it in a column.
func Bucket(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % Buckets)
}

// Work is what an Update hands to its decide function.
type Work struct {
	// Revision is the shop's definitions revision in this transaction.
	Revision int64
	// Customers are those of the selection that could be locked, in order of ID,
	// without Orders and Messages: most timers need neither.
	Customers []CustomerRow
	// Lock locks and loads further customers in the same transaction, likewise.
	// Those locked by somebody else, locked here before, or unknown are left out.
	Lock func(ids []string) ([]CustomerRow, error)
	// Fill sets Orders and Messages of customers, by their ID, as they are after
	// the lock was taken. All of them were locked here.
	Fill func(customers []CustomerRow) error
	// Pending returns, in order, which of these have a fact in the inbox, as
	// Lock would see it, without locking them.
	Pending func(ids []string) ([]string, error)
}

// Changes are what an Update writes, in one transaction.
type Changes struct {
	// Customers are written by ID: State, NextDue and NextReview. They were
	// locked.
	Customers []CustomerRow
	// Orders are inserted or replaced by (Customer, ID): a cart that gives one
	// order two customers gets two rows, and neither spoils the other.
	Orders []OrderRow
	// Consumed are the inbox entries that were read and folded: exactly these
	// are deleted.
	Consumed []InboxEntry
	// SetAside are facts that could not be applied, by id, with the reason.
	SetAside map[string]string
	// Queue are new messages. One whose ID is there already is passed over.
	Queue []Message
	// Skip are messages to be skipped: those queued or claimed are, for one
	// that is started or unknown Stopped is set (anew, if it was set before),
	// and others are left alone.
	Skip []Skip
	// Move re-addresses what belongs to customers who turned out to be others:
	// orders, facts, messages and decisions of From become To's. Of an order
	// that both have, To's stays and From's is deleted. The inbox stays as it
	// is, and so do messages' AddressKey and CartKey. From equal to To does
	// nothing. It happens before all else in Changes.
	Move []Move
	// Erase are customers to be forgotten. It happens after all else, but for
	// Purge.
	Erase []Erasure
	// Purge are facts, by id, whose bodies are deleted, in an inbox or not.
	Purge []string
	// Decisions are appended to the log in this order.
	Decisions []Decision
}

// An Erasure deletes what is known of a customer: the bodies of her facts but
// those that still wait in an inbox, her messages' contents and recipients,
// and the State of her orders unless they are in Changes.Orders.
type Erasure struct {
	Customer string
	// Keep are types of fact whose bodies stay: evidence that the law asks for.
	Keep []string
}

// An InboxEntry is a fact in a customer's inbox.
type InboxEntry struct{ Customer, Fact string }

// A Move says that the customer From is known as To from now on.
type Move struct{ From, To string }

// A Skip takes a message off the queue.
type Skip struct {
	Message string
	Reason  Reason
	At      time.Time
}

// A LeaseRequest asks for messages to send.
type LeaseRequest struct {
	Now   time.Time // Now is the caller's clock: messages with SendAt at or before it are due.
	Until time.Time // Until is when the lease runs out.
	Lane  Lane      // Lane is the lane to claim from; "" means Prompt.
	Share Share     // Share limits the claim to a share of the messages.
	Limit int       // Limit is how many messages are claimed at most; 0 claims none.
}

// Leases are what [Store].Lease returns.
type Leases struct {
	Claimed []Message
	Expired []Message
}

// A Mark moves one message from state to state.
type Mark struct {
	Message string
	Attempt int            // Attempt is the attempt number that the caller was given.
	From    []MessageState // From are the states it may be in.
	To      MessageState
	At      time.Time // At is the caller's clock.

	// Lease is the new lease for a mark to claimed or started, SendAt the new
	// due time for one to queued.
	Lease  time.Time
	SendAt time.Time
	// Failures and Unknowns replace the message's counts.
	Failures, Unknowns int
	Reason             Reason
	// Content is stored with a mark to started, unless the message has content
	// already.
	Content []byte
	// Decision, if not nil, is appended to the log with the mark.
	Decision *Decision
}

// A Definition is one published version of a journey, template, rank ladder or
// the settings of a shop.
type Definition struct {
	Kind        string // Kind is "settings", "journey", "template" or "ladder".
	ID          string
	Version     int
	Hash        []byte // Hash is a digest of Body.
	Body        []byte // Body is the definition as JSON.
	PublishedAt time.Time
}

// A CustomerQuery selects customers: those in IDs, or all if IDs is nil.
type CustomerQuery struct {
	IDs []string
	// After skips customers up to and including this ID.
	After string
}

// A FactQuery selects facts.
type FactQuery struct {
	Customer string // Customer selects one customer's facts; "" means all.
	ID       string // ID selects one fact; "" means all.
	// SetAside selects facts that could not be applied.
	SetAside bool
}

// A MessageQuery selects messages.
type MessageQuery struct {
	Customer string         // Customer selects one customer's messages; "" means all.
	ID       string         // ID selects one message; "" means all.
	States   []MessageState // States selects by state; nil means all.
	Content  bool           // Content asks for the messages' contents too.
}

// A DecisionQuery selects decisions.
type DecisionQuery struct {
	Customer string // Customer selects one customer's decisions; "" means all.
}
