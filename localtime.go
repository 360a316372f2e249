package crm

import "time"

// localTime returns the instant of a wall-clock time in a zone. Out-of-range
// values are carried over as time.Date does. A time that the clocks skip
// becomes the next instant there is; of one that they show twice, the first.
func localTime(year int, month time.Month, day int, sinceMidnight time.Duration, zone *time.Location) time.Time {
	wall := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(sinceMidnight)
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first := wall.Add(-time.Duration(max(before, after)) * time.Second)
	second := wall.Add(-time.Duration(min(before, after)) * time.Second)
	for _, t := range []time.Time{first, second} {
		if _, offset := t.In(zone).Zone(); t.Add(time.Duration(offset) * time.Second).Equal(wall) {
			return instant(t)
		}
	}
	skipped, _ := second.In(zone).ZoneBounds()
	return instant(skipped)
}

// addDays returns the same time of day n calendar days after t, in a zone.
func addDays(t time.Time, n int, zone *time.Location) time.Time {
	local := t.In(zone)
	hour, minute, second := local.Clock()
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(local.Nanosecond())
	return localTime(local.Year(), local.Month(), local.Day()+n, clock, zone)
}
