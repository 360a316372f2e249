package crm

import (
	"log/slog"
	"time"
)

// A Mode says what a deployment may send. It belongs to the process and not to
// the database, so that a staging copy of a database mails nobody.
type Mode string

// The modes. To let some addresses through on staging, wrap the mailer with
// [mailer.Only].
const (
	Live Mode = "live" // messages are sent
	Dry  Mode = "dry"  // messages are skipped when they are due, with ReasonMode
	Off  Mode = "off"  // messages stay queued
)

// Config tunes a [CRM]. The zero Config is ready to use.
type Config struct {
	// Mode is what may be sent. Defaults to [Live].
	Mode Mode
	// Workers is how many goroutines of Run decide, 1 to 256. Defaults to 2.
	Workers int
	// Connections is how many goroutines of Run send: at most as many
	// messages are between start and answer at a time. 1 to 256. Defaults to 4.
	Connections int
	// Poll is how long Run waits before it looks again when nothing was due,
	// 10 ms to 1 h. Facts recorded in the same process are seen at once.
	// Defaults to 1 second.
	Poll time.Duration
	// Batch is how many customers one transaction folds, 1 to 1,000. Defaults
	// to 64.
	Batch int
	// SendTimeout bounds one send, 1 s to 1 h. A send that takes a minute
	// longer counts as lost with its worker. Defaults to 2 minutes.
	SendTimeout time.Duration
	// Tries is how often a message is tried that the mail system puts off, or
	// that cannot be made into a mail, and customers that cannot be folded, 1
	// to 100. The pauses grow from 1 minute to 4 hours. Defaults to 8.
	Tries int
	// Rate is how many messages a second this process hands to the mailer at
	// most, up to 1,000,000. Defaults to 0: no limit. A shop may have a limit of
	// its own: see [Settings].
	Rate int
	// Clock tells the time. By default it is the database server's while Run
	// works on a store that is a [Timekeeper], so that workers agree whatever
	// their machines' clocks show (one that is more than a second off does
	// nothing but log that), and time.Now otherwise.
	Clock func() time.Time
	// Hooks are told what goes on, for metrics.
	Hooks Hooks
	// Logger gets what goes wrong, without personal data. Defaults to
	// slog.Default.
	Logger *slog.Logger

	ownClock bool // Clock was given
}

func (c *Config) withDefaults() Config {
	var d Config
	if c != nil {
		d = *c
	}
	if d.Mode == "" {
		d.Mode = Live
	}
	if d.Workers == 0 {
		d.Workers = 2
	}
	if d.Connections == 0 {
		d.Connections = 4
	}
	if d.Poll == 0 {
		d.Poll = time.Second
	}
	if d.Batch == 0 {
		d.Batch = 64
	}
	if d.SendTimeout == 0 {
		d.SendTimeout = 2 * time.Minute
	}
	if d.Tries == 0 {
		d.Tries = 8
	}
	d.ownClock = d.Clock != nil
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return d
}

func (c Config) validate() error {
	var k check
	k.path = "Config"
	switch c.Mode {
	case Live, Dry, Off:
	default:
		k.add("Mode", ErrUnknown)
	}
	between := func(field string, v, low, high int64) {
		if v < low || v > high {
			k.add(field, ErrRange)
		}
	}
	between("Workers", int64(c.Workers), 1, 256)
	between("Connections", int64(c.Connections), 1, 256)
	between("Poll", int64(c.Poll), int64(10*time.Millisecond), int64(time.Hour))
	between("Batch", int64(c.Batch), 1, 1000)
	between("SendTimeout", int64(c.SendTimeout), int64(time.Second), int64(time.Hour))
	between("Rate", int64(c.Rate), 0, 1_000_000)
	between("Tries", int64(c.Tries), 1, 100)
	return k.err()
}
