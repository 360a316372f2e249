package crm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// coreVersion is the version of the documents that this core writes. It reads
// all earlier ones and refuses later ones.
const coreVersion = 1

// customerState is the core's document of a customer. What facts say is kept
// in registers and sets that come out the same in whichever order the facts
// arrive; what was decided (Runs, Enrollments, Rank) stands.
type customerState struct {
	Core int `json:"core"`

	// Owner is the customer that a guest or a cart turned out to belong to.
	Owner string `json:"owner,omitempty"`
	// Links are the customers that were seen with a guest's address or a
	// cart, each with the first fact that said so.
	Links map[string]stamp `json:"links,omitempty"`
	// Tell, of an address with more links than are told at once, is the place
	// of the next, in order of key from 1, to hear its latest answer about
	// mail. 0 once all have.
	Tell int `json:"tell,omitempty"`
	// Places are the keys of the addresses and carts that a customer was seen
	// with, each with the last fact that said so: facts that come in under one
	// of them are hers, or near her.
	Places map[string]stamp `json:"places,omitempty"`
	// Erased is the latest request to forget. Older facts are swallowed.
	Erased stamp `json:"erased,omitzero"`

	Said     sayings                 `json:"said,omitempty"`     // of her fields
	Consents map[string]consentState `json:"consents,omitempty"` // by topic and address; under no address, her latest of all
	Carts    map[string]*cartState   `json:"carts,omitempty"`
	// Given are the ranks that the cart gave, by fact.
	Given map[string]givenRank `json:"given,omitempty"`
	// Near are orders of others that share this customer's address or cart.
	Near map[string]*orderState `json:"near,omitempty"`

	Rank        string               `json:"rank,omitempty"`
	Ranked      time.Time            `json:"ranked,omitzero"` // up to when Rank was worked out
	Place       *place               `json:"place,omitempty"`
	Runs        map[string]runMemory `json:"runs,omitempty"` // by journey
	Enrollments []*enrollment        `json:"enrollments,omitempty"`
}

type consentState struct {
	Consent
	At stamp `json:"at"`
}

type cartState struct {
	Cart
	At stamp `json:"at"`
	// Gone reports that somebody else went on with the cart, at At.
	Gone bool `json:"gone,omitempty"`
	// Known is since when it is known whose cart it is, zero if it always was.
	Known time.Time `json:"known,omitzero"`
	// Imported says that its last change was imported: that starts nothing.
	Imported bool `json:"imported,omitempty"`
	// Emptied is when it was last seen with nothing in it: orders from before
	// have nothing to do with what is in it now.
	Emptied time.Time `json:"emptied,omitzero"`
	// Fired is, by journey, for which change of the cart it was last found
	// abandoned.
	Fired map[string]time.Time `json:"fired,omitempty"`
}

type givenRank struct {
	Time time.Time `json:"t"`
	Rank string    `json:"rank"`
}

// A place is where a customer stands on the ladder by all that was taken in. It
// is kept so that a wait that ends needs none of her orders.
type place struct {
	Defs   int64     `json:"defs"` // the revision of the definitions that it was worked out by
	Rank   string    `json:"rank,omitempty"`
	Review time.Time `json:"review,omitzero"`
}

// runMemory is what re-entry rules ask for.
type runMemory struct {
	Count int       `json:"n"`
	Ended time.Time `json:"ended,omitzero"`
	// Order is the order that ended the last run: if its payment fails, the
	// run does not stand in the way of the next.
	Order string `json:"order,omitempty"`
}

// An enrollment is a run of a journey.
type enrollment struct {
	ID      string         `json:"id"`
	Journey string         `json:"journey"`
	Version int            `json:"version"`
	Order   string         `json:"order,omitempty"`
	Cart    string         `json:"cart,omitempty"`
	CartKey string         `json:"cart_key,omitempty"`
	From    time.Time      `json:"from"` // facts before it do not end the run
	Since   time.Time      `json:"since"`
	Step    string         `json:"step,omitempty"` // the wait it is in
	Due     time.Time      `json:"due,omitzero"`
	Visits  map[string]int `json:"visits,omitempty"`
	Mails   int            `json:"mails,omitempty"` // queued and not taken back
	// Done reports that it came to its end. It is kept while one of its
	// messages is still queued, so that its exit rules still stop that.
	Done bool `json:"done,omitempty"`
}

// state reads a customer's document, of which there may be none yet.
func (d *document) state(b []byte) (*customerState, error) {
	s := new(customerState)
	if len(b) > 0 {
		if err := d.decode(b, s); err != nil {
			return nil, fmt.Errorf("crm: customer state: %w", err)
		}
		if s.Core > coreVersion {
			return nil, fmt.Errorf("crm: customer state was written by a newer core (%d, this is %d)", s.Core, coreVersion)
		}
	}
	s.Core = coreVersion
	return s, nil
}

