package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// readers keeps connections for reading, with the statements they have
// prepared: to prepare one takes longer than to run it. In the cart's own
// database none is kept.
type readers struct {
	mu     sync.Mutex
	keep   int // how many are kept at most
	idle   []*session
	closed bool
}

// take returns a connection that nobody else uses.
func (r *readers) take(ctx context.Context, db *sql.DB) (*session, error) {
	if tx, err := r.kept(); tx != nil || err != nil {
		return tx, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	tx := newSession(conn)
	tx.conn = conn
	return tx, nil
}

// kept returns an idle connection, nil if there is none.
func (r *readers) kept() (*session, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.idle)
	switch {
	case r.closed:
		return nil, ErrClosed
	case n == 0:
		return nil, nil
	}
	tx := r.idle[n-1]
	r.idle = r.idle[:n-1]
	return tx, nil
}

// giveBack undoes take. A connection that is not sound is thrown away, and a
// transaction that may be open on it with it.
func (r *readers) giveBack(tx *session, sound bool) error {
	if !sound {
		_ = tx.finish()
		_ = tx.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = tx.conn.Close()
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && len(r.idle) < r.keep {
		r.idle = append(r.idle, tx)
		return nil
	}
	return tx.release()
}

// close releases those that are idle; others follow when they are given back.
func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var errs []error
	for _, tx := range r.idle {
		errs = append(errs, tx.release())
	}
	r.idle = nil
	return errors.Join(errs...)
}
