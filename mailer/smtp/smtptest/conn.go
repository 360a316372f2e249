package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
)

// A conn stands between a client and go-smtp. It reads the client's lines
// first and can answer them itself, cut the connection or fall silent. It also
// does the TLS handshake of STARTTLS, so that the lines stay readable to it.
//
// Only go-smtp's goroutine for the connection reads and writes; Close may come
// from any.
type conn struct {
	net.Conn // Conn is the TCP connection, for its addresses and deadlines.
	server   *Server

	stream  io.ReadWriter // stream is Conn, or the TLS connection on top of it.
	reader  *bufio.Reader
	secure  bool
	greeted bool
	pending []byte // pending was read from the client and not yet by go-smtp.
	inBody  bool   // inBody: lines are message text until the final dot.
	inAuth  bool   // inAuth: the next line answers a SASL challenge.

	envelope Envelope // envelope is filled in by session.
	closing  sync.Once
	closeErr error
}

func newConn(nc net.Conn, server *Server) *conn {
	c := &conn{Conn: nc, server: server}
	if server.config.ImplicitTLS {
		c.encrypt(tls.Server(nc, serverTLS())) // The first write makes the handshake.
	} else {
		c.use(nc)
	}
	return c
}

func (c *conn) use(stream io.ReadWriter) {
	c.stream = stream
	c.reader = bufio.NewReader(stream)
}

func (c *conn) encrypt(stream *tls.Conn) {
	c.use(stream)
	c.secure = true
}

// Read gives go-smtp what the client says, unless a fault answers it.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		line, err := c.reader.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		pass, err := c.inspect(line)
		if err != nil {
			return 0, err
		}
		if pass {
			c.pending = line
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// inspect reports whether a line from the client is for go-smtp.
func (c *conn) inspect(line []byte) (bool, error) {
	switch {
	case c.inBody:
		c.inBody = string(line) != ".\r\n"
		return true, nil
	case c.inAuth:
		c.inAuth = false
		return true, nil
	}
	p := verbPhase(line)
	if p == "" {
		return true, nil
	}
	if f := c.server.enter(p, c.envelope); f != nil {
		if f.Code == 0 {
			return false, c.misbehave(f)
		}
		return false, c.answer(f)
	}
	if p == PhaseSTARTTLS && c.server.config.StartTLS && !c.secure {
		return false, c.startTLS()
	}
	return true, nil
}

// answer sends f's reply, and hangs up after 421.
func (c *conn) answer(f *Fault) error {
	code, enhanced, text := f.reply()
	if _, err := fmt.Fprintf(c.stream, "%d %s %s\r\n", code, enhanced, text); err != nil {
		return err
	}
	if f.Code == 421 {
		_ = c.Close()
		return net.ErrClosed
	}
	return nil
}

func (c *conn) startTLS() error {
	if _, err := io.WriteString(c.stream, "220 2.0.0 Ready to start TLS\r\n"); err != nil {
		return err
	}
	stream := tls.Server(c.Conn, serverTLS())
	if err := stream.Handshake(); err != nil {
		return err
	}
	c.encrypt(stream)
	return nil
}

// Write sends the client what go-smtp says, one line a call.
func (c *conn) Write(p []byte) (int, error) {
	if !c.greeted {
		c.greeted = true
		if f := c.server.enter(PhaseGreeting, Envelope{}); f != nil {
			if f.Code == 0 {
				return 0, c.misbehave(f)
			}
			err := c.answer(f)
			_ = c.Close()
			return 0, err
		}
	}
	switch {
	case c.secure && string(p) == "250-STARTTLS\r\n":
		return len(p), nil // It is not offered twice, RFC 3207 section 4.2.
	case bytes.HasPrefix(p, []byte("354")):
		c.inBody = true
	case bytes.HasPrefix(p, []byte("334")):
		c.inAuth = true
	}
	return c.stream.Write(p)
}

// Close closes the connection without a TLS goodbye: it may be in use.
func (c *conn) Close() error {
	c.closing.Do(func() {
		c.server.mu.Lock()
		delete(c.server.conns, c)
		c.server.mu.Unlock()
		c.closeErr = c.Conn.Close()
	})
	return c.closeErr
}