// set takes over a field's value that a fact gave.
func (s *customerState) set(field string, v any, at stamp) {
	raw, err := json.Marshal(v)
	if err != nil {
		return // values come from decoded JSON
	}
	s.Said.say(field, raw, at)
}

// link records that customer was seen with this address or cart.
func (s *customerState) link(customer string, at stamp) {
	if old, ok := s.Links[customer]; !ok || old.after(at) {
		put(&s.Links, customer, at)
	}
}

// listeners are the next who are to hear an address's latest answer.
func (s *customerState) listeners() []string {
	if s.Tell == 0 {
		return nil
	}
	keys := sortedKeys(s.Links)
	from := min(s.Tell-1, len(keys))
	return keys[from:min(from+maxLinks, len(keys))]
}

// told notes that the listeners have heard.
func (s *customerState) told() {
	if s.Tell == 0 {
		return
	}
	if s.Tell += maxLinks; s.Tell > len(s.Links) {
		s.Tell = 0
	}
}

// maxPlaces bounds how many addresses and carts are asked for facts whenever a
// customer is folded.
const maxPlaces = 16

// meet records that this customer was seen with an address or cart.
func (s *customerState) meet(place string, at stamp) {
	if at.after(s.Places[place]) {
		put(&s.Places, place, at)
	}
	if len(s.Places) > maxPlaces {
		places := latest(s.Places)
		// Carts come and go; an address goes on to be answered for.
		carts := slices.DeleteFunc(slices.Clone(places), isGuest)
		places = append(slices.DeleteFunc(places, isCart), carts...)
		for _, old := range places[maxPlaces:] {
			delete(s.Places, old)
		}
	}
}

func consentKey(address, topic string) string { return topic + "\n" + address }

func (s *customerState) consent(address string, c Consent, at stamp) {
	c.Email = "" // the key says whose it is, and outlives erasure
	key := consentKey(address, c.Topic)
	next := consentState{c, at}
	if old, ok := s.Consents[key]; ok && !next.replaces(old) {
		return
	}
	put(&s.Consents, key, next)
}

// replaces reports whether c is a later answer than old. Of a yes and a no at
// one instant the no holds: shops with clocks by the second mean well.
func (c consentState) replaces(old consentState) bool {
	if c.At.Time.Equal(old.At.Time) && c.Granted != old.Granted {
		return !c.Granted
	}
	return c.At.after(old.At)
}

// shareConsents takes over what another customer's answers say about address.
func (s *customerState) shareConsents(from *customerState, address string) {
	for key, c := range from.Consents {
		if key == consentKey(address, c.Topic) && from.answered(c) {
			s.consent(address, c.Consent, c.At)
		}
	}
}

// answered reports whether an answer still holds: an erasure leaves an opt-out,
// and no grant.
func (s *customerState) answered(c consentState) bool { return !c.Granted || c.At.after(s.Erased) }

// cart takes over a later version of a cart and reports whether it is one. If
// it is gone, somebody else has it: what is kept then is that she has not.
func (s *customerState) cart(c Cart, at stamp, gone bool) bool {
	old := s.Carts[c.ID]
	next := &cartState{Cart: c, At: at, Gone: gone}
	if old != nil {
		next.Fired, next.Known, next.Emptied = old.Fired, old.Known, old.Emptied
	}
	if old != nil && !next.replaces(old) {
		return false
	}
	next.UpdatedAt = at.Time
	if gone {
		next.Items, next.RecoveryURL = nil, ""
	}
	put(&s.Carts, c.ID, next)
	return true
}

// replaces reports whether c is what the cart is like now, and old what it was.
func (c *cartState) replaces(old *cartState) bool {
	order := cmp.Or(c.At.Time.Compare(old.At.Time), cmp.Compare(c.Revision, old.Revision), cmp.Compare(c.At.Fact, old.At.Fact))
	return order > 0 || (order == 0 && old.Gone && !c.Gone) // one fact, seen from both sides
}

// maxCarts bounds how many carts of a customer are remembered.
const maxCarts = 20

// prune forgets carts, neighbours' orders and ended runs that nothing can
// depend on any more: those are awaited of which a message may still go out.
func (s *customerState) prune(awaited func(*enrollment) bool) {
	s.Enrollments = slices.DeleteFunc(s.Enrollments, func(e *enrollment) bool { return e.Done && !awaited(e) })
	if len(s.Carts) > maxCarts {
		ids := sortedKeys(s.Carts)
		slices.SortStableFunc(ids, func(a, b string) int { return s.Carts[a].At.compare(s.Carts[b].At) })
		for _, id := range ids[:len(ids)-maxCarts] {
			delete(s.Carts, id)
		}
	}
	if len(s.Near) > maxCarts {
		ids := sortedKeys(s.Near)
		slices.SortStableFunc(ids, func(a, b string) int { return s.Near[a].At.compare(s.Near[b].At) })
		for _, id := range ids[:len(ids)-maxCarts] {
			delete(s.Near, id)
		}
	}
}

