package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/goen-crm/crm"
)

// Errors that callers may want to tell apart, with errors.Is.
var (
	// ErrNewerSchema: the tables were upgraded by a newer version of this
	// package, to a schema that this one cannot work with. Nothing was touched.
	ErrNewerSchema = errors.New("postgres: the database has a newer schema than this version of goen")
	// ErrClosed: the store was closed. It wraps [crm.ErrClosed].
	ErrClosed = fmt.Errorf("postgres: %w", crm.ErrClosed)
)

// Codes of PostgreSQL's errors.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
	divisionByZero       = "22012" // how appendFacts says that it lost a race, and addInside that facts are there
)

// hasCode reports whether the server refused a statement with one of these codes.
func hasCode(err error, codes ...string) bool {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if refusal.Code == code {
			return true
		}
	}
	return false
}

// isUndone reports whether the server has undone a transaction, or a statement,
// that succeeds if it is repeated.
func isUndone(err error) bool {
	return hasCode(err, serializationFailure, deadlockDetected, divisionByZero)
}

// failed says in which call an error occurred. The error's text has no values of
// rows: PostgreSQL puts those into the detail, which is not part of it.
func failed(what string, err error) error {
	if errors.Is(err, ErrClosed) {
		return ErrClosed
	}
	if _, ok := errors.AsType[*crm.BatchError](err); ok {
		return err
	}
	return fmt.Errorf("postgres: %s: %w", what, err)
}
