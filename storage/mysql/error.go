package mysql

import (
	"errors"
	"fmt"

	driver "github.com/go-sql-driver/mysql"

	"github.com/goen-crm/crm"
)

// Errors that callers may want to tell apart, with errors.Is.
var (
	// ErrNewerSchema: the database was written by a newer version of this
	// package, which says that this one can't work with it. It was not touched.
	ErrNewerSchema = errors.New("mysql: the database has a newer schema than this version of goen")
	// ErrUnsupported: the server is older than MariaDB 10.6 and MySQL 8.0.16.
	ErrUnsupported = errors.New("mysql: the server is too old: MariaDB 10.6 or MySQL 8.0.16 is wanted")
	// ErrRolledBack: while goen recorded inside the cart's transaction, the
	// server has rolled the whole of it back, because of a deadlock or a lost
	// connection. Roll back. What the cart executes on the transaction instead
	// is committed at once, each statement by itself.
	ErrRolledBack = errors.New("mysql: the server has rolled back the cart's transaction")
	// ErrClosed: the store was closed. It wraps [crm.ErrClosed].
	ErrClosed = fmt.Errorf("mysql: %w", crm.ErrClosed)
)

// Numbers of errors, the same on MariaDB and MySQL.
const (
	numberDuplicate = 1062
	numberLockWait  = 1205
	numberDeadlock  = 1213
	numberChanged   = 1020
)

// meanings take the place of the server's texts, which quote keys.
var meanings = map[uint16]string{
	numberDuplicate: "duplicate key",
	numberLockWait:  "waited too long for a lock",
	numberDeadlock:  "deadlock",
	numberChanged:   "a row has changed since the transaction began",
	1044:            "access to the database denied",
	1045:            "access denied",
	1049:            "unknown database",
	1142:            "a privilege is missing",
	1146:            "a table is missing",
	1153:            "packet larger than max_allowed_packet",
	1290:            "the server is read-only",
	1406:            "a value is too long for its column",
	1665:            "binlog_format=STATEMENT does not go with READ COMMITTED; MIXED and ROW do",
	1792:            "the transaction is read-only",
}

// failed says what failed. Texts of the server are left out: they may hold
// keys and addresses. Its number stays, for errors.As.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, ErrClosed):
		return ErrClosed
	case errors.Is(err, ErrRolledBack): // clean already
		return fmt.Errorf("mysql: %s: %w", what, err)
	}
	return fmt.Errorf("mysql: %s: %w", what, clean(err))
}

func clean(err error) error {
	var failure *driver.MySQLError
	if !errors.As(err, &failure) {
		return err
	}
	meaning := meanings[failure.Number]
	if meaning == "" {
		meaning = "the server's text is left out, since it may hold personal data"
	}
	return &driver.MySQLError{Number: failure.Number, SQLState: failure.SQLState, Message: meaning}
}

func hasNumber(err error, numbers ...uint16) bool {
	var failure *driver.MySQLError
	if !errors.As(err, &failure) {
		return false
	}
	for _, number := range numbers {
		if failure.Number == number {
			return true
		}
	}
	return false
}

func isDuplicate(err error) bool { return hasNumber(err, numberDuplicate) }

// mayRetry reports whether a transaction failed because of others, and nothing
// of it was written.
func mayRetry(err error) bool { return hasNumber(err, numberDeadlock, numberLockWait, numberChanged) }
