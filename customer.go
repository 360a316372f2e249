package crm

import (
	"time"

	"golang.org/x/text/language"
)

// A Profile is what is known of a customer beyond her orders and carts.
type Profile struct {
	Email      string            `json:"email,omitempty"`
	Phone      string            `json:"phone,omitempty"`
	FamilyName string            `json:"family_name,omitempty"`
	GivenName  string            `json:"given_name,omitempty"`
	FamilyKana string            `json:"family_kana,omitempty"` // FamilyKana is how the family name is read.
	GivenKana  string            `json:"given_kana,omitempty"`
	Birthday   Birthday          `json:"birthday,omitzero"`
	Sex        string            `json:"sex,omitempty"` // Sex is whatever the shop records.
	Prefecture int               `json:"prefecture,omitempty"`
	Address    string            `json:"address,omitempty"`
	Locale     string            `json:"locale,omitempty"`    // Locale is a BCP 47 tag such as "ja" or "en-GB".
	TimeZone   string            `json:"time_zone,omitempty"` // TimeZone is an IANA name such as "Asia/Tokyo".
	Tags       []string          `json:"tags,omitempty"`      // Tags are sorted.
	Attributes map[string]string `json:"attributes,omitempty"`
	Source     Source            `json:"source,omitzero"`
	Registered time.Time         `json:"registered,omitzero"` // Registered is when she opened her account.
	Withdrawn  time.Time         `json:"withdrawn,omitzero"`  // Withdrawn is when she closed it. It is not erasure.
	Hold       bool              `json:"hold,omitempty"`      // Hold stops marketing, as while a complaint is open.
	Baseline   Baseline          `json:"baseline,omitzero"`
}

// A Birthday is a month and day, and the year if she told it.
type Birthday struct {
	Month time.Month `json:"month"`
	Day   int        `json:"day"`
	Year  int        `json:"year,omitempty"`
}

// A Source is how a customer was won.
type Source struct {
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	AdCode   string `json:"ad_code,omitempty"`
	Landing  string `json:"landing,omitempty"` // Landing is the URL of the first page.
}

// A Baseline is what a customer had bought before goen was told of her orders,
// so that a customer of ten years is not taken for a first buyer.
type Baseline struct {
	Orders     int       `json:"orders"`
	Amount     Money     `json:"amount"`
	FirstOrder time.Time `json:"first_order,omitzero"`
	LastOrder  time.Time `json:"last_order,omitzero"`
}

// A CustomerPatch changes the fields that are set and leaves the others: give a
// value with new("Hanako"), clear one with new("") or the pointer to a zero value.
type CustomerPatch struct {
	Email      *string    `json:"email,omitempty"`
	Phone      *string    `json:"phone,omitempty"`
	FamilyName *string    `json:"family_name,omitempty"`
	GivenName  *string    `json:"given_name,omitempty"`
	FamilyKana *string    `json:"family_kana,omitempty"`
	GivenKana  *string    `json:"given_kana,omitempty"`
	Birthday   *Birthday  `json:"birthday,omitempty"`
	Sex        *string    `json:"sex,omitempty"`
	Prefecture *int       `json:"prefecture,omitempty"` // Prefecture is a JIS X 0401 code, 1 (Hokkaido) to 47 (Okinawa), or 0.
	Address    *string    `json:"address,omitempty"`
	Locale     *string    `json:"locale,omitempty"`
	TimeZone   *string    `json:"time_zone,omitempty"`
	Source     *Source    `json:"source,omitempty"`
	Registered *time.Time `json:"registered,omitempty"`
	Withdrawn  *time.Time `json:"withdrawn,omitempty"`
	Hold       *bool      `json:"hold,omitempty"`
	Baseline   *Baseline  `json:"baseline,omitempty"`
	// Rank is the rank that the cart gives her, for shops whose ladder is
	// [RankGiven].
	Rank *string `json:"rank,omitempty"`
	// Tags to put on and to take off.
	AddTags    []string `json:"add_tags,omitempty"`
	RemoveTags []string `json:"remove_tags,omitempty"`
	// Attributes to set; an empty value takes one away.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Validate reports the first field that cannot be stored. A mail address may be
// broken: it is kept and marked unmailable.
func (p CustomerPatch) Validate() error {
	var c check
	p.check(&c)
	return c.err()
}

func (p CustomerPatch) check(c *check) {
	if p.Email != nil {
		c.text("Email", *p.Email, MaxName)
	}
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"Phone", p.Phone}, {"FamilyName", p.FamilyName}, {"GivenName", p.GivenName},
		{"FamilyKana", p.FamilyKana}, {"GivenKana", p.GivenKana}, {"Sex", p.Sex}, {"Rank", p.Rank},
	} {
		if f.value != nil {
			c.label(f.name, *f.value, MaxName)
		}
	}
	if p.Address != nil {
		c.text("Address", *p.Address, MaxText)
	}
	if p.Birthday != nil && *p.Birthday != (Birthday{}) && !p.Birthday.valid() {
		c.add("Birthday", ErrRange)
	}
	if p.Prefecture != nil && (*p.Prefecture < 0 || *p.Prefecture > 47) {
		c.add("Prefecture", ErrRange)
	}
	if p.Locale != nil && *p.Locale != "" {
		if _, err := language.Parse(*p.Locale); err != nil {
			c.add("Locale", ErrUnknown)
		}
	}
	if p.TimeZone != nil && *p.TimeZone != "" {
		if _, err := loadZone(*p.TimeZone); err != nil {
			c.add("TimeZone", ErrUnknown)
		}
	}
	if p.Source != nil {
		c.label("Source.Medium", p.Source.Medium, MaxName)
		c.label("Source.Campaign", p.Source.Campaign, MaxName)
		c.label("Source.AdCode", p.Source.AdCode, MaxName)
		c.label("Source.Landing", p.Source.Landing, MaxURL)
	}
	if p.Registered != nil {
		c.time("Registered", *p.Registered)
	}
	if p.Withdrawn != nil {
		c.time("Withdrawn", *p.Withdrawn)
	}
	if p.Baseline != nil {
		c.time("Baseline.FirstOrder", p.Baseline.FirstOrder)
		c.time("Baseline.LastOrder", p.Baseline.LastOrder)
		c.quantity("Baseline.Orders", p.Baseline.Orders)
		c.price("Baseline.Amount", p.Baseline.Amount)
	}
	if len(p.AddTags)+len(p.RemoveTags) > MaxAttributes {
		c.add("AddTags", ErrTooLong)
		return
	}
	for _, tag := range p.AddTags {
		c.id("AddTags", tag)
	}
	for _, tag := range p.RemoveTags {
		c.id("RemoveTags", tag)
	}
	c.attributes("Attributes", p.Attributes)
}

