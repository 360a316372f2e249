package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

const (
	// lockLimit is how long a transaction waits for another's lock at most.
	lockLimit = 10 * time.Second
	// lockPoll is how often it looks at most: more often than SQLite's own
	// waiting does, which goes up to 100 ms, and which no context ends.
	lockPoll = time.Millisecond
)

// work is write for what workers do: it leaves the lock to others in between.
func (s *Store) work(ctx context.Context, fn func(ctx context.Context, tx *session) error) error {
	if err := s.rest(ctx); err != nil {
		return err
	}
	var began time.Time
	var others int64
	err := s.write(ctx, func(ctx context.Context, tx *session) (err error) {
		began = time.Now()
		if s.own {
			if err := tx.one(ctx, "PRAGMA data_version", nil, &others); err != nil {
				return fmt.Errorf("sqlite: %w", err)
			}
		}
		return fn(ctx, tx)
	})
	if !began.IsZero() {
		s.breath.held(time.Since(began), s.own, others)
	}
	return err
}

// write runs fn in a transaction that holds the write lock from its beginning.
// Within it, contexts are not cancelled: SQLite would roll back behind our
// back. fn's error rolls everything back and is returned as it is.
func (s *Store) write(ctx context.Context, fn func(ctx context.Context, tx *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	tx, err := s.borrow(ctx)
	if err != nil {
		return err
	}
	sound := false // whether the connection may be used again
	defer func() { s.giveBack(tx, sound) }()
	if err := tx.begin(ctx); err != nil {
		sound = isSound(err)
		return err
	}
	inside := context.WithoutCancel(ctx)
	if err := fn(inside, tx); err != nil { // if fn panics, the connection is thrown away
		_, rollback := tx.ExecContext(inside, "ROLLBACK")
		sound = rollback == nil
		return err
	}
	err = tx.commit(inside)
	sound = err == nil
	return err
}

// borrow returns the connection to write on: the one that is kept for it, or
// one of the cart's.
func (s *Store) borrow(ctx context.Context) (*session, error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	if s.kept != nil {
		return s.kept, nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	tx := newSession(conn)
	tx.conn = conn
	err = tx.secure(context.WithoutCancel(ctx))
	if err == nil && s.own {
		err = tx.tune(context.WithoutCancel(ctx))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), conn.Close())
	}
	if s.own {
		s.kept = tx
	}
	return tx, nil
}

// giveBack undoes borrow. A connection whose state is not known is thrown away,
// and a transaction that may still be open on it with it.
func (s *Store) giveBack(tx *session, sound bool) {
	if sound && s.own {
		return
	}
	s.kept = nil
	_ = tx.finish()
	if !sound || tx.restore(context.Background()) != nil {
		_ = tx.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = tx.conn.Close()
}

// begin takes the write lock.
func (tx *session) begin(ctx context.Context) error {
	inside := context.WithoutCancel(ctx)
	return retry(ctx, func() error {
		_, err := tx.run(inside, "BEGIN IMMEDIATE")
		return err
	})
}

// commit ends a transaction. While somebody reads, a classic journal can't be
// ended, and the transaction stays open until it can. After any other error it
// is rolled back: nothing of it is seen by anyone, unless the machine fails at
// this moment and the log's last pages turn out to have been written. In that
// case appending and defining may be repeated and find what they wrote, a fold
// finds its facts gone, a claim that nobody heard of runs out, and so does a
// start: its message is then reported as expired.
func (tx *session) commit(ctx context.Context) error {
	err := retry(ctx, func() error {
		_, err := tx.run(ctx, "COMMIT")
		return err
	})
	if err != nil {
		_, rollback := tx.ExecContext(ctx, "ROLLBACK")
		return errors.Join(fmt.Errorf("sqlite: commit: %w", err), rollback)
	}
	return nil
}

// retry repeats an action while somebody else's lock is in its way. Its clock
// measures the waiting and is written nowhere.
func retry(ctx context.Context, action func() error) error {
	var began time.Time
	for wait := lockPoll / 16; ; wait = min(2*wait, lockPoll) {
		err := action()
		if err == nil || !isBusy(err) {
			return err
		}
		if began.IsZero() {
			began = time.Now()
		} else if time.Since(began) > lockLimit {
			return ErrBusy
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// read runs fn in a read transaction: all its statements see one state.
func (s *Store) read(ctx context.Context, fn func(ctx context.Context, tx *session) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := s.readers.take(ctx, s.db)
	if err != nil {
		return err
	}
	sound := false // whether the connection may be used again
	defer func() { err = errors.Join(err, s.readers.giveBack(tx, sound)) }()
	inside := context.WithoutCancel(ctx)
	return retry(ctx, func() error {
		if _, err := tx.run(inside, "BEGIN"); err != nil {
			return err
		}
		err := fn(inside, tx)
		_, end := tx.run(inside, "COMMIT")
		sound = end == nil
		return errors.Join(err, end)
	})
}

// isSound reports whether a connection is as before although taking the lock
// failed.
func isSound(err error) bool {
	return errors.Is(err, ErrBusy) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
