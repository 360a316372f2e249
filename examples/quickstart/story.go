package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/examples/quickstart/history"
)

//go:embed testdata/online_retail.csv.gz
var embedded []byte

// A story is all that happens: the market, the facts, and from when to when.
type story struct {
	market  market
	history *history.History
	facts   []crm.Fact // facts are in order of time.
	// start is the midnight before the first order, end the one after the last.
	// From stretch on, the mails are sent by a process that is killed.
	start, stretch, end time.Time
}

// stretchDays is how long the last stretch is.
const stretchDays = 21

// readStory reads a data file, or the embedded one if name is empty.
func readStory(name, lang string) (*story, error) {
	m, err := newMarket(lang)
	if err != nil {
		return nil, err
	}
	var in io.Reader = bytes.NewReader(embedded)
	if name != "" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	// The file's times have no zone: they are taken for the shop's own.
	h, err := history.Read(in, m.zone)
	if err != nil {
		return nil, err
	}
	if len(h.Customers) == 0 {
		return nil, fmt.Errorf("there are no orders in the data")
	}
	s := &story{market: m, history: h}
	for _, c := range h.Customers {
		for _, o := range c.Orders {
			if s.start.IsZero() || o.Time.Before(s.start) {
				s.start = o.Time
			}
			if o.Time.After(s.end) {
				s.end = o.Time
			}
		}
	}
	s.start, s.end = midnight(s.start, 0), midnight(s.end, 1)
	s.stretch = midnight(s.end, -stretchDays)
	if s.stretch.Before(s.start) {
		s.stretch = s.start
	}
	s.facts = tellFacts(h, m, s.end)
	return s, nil
}

// midnight is the beginning of the day n days after t's.
func midnight(t time.Time, n int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+n, 0, 0, 0, 0, t.Location())
}
