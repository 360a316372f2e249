package crm_test

import (
	"slices"
	"time"

	"github.com/goen-crm/crm"
)

// A ladderOrder is what the ladder's reference wants to know of an order.
type ladderOrder struct {
	at        time.Time // since when it is a purchase, zero if never
	renewal   bool      // it does not count as one more purchase
	gross     int64
	cancelled time.Time
	refunds   []crm.Refund
}

// worth is what the order is worth at t, by what is known then.
func (o ladderOrder) worth(t time.Time) (int64, bool) {
	if o.at.IsZero() || o.at.After(t) || (!o.cancelled.IsZero() && !o.cancelled.After(t)) {
		return 0, false
	}
	left := o.gross
	for _, r := range o.refunds {
		if !r.At.After(t) {
			left -= r.Amount.Minor
			if r.Whole || left <= 0 {
				return 0, false
			}
		}
	}
	return left, true
}

// climb is the ladder, day by day: it goes through all days from the first
// purchase on and does what each of them brings, purchases and reviews, in
// order of time; a review goes before a purchase at the same instant.
type climb struct {
	ladder crm.Ladder
	orders []ladderOrder
	base   crm.Baseline
	zone   *time.Location

	standing crm.Standing
	grace    bool
}

func (c climb) to(until time.Time) crm.Standing {
	var purchases []time.Time
	for _, o := range c.orders {
		if !o.at.IsZero() && !o.at.After(until) {
			purchases = append(purchases, o.at)
		}
	}
	if len(purchases) == 0 {
		return crm.Standing{}
	}
	slices.SortFunc(purchases, time.Time.Compare)
	for day := purchases[0].Truncate(24 * time.Hour); !day.After(until); day = day.Add(24 * time.Hour) {
		end := day.Add(24 * time.Hour)
		for {
			review, purchase := c.standing.Review, time.Time{}
			if len(purchases) > 0 {
				purchase = purchases[0]
			}
			switch {
			case !review.IsZero() && review.Before(end) && !review.After(until) && (purchase.IsZero() || !review.After(purchase)):
				c.review(review)
				continue
			case !purchase.IsZero() && purchase.Before(end):
				purchases = purchases[1:]
				c.purchase(purchase)
				continue
			}
			break
		}
	}
	return c.standing
}

// purchase: she may be promoted, or, in days of grace, keep what she has.
func (c *climb) purchase(at time.Time) {
	earned := c.earned(at, at)
	if c.place(earned) > c.place(c.standing.Rank) {
		c.move(at, earned)
		c.confirm(at)
	} else if c.grace && earned == c.standing.Rank {
		c.confirm(at)
	}
}

// review judges the time before it.
func (c *climb) review(at time.Time) {
	earned := c.earned(at, at.Add(-time.Microsecond))
	switch {
	case c.place(earned) > c.place(c.standing.Rank):
		c.move(at, earned)
		c.confirm(at)
	case earned == c.standing.Rank:
		c.confirm(at)
	case c.ladder.GraceDays > 0 && !c.grace:
		c.grace = true
		c.standing.Review = daysLater(at, c.ladder.GraceDays, c.zone)
	default:
		c.move(at, earned)
		c.confirm(at)
	}
}

func (c *climb) move(at time.Time, to string) {
	c.standing.Moves = append(c.standing.Moves, crm.RankMove{At: at, From: c.standing.Rank, To: to})
	c.standing.Rank, c.standing.Since = to, at
}

// confirm sets the next review of the rank she has.
func (c *climb) confirm(at time.Time) {
	c.grace = false
	c.standing.Review = time.Time{}
	if c.standing.Rank == "" {
		return
	}
	switch c.ladder.Window {
	case crm.RollingWindow:
		c.standing.Review = daysLater(at, c.ladder.Days, c.zone)
	case crm.LifetimeWindow:
		c.standing.Review = daysLater(at, 365, c.zone)
	case crm.CalendarWindow:
		c.standing.Review = time.Date(at.In(c.zone).Year()+1, time.January, 1, 0, 0, 0, 0, c.zone).UTC()
	}
}

// earned is the highest rank whose threshold the purchases up to until reach,
// by what was known at known.
func (c *climb) earned(known, until time.Time) string {
	var amount, count int64
	if c.ladder.Window == crm.LifetimeWindow {
		amount, count = c.base.Amount.Minor, int64(c.base.Orders)
	}
	var opens time.Time
	if c.ladder.Window == crm.RollingWindow {
		opens = daysLater(known, -c.ladder.Days, c.zone)
	}
	for _, o := range c.orders {
		left, ok := o.worth(known)
		if !ok || o.at.After(until) {
			continue
		}
		in := true
		switch c.ladder.Window {
		case crm.RollingWindow:
			in = o.at.After(opens)
		case crm.CalendarWindow:
			year, this := o.at.In(c.zone).Year(), until.In(c.zone).Year()
			in = year == this || (c.grace && year == this-1)
		}
		if in {
			amount += left
			if !o.renewal {
				count++
			}
		}
	}
	value := amount
	if c.ladder.Measure == crm.RankByCount {
		value = count
	}
	rank := ""
	for _, r := range c.ladder.Ranks {
		if value >= r.AtLeast {
			rank = r.ID
		}
	}
	return rank
}

func (c *climb) place(rank string) int {
	return slices.IndexFunc(c.ladder.Ranks, func(r crm.RankStep) bool { return r.ID == rank })
}

// daysLater finds the same time of day n days later by looking at every minute
// around it: of a time shown twice the first, of one that is skipped the next.
func daysLater(t time.Time, n int, zone *time.Location) time.Time {
	local := t.In(zone)
	y, m, d := local.Date()
	wall := time.Date(y, m, d+n, local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC)
	shows := func(t time.Time) time.Time {
		l := t.In(zone)
		y, m, d := l.Date()
		return time.Date(y, m, d, l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), time.UTC)
	}
	if _, offset := local.Zone(); shows(wall.Add(-time.Duration(offset)*time.Second)).Equal(wall) && zone.String() == "Asia/Tokyo" {
		return wall.Add(-time.Duration(offset) * time.Second) // no clock in Tokyo has moved since 1951
	}
	for t := wall.Add(-26 * time.Hour); ; t = t.Add(time.Minute) {
		switch at := shows(t); {
		case at.Equal(wall):
			return t.UTC()
		case at.After(wall): // the clocks went over it: find the second they did
			for shows(t.Add(-time.Second)).After(wall) {
				t = t.Add(-time.Second)
			}
			return t.UTC().Truncate(time.Second)
		}
	}
}
