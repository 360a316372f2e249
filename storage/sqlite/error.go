package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/goen-crm/crm"
)

// Errors that callers may want to tell apart, with errors.Is.
var (
	// ErrNewerSchema: the database was written by a newer version of this
	// package. It was not touched.
	ErrNewerSchema = errors.New("sqlite: the database has a newer schema than this version of goen")
	// ErrBusy: somebody else held the database's write lock for too long.
	// Nothing was written, and the call may be repeated.
	ErrBusy = errors.New("sqlite: the database is locked by another transaction")
	// ErrUnsafe: the database's settings could lose committed transactions.
	ErrUnsafe = errors.New("sqlite: the database's settings could lose committed transactions")
	// ErrClosed: the store was closed. It wraps [crm.ErrClosed].
	ErrClosed = fmt.Errorf("sqlite: %w", crm.ErrClosed)
)

// isBusy reports whether a statement failed only because of somebody else's lock.
func isBusy(err error) bool {
	var failure *driver.Error
	return errors.As(err, &failure) && failure.Code()&0xff == lib.SQLITE_BUSY
}
