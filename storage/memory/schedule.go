package memory

import (
	"container/heap"
	"time"
)

// A schedule keeps ids in order of (time, id), each once.
type schedule struct {
	heap slots
	byID map[string]*slot
}

type slot struct {
	at    time.Time
	id    string
	index int // place in the heap
}

func newSchedule() *schedule {
	return &schedule{byID: make(map[string]*slot)}
}

func (s *schedule) len() int { return len(s.heap) }

// set puts an id at a time, wherever it was before.
func (s *schedule) set(id string, at time.Time) {
	if old := s.byID[id]; old != nil {
		old.at = at
		heap.Fix(&s.heap, old.index)
		return
	}
	added := &slot{at: at, id: id}
	s.byID[id] = added
	heap.Push(&s.heap, added)
}

// put sets an id's time, or removes the id if it has none.
func (s *schedule) put(id string, at time.Time) {
	if at.IsZero() {
		s.remove(id)
	} else {
		s.set(id, at)
	}
}

// remove takes an id out, if it is in.
func (s *schedule) remove(id string) {
	if old := s.byID[id]; old != nil {
		heap.Remove(&s.heap, old.index)
		delete(s.byID, id)
	}
}

// earliest returns the earliest time of several schedules, zero if they are empty.
func earliest(schedules ...*schedule) time.Time {
	var first time.Time
	for _, s := range schedules {
		if len(s.heap) > 0 && (first.IsZero() || s.heap[0].at.Before(first)) {
			first = s.heap[0].at
		}
	}
	return first
}

// until counts the ids at a time or before.
func (s *schedule) until(at time.Time) int {
	n := 0
	for _, slot := range s.heap {
		if !slot.at.After(at) {
			n++
		}
	}
	return n
}

// walk calls visit with each id in order until visit returns false. visit must
// not change the schedule.
func (s *schedule) walk(visit func(id string, at time.Time) bool) {
	var seen []*slot
	for len(s.heap) > 0 {
		first := heap.Pop(&s.heap).(*slot)
		seen = append(seen, first)
		if !visit(first.id, first.at) {
			break
		}
	}
	for _, slot := range seen {
		heap.Push(&s.heap, slot)
	}
}

// slots implements [heap.Interface].
type slots []*slot

// Len implements heap.Interface.
func (h slots) Len() int { return len(h) }

// Less implements heap.Interface.
func (h slots) Less(i, j int) bool {
	return compareAt(h[i].at, h[i].id, h[j].at, h[j].id) < 0
}

// Swap implements heap.Interface.
func (h slots) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *slots) Push(x any) {
	added := x.(*slot)
	added.index = len(*h)
	*h = append(*h, added)
}

// Pop implements heap.Interface.
func (h *slots) Pop() any {
	last := len(*h) - 1
	removed := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return removed
}
