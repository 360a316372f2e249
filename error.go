package crm

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers may want to tell apart, with errors.Is.
var (
	// ErrConflict: a fact id is on record with other content.
	ErrConflict = errors.New("crm: the fact's id is on record with other content")
	// ErrUnknownShop: the shop has no settings. See [Shop.Configure].
	ErrUnknownShop = errors.New("crm: unknown shop")
	// ErrNotFound: there is no such customer, message or definition.
	ErrNotFound = errors.New("crm: not found")
	// ErrClosed: the store was closed. [CRM.Run] ends with it.
	ErrClosed = errors.New("crm: the store is closed")
	// ErrSkew: this machine's clock is too far from the database server's for
	// its worker to decide what is due. See [Health].
	ErrSkew = errors.New("crm: the clock is too far from the database server's")
	// ErrErased: the customer was erased.
	ErrErased = errors.New("crm: the customer was erased")
)

// A FieldError says what is wrong with one field of a value. Its text holds
// the field's name, never its content.
type FieldError struct {
	Field   string // Field is a path such as "Order.Lines[2].Quantity".
	Problem string // Problem completes the sentence that begins with Field.
	Err     error  // Err is what kind of problem it is, or nil.
}

// Kinds of problem in a [FieldError], for errors.Is.
var (
	ErrRequired    = errors.New("is required")
	ErrControl     = errors.New("holds a line break or control character")
	ErrNotUTF8     = errors.New("is not valid UTF-8")
	ErrTooLong     = errors.New("is too long")
	ErrNegative    = errors.New("must not be negative")
	ErrRange       = errors.New("is out of range")
	ErrCurrency    = errors.New("is no known currency")
	ErrCurrencies  = errors.New("mixes currencies")
	ErrNoCustomer  = errors.New("names neither a customer nor a mail address")
	ErrTimeZero    = errors.New("has no time")
	ErrFuture      = errors.New("lies too far in the future")
	ErrUnknown     = errors.New("is not known")
	ErrDuplicate   = errors.New("is used twice")
	ErrEndlessLoop = errors.New("is a loop without a wait")
	ErrUnreachable = errors.New("can never be reached")
	ErrReserved    = errors.New("is reserved")
	ErrLegal       = errors.New("is required by law where marketing is sent")
	ErrSyntax      = errors.New("cannot be parsed")
)

// Error returns the sentence.
func (e *FieldError) Error() string {
	problem := e.Problem
	if problem == "" && e.Err != nil {
		problem = e.Err.Error()
	}
	return "crm: " + e.Field + " " + problem
}

// Unwrap returns the kind of problem.
func (e *FieldError) Unwrap() error { return e.Err }

// A BatchError says which fact of a batch was refused. Nothing of the batch was
// recorded.
type BatchError struct {
	Index int    // Index is the fact's place in the batch, from 0.
	ID    string // ID is the fact's id.
	Err   error
}

// Error names the fact and the reason.
func (e *BatchError) Error() string {
	return fmt.Sprintf("crm: fact %d (%q): %s", e.Index, e.ID, strings.TrimPrefix(e.Err.Error(), "crm: "))
}

// Unwrap returns the reason.
func (e *BatchError) Unwrap() error { return e.Err }

// A PublishError lists everything that is wrong with a definition. Nothing was
// published.
type PublishError struct {
	Kind     string // Kind is "journey", "template", "ladder" or "settings".
	ID       string
	Problems []*FieldError // Problems are in the order of the definition, each with its path.
}

// Error lists the problems.
func (e *PublishError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "crm: %s %q cannot be published:", e.Kind, e.ID)
	for _, p := range e.Problems {
		b.WriteString("\n\t" + strings.TrimPrefix(p.Error(), "crm: "))
	}
	return b.String()
}

// Unwrap returns the problems.
func (e *PublishError) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}
