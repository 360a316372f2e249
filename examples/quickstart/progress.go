package main

import (
	"fmt"
	"strings"
	"time"
)

// progress shows how far a stretch of virtual time has come: a bar that is
// drawn over on a terminal, else a line a month.
type progress struct {
	screen     *screen
	start, end time.Time
	mails      func() int // mails, if not nil, counts those that arrived.
	last       string
}

// at moves the bar on to a time.
func (p *progress) at(t time.Time) {
	const size = 40
	t = t.In(p.start.Location())
	done := int(size * t.Sub(p.start) / max(p.end.Sub(p.start), 1))
	bar := p.screen.paint("36", strings.Repeat("#", done)) + strings.Repeat(".", size-done)
	line := func(label string) string {
		text := fmt.Sprintf("  %s [%s]", label, bar)
		if p.mails != nil {
			text += fmt.Sprintf(" %s %5s", p.screen.text("送信", "mails"), thousands(p.mails()))
		}
		return text
	}
	if p.screen.live {
		if day := t.Format(time.DateOnly); day != p.last {
			p.last = day
			p.screen.print("\r%s", line(day))
		}
		return
	}
	if month := t.Format("2006-01"); month != p.last {
		p.last = month
		p.screen.print("%s\n", line(t.Format(time.DateOnly)))
	}
}

// done ends the bar.
func (p *progress) done() {
	p.last = ""
	p.at(p.end)
	if p.screen.live {
		p.screen.print("\n")
	}
}
