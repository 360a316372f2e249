package main

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// A Clock shows the machine's time, moved by an offset. The offset is in a file
// that all processes of a run share, so that none of them ever shows another
// time: not even one that was stopped while the clock was moved on.
type Clock struct {
	file *os.File
	mu   sync.Mutex
}

// OpenClock opens the clock in the file at path, or makes one there that shows
// the machine's time.
func OpenClock(path string) (*Clock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return &Clock{file: file}, err
}

// Now is what the clock shows: give it to crm.Config.Clock.
func (c *Clock) Now() time.Time { return time.Now().Add(c.ahead()) }

func (c *Clock) ahead() time.Duration {
	var b [8]byte
	if n, err := c.file.ReadAt(b[:], 0); err != nil && n > 0 {
		panic(err) // half an offset is no time to work by
	}
	return time.Duration(binary.NativeEndian.Uint64(b[:]))
}

// Advance moves it on, or back. Only one process does that.
func (c *Clock) Advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(c.ahead()+d)), 0)
	return err
}

// Close closes the file.
func (c *Clock) Close() error { return c.file.Close() }

// upTo returns a random duration below d.
func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d)))
}

// between returns a random duration from low up to below high.
func between(random *rand.Rand, low, high time.Duration) time.Duration {
	return low + upTo(random, high-low)
}
