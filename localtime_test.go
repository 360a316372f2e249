package crm_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/goen-crm/crm"
	"github.com/goen-crm/crm/crmtest"
	"github.com/goen-crm/crm/storage/memory"
)

// waiting is a shop where everybody who visits waits for some days.
func waiting(t crmtest.TB, start time.Time, days int, zone string) *crmtest.Scenario {
	s := crmtest.New(t, &crmtest.Options{Start: start, Store: memory.New()})
	s.Template(crm.Template{ID: "hello", Class: crm.Service, Locales: map[string]crm.Words{"ja": {Subject: "s", Text: "t"}}})
	s.Publish(crm.Journey{
		ID: "wait", Trigger: crm.OnFact{Fact: crm.FactCustom},
		Steps: crm.Steps{crm.Wait{ID: "days", Days: days}, crm.Send{Template: "hello"}},
	})
	s.Record(crm.Fact{Customer: "c", Email: "c@example.jp", Body: crm.CustomerSaved{CustomerPatch: crm.CustomerPatch{TimeZone: &zone}}})
	s.Record(crm.Fact{Customer: "c", Body: crm.Custom{Name: "visit"}})
	return s
}

// A wait of days ends at the same time of day in the customer's zone, whatever
// the clocks do in between.
func TestWaitDays(t *testing.T) {
	tests := []struct {
		name, zone  string
		start, want string
		days        int
	}{
		{"clocks stand still", "Asia/Tokyo", "2026-03-28T10:00:00+09:00", "2026-03-30T10:00:00+09:00", 2},
		{"clocks go forward", "Europe/Berlin", "2026-03-28T10:00:00+01:00", "2026-03-29T10:00:00+02:00", 1},
		{"clocks go back", "Europe/Berlin", "2026-10-24T10:00:00+02:00", "2026-10-25T10:00:00+01:00", 1},
		{"into the hour that is skipped", "Europe/Berlin", "2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", 1},
		{"into the hour that comes twice", "Europe/Berlin", "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", 1},
		{"from the second of the two", "Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00", 1},
		{"half an hour", "Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", "2026-10-04T02:30:00+11:00", 1},
		{"at midnight", "Africa/Cairo", "2026-04-23T00:30:00+02:00", "2026-04-24T01:00:00+03:00", 1},
		{"the day that Samoa left out", "Pacific/Apia", "2011-12-29T10:00:00-10:00", "2011-12-31T00:00:00+14:00", 1},
		{"a leap day", "Asia/Tokyo", "2028-02-28T23:59:59+09:00", "2028-02-29T23:59:59+09:00", 1},
		{"ten years", "America/New_York", "2026-07-01T09:00:00-04:00", "2036-07-08T09:00:00-04:00", 3660},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start, err := time.Parse(time.RFC3339, test.start)
			if err != nil {
				t.Fatal(err)
			}
			want, err := time.Parse(time.RFC3339, test.want)
			if err != nil {
				t.Fatal(err)
			}
			s := waiting(t, start, test.days, test.zone)
			runs := s.Customer("c").Enrollments
			if len(runs) != 1 || !runs[0].Due.Equal(want) {
				t.Errorf("waits until %v, want %v", runs, want)
			}
			s.AdvanceTo(want.Add(-time.Microsecond))
			if n := len(s.Mails()); n != 0 {
				t.Error("sent too early")
			}
			s.AdvanceTo(want)
			if n := len(s.Mails()); n != 1 {
				t.Errorf("%d mails", n)
			}
		})
	}
}

// A wait of days is what looking at the clock every minute gives.
func TestWaitDaysSameAsLooking(t *testing.T) {
	zones := []string{
		"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Africa/Casablanca", "Asia/Tehran",
		"Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns", "Europe/London", "Asia/Tokyo",
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(rt, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			rt.Fatal(err)
		}
		start := time.Date(2009, 1, 1, 0, rapid.IntRange(0, 30*365*24*60).Draw(rt, "minute"), 0, 0, time.UTC)
		days := rapid.IntRange(1, 400).Draw(rt, "days")
		// Most of the time, wait for a day on which the clocks move.
		if _, moves := start.In(zone).ZoneBounds(); !moves.IsZero() && rapid.IntRange(0, 3).Draw(rt, "near") > 0 {
			start = moves.Add(time.Duration(rapid.IntRange(-120, 120).Draw(rt, "minutes off"))*time.Minute - time.Duration(days)*aDay)
		}
		s := waiting(rt, start, days, name)
		runs := s.Customer("c").Enrollments
		want := daysLater(start, days, zone)
		if len(runs) != 1 || !runs[0].Due.Equal(want) {
			rt.Fatalf("%d days from %v in %s: %v, want %v", days, start.In(zone), name, runs, want.In(zone))
		}
	})
}
