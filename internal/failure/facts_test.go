package failure_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// visit is a customer's visit to the shop, in the order in which it happened.
func visit(customer string, began time.Time) []crm.Fact {
	facts := []crm.Fact{
		agrees(customer, true),
		fillsCart(customer),
		orders(customer),
		{Customer: customer, Body: crm.OrderPaid{Order: "o-" + customer}},
		{Customer: customer, Body: crm.OrderRefunded{Order: "o-" + customer, Refund: "r", Amount: crm.Yen(400)}},
	}
	for i := range facts {
		facts[i].ID = id(customer, "fact", i)
		facts[i].Time = began.Add(time.Duration(i) * 15 * time.Minute)
	}
	return facts
}

// Facts that are told twice, late and in any order: the customer looks as if
// they had been told once and in time. If they are folded together she gets the
// same mails, too; if a worker comes by after each, none of them twice.
func TestFactsInAnyOrder(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		w := found(t, e)
		p := w.process(setup{})
		began := w.clock.Now()
		w.clock.add(2 * time.Hour)
		w.must(p.shop.Record(t.Context(), visit("in-time", began)...))
		w.work(p)
		w.want(p, "in-time", "receipt", crm.MessageSent, "", 1)
		w.want(p, "in-time", "news", crm.MessageSent, "", 1)
		picture, mails := w.look(p, "in-time")
		all := permutations(len(visit("", began)))
		for _, how := range []string{"together", "apart"} {
			for nth := range all[0] {
				var facts []crm.Fact
				for i, order := range all {
					facts = append(facts, visit(id(how, i), began)[order[nth]])
				}
				w.must(p.shop.Record(t.Context(), facts...))
				if how == "apart" {
					w.work(p)
				}
				w.must(p.shop.Record(t.Context(), facts...))
			}
			w.work(p)
			for i, order := range all {
				got, sent := w.look(p, id(how, i))
				if got != picture {
					t.Errorf("%s, told in order %v, she is\n%s, want\n%s", how, order, got, picture)
				}
				if how == "together" && sent != mails {
					t.Errorf("told in order %v, her mails are %s want %s", order, sent, mails)
				}
				if t.Failed() {
					return
				}
			}
		}
	})
}

// look returns a customer's picture and what became of her messages.
func (w *town) look(p *process, customer string) (picture, mails string) {
	w.Helper()
	c, err := p.shop.Customer(w.Context(), customer)
	w.must(err)
	b, err := json.Marshal(c)
	w.must(err)
	messages := w.messages(p, customer)
	for _, template := range slices.Sorted(maps.Keys(messages)) {
		m := messages[template]
		mails += strings.TrimSpace(template+" "+string(m.State)+" "+string(m.Reason)) + "; "
		if n := w.received(customer, template); n > 1 {
			w.Errorf("%s arrived %d times at %s", template, n, customer)
		}
	}
	return strings.ReplaceAll(string(b), customer, "c"), mails
}

// permutations returns every order of n things.
func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, rest := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(rest), i, n-1))
		}
	}
	return all
}