func (b Birthday) valid() bool {
	if b.Month < time.January || b.Month > time.December || b.Day < 1 || b.Year < 0 || b.Year > 9999 {
		return false
	}
	year := b.Year
	if year == 0 {
		year = 2000 // a leap year: without a year, 29 February may be one
	}
	return time.Date(year, b.Month, b.Day, 0, 0, 0, 0, time.UTC).Day() == b.Day
}

// A Customer is a customer's picture: what all facts recorded about her add up
// to, those not yet folded by a worker included.
type Customer struct {
	// ID is the cart's own id, or for a guest [GuestKey] of her address.
	ID    string `json:"id"`
	Guest bool   `json:"guest,omitempty"` // Guest reports that she has no account.
	Profile
	// Mailable reports whether mail can be sent to Email: an address that is
	// broken or hidden behind a mall's mask cannot be used.
	Mailable bool `json:"mailable"`
	// Consents are the latest answers, one for each address and topic. Their
	// Email is empty: answers are kept under a digest of it.
	Consents []Consent `json:"consents,omitempty"`
	// Orders are in order of PlacedAt.
	Orders []PlacedOrder `json:"orders,omitempty"`
	// Carts are those that wait to be bought, in order of UpdatedAt.
	Carts []Cart `json:"carts,omitempty"`
	// Purchases sums up the orders that count, the baseline included.
	Purchases Purchases `json:"purchases"`
	Rank      Standing  `json:"rank,omitzero"`
	// Enrollments are her runs of journeys that are under way.
	Enrollments []Enrollment `json:"enrollments,omitempty"`
}

// Purchases sums up the orders of a customer that count as bought, net of
// cancellations and refunds. The renewals of a subscription are in its amounts
// and times.
type Purchases struct {
	Count    int       `json:"count"` // Count leaves renewals out.
	Amount   Money     `json:"amount,omitzero"`
	Smallest Money     `json:"smallest,omitzero"` // Smallest and Largest leave the baseline out.
	Largest  Money     `json:"largest,omitzero"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
}

// An Enrollment is one customer's run of a journey.
type Enrollment struct {
	ID      string    `json:"id"`
	Journey string    `json:"journey"`
	Version int       `json:"version"`
	Order   string    `json:"order,omitempty"` // Order and Cart are what the run is about, if anything.
	Cart    string    `json:"cart,omitempty"`
	Since   time.Time `json:"since"`
	Step    string    `json:"step"` // Step is the wait she is in.
	Due     time.Time `json:"due"`  // Due is when it ends.
}
