package crm_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/goen-crm/crm"
)

// A model is the shop of the property tests as the domain tells it, written in
// the most obvious way: it keeps all facts, asks them everything anew each time,
// and plays four journeys by hand. It shares nothing with the engine.
type model struct {
	published time.Time
	ladder    crm.Ladder
	zone      *time.Location

	known  []crm.Fact // in order of (time, id)
	seen   map[string]bool
	passed int               // how many of known have been taken in
	owner  map[string]string // whose an address or a cart turned out to be
	people map[string]*modelCustomer
	mails  []*modelMail
}

// A modelCustomer is what was decided about one customer. All else is asked of
// the facts.
type modelCustomer struct {
	key    string
	near   map[string]bool // facts of others, told to her for they name her address or cart
	runs   []*modelRun
	fired  map[string]time.Time // by cart: the change for which it was found abandoned
	ended  map[string]modelEnd  // by journey
	ran    map[string]bool      // orders that had their follow-up
	rank   string
	ranked time.Time
}

type modelEnd struct {
	at    time.Time
	order string
}

type modelRun struct {
	journey, order, cart string
	from, since, due     time.Time
	step                 string
	done                 bool
}

type modelMail struct {
	run          *modelRun
	customer, to string
	template     string
	class        crm.Class
	at, deadline time.Time
	state        crm.MessageState
	reason       crm.Reason
}

func newModel(published time.Time, ladder crm.Ladder, zone *time.Location) *model {
	return &model{
		published: published, ladder: ladder, zone: zone, seen: make(map[string]bool),
		owner: make(map[string]string), people: make(map[string]*modelCustomer),
	}
}

// Who a fact is about.

func patchOf(f crm.Fact) crm.CustomerPatch {
	if saved, ok := f.Body.(crm.CustomerSaved); ok {
		return saved.CustomerPatch
	}
	return crm.CustomerPatch{}
}

// emailOf is the address by which a fact knows its customer.
func emailOf(f crm.Fact) string {
	if own := patchOf(f).Email; own != nil && *own != "" {
		return *own
	}
	return f.Email
}

// answerOf is the address that an answer about mail is for.
func answerOf(f crm.Fact) string {
	if c, ok := f.Body.(crm.ConsentChanged); ok {
		return cmp.Or(c.Consent.Email, f.Email)
	}
	return ""
}

func cartOf(f crm.Fact) string {
	switch b := f.Body.(type) {
	case crm.CartUpdated:
		return b.Cart.ID
	case crm.OrderSaved:
		return b.Order.Cart
	}
	return ""
}

// whose is who a fact is about, as it says itself.
func whose(f crm.Fact) string {
	if f.Customer != "" {
		return f.Customer
	}
	if email := emailOf(f); email != "" {
		return crm.GuestKey(email)
	}
	return "cart:" + cartOf(f)
}

// places are the address and the cart that a fact was seen with.
func places(f crm.Fact) []string {
	var keys []string
	if email := emailOf(f); email != "" {
		keys = append(keys, crm.GuestKey(email))
	}
	if cart := cartOf(f); cart != "" {
		keys = append(keys, "cart:"+cart)
	}
	return keys
}

// home is who a fact is about, as far as is known by now.
func (m *model) home(f crm.Fact) string { return m.resolve(whose(f)) }

func (m *model) resolve(key string) string {
	for m.owner[key] != "" {
		key = m.owner[key]
	}
	return key
}

func (m *model) person(key string) *modelCustomer {
	if m.people[key] == nil {
		m.people[key] = &modelCustomer{
			key: key, near: make(map[string]bool), fired: make(map[string]time.Time),
			ended: make(map[string]modelEnd), ran: make(map[string]bool),
		}
	}
	return m.people[key]
}

func isCartKey(key string) bool { return strings.HasPrefix(key, "cart:") }

