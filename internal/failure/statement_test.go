package failure_test

import (
	"testing"
)

// A process that dies at any statement of recording, folding, claiming, marking
// and settling leaves nothing that the next process does not bring to its end:
// the receipt arrives, the news arrives at most once, and what nobody can know
// is listed.
func TestProcessDiesAtEachStatement(t *testing.T) {
	slow(t)
	onEach(t, func(t *testing.T, e engine) {
		w := found(t, e)
		for _, kind := range cuts {
			t.Run(string(kind), func(t *testing.T) {
				w := w.with(t)
				unknown, n := make(map[string]int), 1
				for ; w.dieAt(n, kind, unknown); n++ {
					if t.Failed() {
						t.Fatalf("a process that died at statement %d", n)
					}
				}
				t.Logf("died at %d statements; unknown: %v", n-1, unknown)
				if n < 20 {
					t.Errorf("a whole story has %d statements: nothing was counted", n-1)
				}
				for _, template := range []string{"receipt", "news"} {
					if unknown[template] == 0 {
						t.Errorf("nobody died while %s was being sent", template)
					}
				}
			})
		}
	})
}

// dieAt tells the story of a customer by a process that dies at its nth
// statement and another one that goes on, and reports whether there were so
// many.
func (w *town) dieAt(n int, kind cut, unknown map[string]int) bool {
	w.Helper()
	customer := id(kind, n)
	facts := w.now(agrees(customer, true), orders(customer))
	l := new(line)
	p := w.process(setup{line: l})
	l.cutAt(n, kind)
	err := p.shop.Record(w.Context(), facts...)
	if err == nil {
		err = p.crm.RunUntil(w.Context(), w.clock.Now())
	}
	if err == nil {
		w.clock.add(pause)
		err = p.crm.RunUntil(w.Context(), w.clock.Now())
	}
	p.end()
	if err != nil && !l.isCut() {
		w.Fatal(err)
	}

	p = w.process(setup{})
	defer p.end()
	w.must(p.shop.Record(w.Context(), facts...)) // the cart does not know, and says it again
	w.work(p)
	w.recover(p)
	for template, times := range w.wantSettled(p, customer) {
		if !l.isCut() {
			w.Errorf("%s is listed as unknown, and nobody died", template)
		}
		unknown[template] += times
	}
	return l.isCut()
}
