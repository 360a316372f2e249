package failure_test

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
)

// errCut is what a line says once it is cut. Servers' drivers may say it in
// their own words.
var errCut = errors.New("the line is cut")

// A cut says what becomes of the statement at which a line is cut.
type cut string

// The two ways to lose a statement.
const (
	neverArrived cut = "never arrived"      // the database has not seen it
	answerLost   cut = "its answer is lost" // the database has run it
)

var cuts = []cut{neverArrived, answerLost}

// A line is what the statements of a process reach its database over. It can be
// cut at the nth statement from now; from then on the process is as good as
// dead, since nothing of it arrives any more. The zero line is never cut.
type line struct {
	mu     sync.Mutex
	left   int // statements until it is cut, that one included; 0: never
	kind   cut
	dead   bool
	strike func() // called at the nth statement, while the database works at it, instead of cutting
	seen   int    // statements so far
}

// strikeAt calls a function while the database works at the nth statement from
// now.
func (l *line) strikeAt(n int, strike func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.strike = n, strike
}

// statements is how many there were so far.
func (l *line) statements() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

// cutAt cuts the line at the nth statement from now.
func (l *line) cutAt(n int, kind cut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.kind = n, kind
}

// isCut reports whether that has happened.
func (l *line) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// A fate is what becomes of a statement.
type fate int

const (
	passes fate = iota
	loses       // it arrives, and its answer does not
	strikes
	fails
)

// next decides what becomes of the next statement.
func (l *line) next() fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen++
	if l.dead {
		return fails
	}
	if l.left == 0 {
		return passes
	}
	if l.left--; l.left > 0 {
		return passes
	}
	if l.strike != nil {
		return strikes
	}
	l.dead = true
	if l.kind == answerLost {
		return loses
	}
	return fails
}

// dial opens a connection over the line. What is written at once is a
// statement, or several; whole reports whether what came back is all there is.
func (l *line) dial(whole func(answer []byte) bool, dial func() (net.Conn, error)) (net.Conn, error) {
	if l.isCut() {
		return nil, errCut
	}
	c, err := dial()
	if err != nil {
		return nil, err
	}
	return &lineConn{Conn: c, line: l, whole: whole}, nil
}

// lineConn is a connection to a server over a line.
type lineConn struct {
	net.Conn
	line  *line
	whole func(answer []byte) bool

	mu     sync.Mutex
	losing bool // what comes next is the answer that is lost
}

// Write implements net.Conn.
func (c *lineConn) Write(b []byte) (int, error) {
	switch c.line.next() {
	case fails:
		_ = c.Close()
		return 0, errCut
	case loses:
		c.mu.Lock()
		c.losing = true
		c.mu.Unlock()
	case strikes:
		n, err := c.Conn.Write(b)
		c.line.strike()
		return n, err
	}
	return c.Conn.Write(b)
}

// Read implements net.Conn.
func (c *lineConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	losing := c.losing
	c.mu.Unlock()
	if !losing {
		return c.Conn.Read(b)
	}
	var answer []byte
	buffer := make([]byte, 1<<16)
	for !c.whole(answer) { // until then the statement may not have been run
		n, err := c.Conn.Read(buffer)
		if err != nil {
			return 0, err
		}
		answer = append(answer, buffer[:n]...)
	}
	_ = c.Close()
	return 0, errCut
}

// answersOfMariaDB: a statement was run when the answer begins.
func answersOfMariaDB(answer []byte) bool { return len(answer) > 0 }

// answersOfPostgreSQL: several statements were run when the server is ready for
// the next, or waits for something else from the client.
func answersOfPostgreSQL(answer []byte) bool {
	last := byte(0)
	for len(answer) >= 5 {
		size := 1 + int(binary.BigEndian.Uint32(answer[1:]))
		if size > len(answer) {
			return false
		}
		last, answer = answer[0], answer[size:]
	}
	const ready, authentication, copying = 'Z', 'R', 'G'
	return len(answer) == 0 && (last == ready || last == authentication || last == copying)
}

// lineConnector connects to a database without a server, whose driver runs each
// statement at once.
type lineConnector struct {
	driver.Connector
	line *line
}

// Connect implements driver.Connector.
func (c lineConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.line.isCut() {
		return nil, errCut
	}
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &lineDriverConn{conn.(driverConn), c.line}, nil
}

// driverConn is what the driver's connections can do.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type lineDriverConn struct {
	driverConn
	line *line
}

// over runs a statement over a line. Settings of a connection are no statements:
// they change nothing that outlives it.
func over[R any](l *line, query string, run func() (R, error)) (result R, err error) {
	var none R
	if strings.HasPrefix(query, "PRAGMA") && !l.isCut() {
		return run()
	}
	switch l.next() {
	case fails:
		return none, errCut
	case passes:
		return run()
	}
	result, err = run()
	if rows, ok := any(result).(driver.Rows); ok && err == nil {
		_ = rows.Close()
	}
	return none, errCut
}

func (c *lineDriverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return over(c.line, query, func() (driver.Result, error) { return c.driverConn.ExecContext(ctx, query, args) })
}

func (c *lineDriverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return over(c.line, query, func() (driver.Rows, error) { return c.driverConn.QueryContext(ctx, query, args) })
}

func (c *lineDriverConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &lineStmt{stmt.(driverStmt), c.line, query}, nil
}

// driverStmt is what the driver's prepared statements can do.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type lineStmt struct {
	driverStmt
	line  *line
	query string
}

func (s *lineStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return over(s.line, s.query, func() (driver.Result, error) { return s.driverStmt.ExecContext(ctx, args) })
}

func (s *lineStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return over(s.line, s.query, func() (driver.Rows, error) { return s.driverStmt.QueryContext(ctx, args) })
}