// take notes facts without acting on them: who is who, and whom they are told to.
func (m *model) take(facts []crm.Fact) {
	var fresh []crm.Fact
	for _, f := range facts {
		if !m.seen[f.ID] {
			m.seen[f.ID] = true
			fresh = append(fresh, f)
		}
	}
	sortFacts(fresh)
	older := slices.Clone(m.known)
	m.known = append(m.known, fresh...)
	sortFacts(m.known)
	// An address belongs to the first account seen with it, a cart to the
	// first customer.
	for _, kind := range []string{"guest:", "cart:"} {
		for _, f := range m.known {
			for _, key := range places(f) {
				if strings.HasPrefix(key, kind) && m.owner[key] == "" && whose(f) != key {
					m.owner[key] = whose(f)
					m.merge(key, m.resolve(key))
				}
			}
		}
	}
	for _, f := range fresh {
		m.person(m.home(f))
		if answer := answerOf(f); answer != "" {
			m.person(m.resolve(crm.GuestKey(answer)))
		}
		for _, other := range m.neighbours(f) {
			m.person(other).near[f.ID] = true
		}
		if cart := cartOf(f); cart != "" {
			m.tell(m.person(m.home(f)), cart, older)
		}
	}
}

// tell tells somebody who is seen with a cart its story so far, and that of the
// orders out of it.
func (m *model) tell(p *modelCustomer, cart string, story []crm.Fact) {
	type orderID struct{ home, id string }
	out := make(map[orderID]bool) // orders out of the cart
	for _, f := range story {
		if id := orderOf(f); id != "" && cartOf(f) == cart {
			out[orderID{m.home(f), id}] = true
		}
	}
	for _, f := range story {
		if cartOf(f) == cart || out[orderID{m.home(f), orderOf(f)}] {
			p.near[f.ID] = true
		}
	}
}