// absorb takes over everything of a guest or cart that turned out to be this
// customer. Links and the guest's own consents stay where they are: they are
// about the address.
func (s *customerState) absorb(o *customerState) {
	for _, said := range o.Said {
		for field, value := range said.Values {
			s.Said.say(field, value, said.At)
		}
	}
	for key, c := range o.Consents {
		if old, ok := s.Consents[key]; o.answered(c) && (!ok || c.replaces(old)) {
			put(&s.Consents, key, c)
		}
	}
	for id, c := range o.Carts {
		newer := s.cart(c.Cart, c.At, c.Gone)
		mine := s.Carts[id]
		if newer {
			mine.Imported = c.Imported
		}
		mine.Known = c.Known
		if c.Emptied.After(mine.Emptied) {
			mine.Emptied = c.Emptied
		}
		for journey, t := range c.Fired {
			if t.After(mine.Fired[journey]) {
				put(&mine.Fired, journey, t)
			}
		}
	}
	for id, order := range o.Near {
		if mine, ok := s.Near[id]; ok {
			mine.merge(order)
		} else {
			put(&s.Near, id, order)
		}
	}
	for place, at := range o.Places {
		s.meet(place, at)
	}
	for fact, g := range o.Given {
		put(&s.Given, fact, g)
	}
	for journey, run := range o.Runs {
		mine := s.Runs[journey]
		mine.Count += run.Count
		if run.Ended.After(mine.Ended) {
			mine.Ended, mine.Order = run.Ended, run.Order
		}
		put(&s.Runs, journey, mine)
	}
	s.Enrollments = append(s.Enrollments, o.Enrollments...)
	s.Place = nil
	o.forget()
}

// forget empties the document but for what is about its key, not its person.
func (s *customerState) forget() {
	*s = customerState{Core: s.Core, Owner: s.Owner, Links: s.Links, Tell: s.Tell, Erased: s.Erased, Consents: s.Consents}
}

func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[k] = v
}

// profile reads the fields.
func (s *customerState) profile() Profile {
	var p Profile
	for field, value := range s.Said.all() {
		if place := p.place(field); place != nil {
			readValue(value, place)
		} else if tag, ok := cutPrefix(field, tagField); ok {
			if string(value) == "true" {
				p.Tags = append(p.Tags, tag)
			}
		} else if name, ok := cutPrefix(field, attributeField); ok {
			var v string
			if readValue(value, &v) && v != "" {
				put(&p.Attributes, name, v)
			}
		}
	}
	slices.Sort(p.Tags)
	if p.Email == "" {
		p.Email = s.email()
	}
	return p
}

// place is where the profile has one of the fields of CustomerPatch.
func (p *Profile) place(field string) any {
	switch field {
	case "email":
		return &p.Email
	case "phone":
		return &p.Phone
	case "family_name":
		return &p.FamilyName
	case "given_name":
		return &p.GivenName
	case "family_kana":
		return &p.FamilyKana
	case "given_kana":
		return &p.GivenKana
	case "birthday":
		return &p.Birthday
	case "sex":
		return &p.Sex
	case "prefecture":
		return &p.Prefecture
	case "address":
		return &p.Address
	case "locale":
		return &p.Locale
	case "time_zone":
		return &p.TimeZone
	case "source":
		return &p.Source
	case "registered":
		return &p.Registered
	case "withdrawn":
		return &p.Withdrawn
	case "hold":
		return &p.Hold
	case "baseline":
		return &p.Baseline
	}
	return nil
}

// Fields beside those of CustomerPatch.
const (
	tagField       = "tag:"
	attributeField = "attribute:"
	useStopped     = "use_stopped"
	seenEmail      = "seen_email" // the address that came with the latest fact
)

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return "", false
}

// email is the address mail goes to: the one in the profile, or else the one
// that came with the latest fact.
func (s *customerState) email() string {
	var email string
	if s.Said.get("email", &email) && email != "" {
		return email
	}
	s.Said.get(seenEmail, &email)
	return email
}

// patch applies a patch to the fields.
func (s *customerState) patch(p CustomerPatch, at stamp) {
	if p.Rank != nil {
		put(&s.Given, at.Fact, givenRank{at.Time, *p.Rank})
	}
	for _, tag := range p.AddTags {
		s.set(tagField+tag, true, at)
	}
	for _, tag := range p.RemoveTags {
		s.set(tagField+tag, false, at)
	}
	for name, v := range p.Attributes {
		s.set(attributeField+name, v, at)
	}
	p.Rank, p.AddTags, p.RemoveTags, p.Attributes = nil, nil, nil, nil
	b, err := json.Marshal(p)
	if err != nil {
		return
	}
	fields := make(map[string]json.RawMessage)
	if json.Unmarshal(b, &fields) == nil {
		for field, value := range fields {
			s.Said.say(field, value, at)
		}
	}
}
