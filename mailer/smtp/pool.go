package smtp

import (
	"context"
	"sync"
	"time"
)

// A pool bounds the connections in use and keeps those that are not. It does
// no I/O, except that it closes a connection that was idle for too long.
type pool struct {
	slots       chan struct{} // slots holds one token for each message being sent.
	idleTimeout time.Duration

	mu     sync.Mutex
	closed bool
	idle   []*conn // idle is a stack: the warmest connection is used next.
}

func newPool(connections int, idleTimeout time.Duration) *pool {
	return &pool{slots: make(chan struct{}, connections), idleTimeout: idleTimeout}
}

// enter waits until a connection may be used. After nil, leave is called.
func (p *pool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pool) leave() { <-p.slots }

// take returns an idle connection, nil if there is none.
func (p *pool) take() (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if len(p.idle) == 0 {
		return nil, nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	c.expiry.Stop()
	c.reused = true
	return c, nil
}

// put keeps c for the next message. It returns false if c is not wanted, and
// then c still belongs to the caller.
func (p *pool) put(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.idleTimeout < 0 {
		return false
	}
	p.idle = append(p.idle, c)
	c.expiry = time.AfterFunc(p.idleTimeout, func() {
		if p.remove(c) {
			c.quit()
		}
	})
	return true
}

// remove reports whether c was idle and is no longer kept.
func (p *pool) remove(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.idle {
		if p.idle[i] == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			return true
		}
	}
	return false
}

// close makes take fail and returns the connections that were idle.
func (p *pool) close() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	for _, c := range idle {
		c.expiry.Stop()
	}
	p.closed, p.idle = true, nil
	return idle
}
