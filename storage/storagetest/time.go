package storagetest

import (
	"time"

	"github.com/goen-crm/crm"
)

var timeChecks = []check{
	{"ServerTime", "ServerTime is the server's clock: it passes, in UTC, and is near this machine's. A local time taken for UTC would be hours off, and every mail with it.",
		func(p *probe) {
			s, ok := p.store.(crm.Timekeeper)
			if !ok {
				p.Skip("the store has no clock of its own")
			}
			var last time.Time
			for range 3 {
				now, err := s.ServerTime(p.Context())
				if err != nil {
					p.Fatalf("ServerTime: %v", err)
				}
				if now.Location() != time.UTC {
					p.Errorf("ServerTime is in %v, want UTC", now.Location())
				}
				if now.Before(last) {
					p.Errorf("ServerTime goes from %v back to %v", last, now)
				}
				if off := time.Since(now).Abs(); off > 5*time.Minute {
					p.Errorf("ServerTime is %v off this machine's clock", off)
				}
				last = now
			}
			if _, err := s.ServerTime(cancelled(p)); err == nil {
				p.Error("ServerTime with a cancelled context returns no error")
			}
		}},
}