// neighbours are those, beside the customer of f, who were ever seen with the
// address or cart that f names.
func (m *model) neighbours(f crm.Fact) []string {
	named := places(f)
	if answer := answerOf(f); answer != "" {
		named = append(named, crm.GuestKey(answer))
	}
	var list []string
	for _, key := range named {
		list = append(list, m.resolve(key))
		for _, g := range m.known {
			if slices.Contains(places(g), key) {
				list = append(list, m.home(g))
			}
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(key string) bool { return key == m.home(f) })
}

// merge gives all that was decided about a guest or cart to its owner.
func (m *model) merge(from, to string) {
	old := m.people[from]
	if old == nil {
		return
	}
	delete(m.people, from)
	p := m.person(to)
	for id := range old.near {
		p.near[id] = true
	}
	p.runs = append(p.runs, old.runs...)
	for cart, at := range old.fired {
		if at.After(p.fired[cart]) {
			p.fired[cart] = at
		}
	}
	for journey, end := range old.ended {
		if end.at.After(p.ended[journey].at) {
			p.ended[journey] = end
		}
	}
	for order := range old.ran {
		p.ran[order] = true
	}
	if m.place(old.rank) > m.place(p.rank) {
		p.rank = old.rank
	}
	if old.ranked.After(p.ranked) {
		p.ranked = old.ranked
	}
	for _, mail := range m.mails {
		if mail.customer == from {
			mail.customer = to
		}
	}
}

// What is known of a customer.

// own are the facts about her that were taken in.
func (m *model) own(p *modelCustomer) []crm.Fact {
	var list []crm.Fact
	for _, f := range m.known[:m.passed] {
		if m.home(f) == p.key {
			list = append(list, f)
		}
	}
	return list
}

// near are the facts of others that she was told.
func (m *model) near(p *modelCustomer) []crm.Fact {
	var list []crm.Fact
	for _, f := range m.known[:m.passed] {
		if p.near[f.ID] && m.home(f) != p.key {
			list = append(list, f)
		}
	}
	return list
}

func readOrders(facts []crm.Fact) map[string]modelOrder {
	orders := make(map[string]modelOrder)
	for _, f := range facts {
		if id := orderOf(f); id != "" {
			if _, ok := orders[id]; !ok {
				orders[id] = readOrder(about(facts, id))
			}
		}
	}
	return orders
}

func (m *model) orders(p *modelCustomer) map[string]modelOrder { return readOrders(m.own(p)) }

func (m *model) baseline(p *modelCustomer) (base crm.Baseline) {
	for _, f := range m.own(p) {
		if b := patchOf(f).Baseline; b != nil {
			base = *b
		}
	}
	return base
}

func (m *model) purchases(p *modelCustomer, t time.Time) crm.Purchases {
	return sumUp(m.orders(p), m.baseline(p), t)
}

// email is where her mail goes: what her profile says, or else the address
// that came last.
func (m *model) email(p *modelCustomer) string {
	profile, last := "", ""
	for _, f := range m.own(p) {
		if own := patchOf(f).Email; own != nil {
			profile = *own
		}
		if f.Email != "" {
			last = f.Email
		}
	}
	return cmp.Or(profile, last)
}

// carts are the carts with something in them that she was the last to touch.
func (m *model) carts(p *modelCustomer) []crm.Cart {
	own := m.own(p)
	all := append(slices.Clone(own), m.near(p)...)
	sortFacts(all)
	latest := make(map[string]crm.Fact)
	for _, f := range all {
		if b, ok := f.Body.(crm.CartUpdated); ok {
			old, known := latest[b.Cart.ID]
			if !known || old.Time.Before(f.Time) || b.Cart.Revision >= old.Body.(crm.CartUpdated).Cart.Revision {
				latest[b.Cart.ID] = f
			}
		}
	}
	var carts []crm.Cart
	for _, f := range latest {
		c := f.Body.(crm.CartUpdated).Cart
		if m.home(f) == p.key && len(c.Items) > 0 {
			c.UpdatedAt = f.Time
			carts = append(carts, c)
		}
	}
	slices.SortFunc(carts, func(a, b crm.Cart) int { return cmp.Or(a.UpdatedAt.Compare(b.UpdatedAt), cmp.Compare(a.ID, b.ID)) })
	return carts
}

// answer is the latest answer for an address, asked for all marketing.
func (m *model) answer(p *modelCustomer, address string) (answer crm.Consent, asked bool) {
	var at time.Time
	hear := func(f crm.Fact, c crm.Consent) {
		if asked && f.Time.Equal(at) && !answer.Granted {
			return // of a yes and a no at one instant the no holds
		}
		answer, asked, at = c, true, f.Time
	}
	for _, f := range m.known[:m.passed] {
		c, ok := f.Body.(crm.ConsentChanged)
		if ok && c.Consent.Topic == "" && crm.GuestKey(answerOf(f)) == crm.GuestKey(address) {
			hear(f, c.Consent)
		}
	}
	if asked || strings.HasPrefix(p.key, "guest:") {
		return answer, asked
	}
	for _, f := range m.own(p) { // what she said of another address of hers
		c, ok := f.Body.(crm.ConsentChanged)
		if ok && c.Consent.Topic == "" && f.Email != "" && crm.GuestKey(answerOf(f)) == crm.GuestKey(f.Email) {
			hear(f, c.Consent)
		}
	}
	return answer, asked
}

// withheld says why a mail may not be sent to her, "" if it may.
func (m *model) withheld(p *modelCustomer, class crm.Class, to string) crm.Reason {
	hold, withdrawn := false, false
	for _, f := range m.own(p) {
		if h := patchOf(f).Hold; h != nil {
			hold = *h
		}
		if w := patchOf(f).Withdrawn; w != nil {
			withdrawn = !w.IsZero()
		}
	}
	answer, asked := m.answer(p, to)
	if to == "" {
		return crm.ReasonNoAddress
	}
	if !strings.Contains(to, "@") {
		return crm.ReasonUnmailable
	}
	if asked && !answer.Granted {
		return crm.ReasonOptedOut
	}
	if withdrawn {
		return crm.ReasonWithdrawn
	}
	if class == crm.Service {
		return ""
	}
	if hold {
		return crm.ReasonHold
	}
	if !asked || (answer.Source == "import" && answer.Form == "") {
		return crm.ReasonNoConsent
	}
	return ""
}

func (m *model) place(rank string) int {
	return slices.IndexFunc(m.ladder.Ranks, func(r crm.RankStep) bool { return r.ID == rank })
}

func (m *model) standing(p *modelCustomer, until time.Time) crm.Standing {
	c := climb{ladder: m.ladder, base: m.baseline(p), zone: m.zone}
	for _, o := range m.orders(p) {
		c.orders = append(c.orders, o.bare())
	}
	return c.to(until)
}
