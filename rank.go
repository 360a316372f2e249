package crm

import (
	"slices"
	"time"
)

// A RankMeasure is what a ladder looks at.
type RankMeasure string

// The measures of a ladder.
const (
	RankByAmount RankMeasure = "amount" // net revenue in the window, in minor units of the shop's currency
	RankByCount  RankMeasure = "count"  // purchases in the window, without renewals
	RankGiven    RankMeasure = "given"  // the cart decides: see CustomerPatch.Rank
)

// A RankWindow is the stretch of time whose purchases count.
type RankWindow string

// The windows of a ladder.
const (
	RollingWindow  RankWindow = "rolling"  // the last Days days
	CalendarWindow RankWindow = "calendar" // the calendar year, in the shop's time zone
	LifetimeWindow RankWindow = "lifetime" // everything, the baseline included
)

// A Ladder is a shop's loyalty ranks (会員ランク). A customer who reaches a
// threshold is promoted at once. A rank once reached holds until its review
// date; if its threshold is no longer met then, nor when Grace has passed
// after it, she moves down to the rank she qualifies for.
//
// Review dates: with a rolling window, Days after the promotion or the last
// review; with a calendar window, each 1 January, for the year that ended; with
// a lifetime window, every 365 days. A given rank has none.
type Ladder struct {
	Measure RankMeasure `json:"measure"`
	Window  RankWindow  `json:"window,omitempty"` // Window is ignored for RankGiven.
	// Days is the length of a rolling window, 1 to 3660.
	Days int `json:"days,omitempty"`
	// GraceDays is how many days a rank is kept after a review that it did not
	// pass, 0 to 366. Defaults to 0.
	GraceDays int `json:"grace_days,omitempty"`
	// Ranks go from lowest to highest. A customer below the first has rank "".
	Ranks []RankStep `json:"ranks"`
}

// A RankStep is one rank of a ladder.
type RankStep struct {
	ID string `json:"id"`
	// Name is what customers see. Defaults to ID.
	Name string `json:"name,omitempty"`
	// AtLeast is the threshold: a number of purchases, or an amount in minor
	// units of the shop's currency. It grows from rank to rank.
	AtLeast int64 `json:"at_least"`
}

// A Standing is a customer's place on the ladder.
type Standing struct {
	Rank   string     `json:"rank"`  // Rank is "" below the first rank.
	Since  time.Time  `json:"since"` // Since is when she got to it.
	Review time.Time  `json:"review,omitzero"`
	Moves  []RankMove `json:"moves,omitempty"` // Moves are in order of time.
}

// A RankMove is one step up or down.
type RankMove struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	To   string    `json:"to"`
}

// Validate reports everything that is wrong with l, as a [PublishError].
func (l Ladder) Validate() error {
	var c check
	switch l.Measure {
	case RankByAmount, RankByCount:
		switch l.Window {
		case RollingWindow:
			if l.Days < 1 || l.Days > 3660 {
				c.addf("Days", ErrRange, "must be 1 to 3660")
			}
		case CalendarWindow, LifetimeWindow:
		default:
			c.add("Window", ErrUnknown)
		}
	case RankGiven:
	default:
		c.add("Measure", ErrUnknown)
	}
	if l.GraceDays < 0 || l.GraceDays > 366 {
		c.addf("GraceDays", ErrRange, "must be 0 to 366")
	}
	if len(l.Ranks) == 0 || len(l.Ranks) > 100 {
		c.addf("Ranks", ErrRange, "must be 1 to 100")
	}
	seen := make(map[string]bool)
	c.each("Ranks", len(l.Ranks), func(i int) {
		r := l.Ranks[i]
		c.id("ID", r.ID)
		c.label("Name", r.Name, MaxName)
		if seen[r.ID] {
			c.add("ID", ErrDuplicate)
		}
		seen[r.ID] = true
		if l.Measure == RankGiven {
			return
		}
		if r.AtLeast < 1 || (i > 0 && r.AtLeast <= l.Ranks[i-1].AtLeast) {
			c.addf("AtLeast", ErrRange, "must grow from rank to rank, from 1")
		}
	})
	if len(c.problems) > 0 {
		return &PublishError{Kind: kindLadder, ID: ladderID, Problems: c.problems}
	}
	return nil
}

// index returns the place of a rank, -1 for none.
func (l *Ladder) index(rank string) int {
	if l == nil {
		return -1
	}
	return slices.IndexFunc(l.Ranks, func(r RankStep) bool { return r.ID == rank })
}

// rankInput is all that a standing depends on.
type rankInput struct {
	orders map[string]*orderState
	base   Baseline
	given  map[string]givenRank
	zone   *time.Location
}

