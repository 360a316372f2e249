package crm

import (
	"slices"
	"testing"
)

func TestRota(t *testing.T) {
	a, b := turn{shop: "a", lane: Prompt}, turn{shop: "b", lane: Prompt}
	bulk := turn{shop: "a", lane: Bulk}
	next := func(r *rota) turn {
		t.Helper()
		got, ok := r.next(t.Context())
		if !ok {
			t.Fatal("the rota gives no turn")
		}
		return got
	}
	t.Run("shops in order, each once", func(t *testing.T) {
		r := newRota()
		r.offer(a, b, a)
		if got := []turn{next(r), next(r)}; !slices.Equal(got, []turn{a, b}) {
			t.Errorf("turns %v", got)
		}
		if _, ok := r.pop(); ok {
			t.Error("a turn waits twice")
		}
	})
	t.Run("what is offered while it runs runs once more", func(t *testing.T) {
		r := newRota()
		r.offer(a)
		next(r)
		r.offer(a, a)
		if _, ok := r.pop(); ok {
			t.Error("a turn runs twice at once")
		}
		r.done(a)
		if got := next(r); got != a {
			t.Errorf("then %v", got)
		}
		r.done(a)
		if _, ok := r.pop(); ok {
			t.Error("it runs for ever")
		}
	})
	t.Run("one in four is bulk", func(t *testing.T) {
		r := newRota()
		counts := make(map[Lane]int)
		for range 400 {
			r.offer(a, bulk)
			got := next(r)
			counts[got.lane]++
			r.done(got)
		}
		if counts[Bulk] != 100 {
			t.Errorf("%d of 400 turns are bulk, want 100", counts[Bulk])
		}
	})
	t.Run("bulk alone waits for nobody", func(t *testing.T) {
		r := newRota()
		r.offer(bulk)
		if got := next(r); got != bulk {
			t.Errorf("turn %v", got)
		}
	})
}
