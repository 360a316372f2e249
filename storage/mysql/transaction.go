package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"
)

// tries is how often a transaction is run that runs into deadlocks. Each of
// them means that somebody else got on.
const tries = 10

// write runs fn in a transaction at READ COMMITTED: each of its statements sees
// what was committed before it, and no gaps are locked. It is run again after a
// deadlock. fn's error rolls everything back.
func (s *Store) write(ctx context.Context, fn func(ctx context.Context, tx *session) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for try := 1; ; try++ {
		err := s.transact(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
		if err == nil || !mayRetry(err) || try == tries {
			return err
		}
		if err := pause(ctx, rand.N(time.Duration(try)*2*time.Millisecond)); err != nil {
			return err
		}
	}
}

// read runs fn in a transaction whose statements all see one state. It waits
// for nobody.
func (s *Store) read(ctx context.Context, fn func(ctx context.Context, tx *session) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.transact(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

func (s *Store) transact(ctx context.Context, options *sql.TxOptions, fn func(ctx context.Context, tx *session) error) error {
	return s.connected(ctx, func(conn *sql.Conn) error {
		tx, err := conn.BeginTx(ctx, options)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after a commit
		if err := fn(ctx, &session{querier: tx, store: s, own: tx}); err != nil {
			return err
		}
		// If the connection is lost now, the transaction may be there or not.
		// Appending and defining may be repeated and find what they wrote, a fold
		// finds its facts gone, a claim that nobody heard of runs out, and so does
		// a start: its message is then reported as expired.
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		return nil
	})
}

// connected runs fn on a connection with the variables that statements of ours
// rely on.
func (s *Store) connected(ctx context.Context, fn func(conn *sql.Conn) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	var had []variable
	defer func() { giveBack(conn, had) }()
	if !s.own {
		if had, err = settle(ctx, conn, wantedAlone); err != nil {
			return err
		}
	}
	return fn(conn)
}

// giveBack returns a connection to its pool as it was, or throws it away.
func giveBack(conn *sql.Conn, had []variable) {
	if err := restore(context.Background(), conn, had); err != nil {
		_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn })
	}
	_ = conn.Close()
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