// standing replays a customer's purchases up to t. It is a function of what
// happened and of nothing else, so late and corrected facts lead to the same.
func (l *Ladder) standing(in rankInput, t time.Time) Standing {
	if l.Measure == RankGiven {
		return l.standingGiven(in, t)
	}
	var s Standing
	grace := false
	instants := purchaseInstants(in.orders, t)
	if last := in.base.LastOrder; l.Window == LifetimeWindow && !last.IsZero() && !last.After(t) {
		instants = append([]time.Time{instant(last)}, instants...) // before all that goen was told of
	}
	for len(instants) > 0 || (!s.Review.IsZero() && !s.Review.After(t)) {
		review := !s.Review.IsZero() && (len(instants) == 0 || !s.Review.After(instants[0]))
		var at time.Time
		if review {
			at = s.Review
		} else {
			at, instants = instants[0], instants[1:]
		}
		until := at
		if review {
			until = at.Add(-time.Microsecond) // 1 January judges the year that ended
		}
		earned := l.qualifies(in, at, until, grace)
		switch {
		case l.index(earned) > l.index(s.Rank):
			s.move(at, earned)
		case !review && !(grace && earned == s.Rank):
			continue // between reviews a rank holds
		case earned == s.Rank:
			// Confirmed until the next review.
		case !grace && l.GraceDays > 0:
			s.Review, grace = addDays(at, l.GraceDays, in.zone), true
			continue
		default:
			s.move(at, earned)
		}
		grace = false
		s.Review = time.Time{}
		if s.Rank != "" {
			s.Review = l.nextReview(at, in.zone)
		}
	}
	return s
}

func (l *Ladder) standingGiven(in rankInput, t time.Time) Standing {
	var s Standing
	facts := sortedKeys(in.given)
	slices.SortStableFunc(facts, func(a, b string) int { return in.given[a].Time.Compare(in.given[b].Time) })
	for _, fact := range facts {
		if g := in.given[fact]; !g.Time.After(t) && g.Rank != s.Rank {
			s.move(g.Time, g.Rank)
		}
	}
	return s
}

func (s *Standing) move(at time.Time, to string) {
	s.Moves = append(s.Moves, RankMove{At: at, From: s.Rank, To: to})
	s.Rank, s.Since = to, at
}

// qualifies returns the rank that the window ending at until earns, by what is
// known at known. In a calendar ladder's days of grace the year before counts
// too.
func (l *Ladder) qualifies(in rankInput, known, until time.Time, grace bool) string {
	var from time.Time
	value := int64(0)
	switch l.Window {
	case RollingWindow:
		from = addDays(known, -l.Days, in.zone) // what earned the rank is out of its first review
	case CalendarWindow:
		year := until.In(in.zone).Year()
		if grace {
			year--
		}
		from = time.Date(year, 1, 1, 0, 0, 0, 0, in.zone).Add(-time.Microsecond)
	case LifetimeWindow:
		value = in.base.Amount.Minor
		if l.Measure == RankByCount {
			value = int64(in.base.Orders)
		}
	}
	for _, p := range purchasesAt(in.orders, known) {
		if !p.at.After(from) || p.at.After(until) {
			continue
		}
		switch {
		case l.Measure == RankByAmount:
			value += p.net
		case p.sale:
			value++
		}
	}
	rank := ""
	for _, r := range l.Ranks {
		if value >= r.AtLeast {
			rank = r.ID
		}
	}
	return rank
}

// nextReview is when a rank got or confirmed at t is looked at next.
func (l *Ladder) nextReview(t time.Time, zone *time.Location) time.Time {
	switch l.Window {
	case CalendarWindow:
		return instant(time.Date(t.In(zone).Year()+1, 1, 1, 0, 0, 0, 0, zone))
	case RollingWindow:
		return addDays(t, l.Days, zone)
	}
	return addDays(t, 365, zone)
}

// purchaseInstants are the distinct instants up to t at which an order began to
// count, whatever became of it later.
func purchaseInstants(orders map[string]*orderState, t time.Time) []time.Time {
	var list []time.Time
	for _, o := range orders {
		if at := o.counted(); !at.IsZero() && !at.After(t) {
			list = append(list, at)
		}
	}
	slices.SortFunc(list, time.Time.Compare)
	return slices.CompactFunc(list, time.Time.Equal)
}

func (r RankStep) name() string {
	if r.Name == "" {
		return r.ID
	}
	return r.Name
}

// rankLabel is a rank's id in the decision log.
func rankLabel(rank string) string {
	if rank == "" {
		return "none"
	}
	return rank
}
