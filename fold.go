package crm

import (
	"errors"
	"time"
)

// fold decides for every complete group of h what follows from its facts and
// from the timers due at now, and returns all that is to be written, and the
// customers as they are then. It is the core's whole surface: no clock, no I/O.
//
// It is total: a group that cannot be folded is left as it is, reported among
// the problems, and stops nobody else.
func fold(d *definitions, now time.Time, h *household) (*Changes, []*person, []*foldProblem) {
	n := len(h.records)
	all := &Changes{
		Customers: make([]CustomerRow, 0, n), Queue: make([]Message, 0, n), Decisions: make([]Decision, 0, 2*n),
		SetAside: make(map[string]string),
	}
	var persons []*person
	var problems []*foldProblem
	groups, unreadable := h.groups()
	for _, records := range unreadable {
		problems = append(problems, &foldProblem{keysOf(records), errNewerCore})
	}
	for _, records := range groups {
		some, err := h.foldGroup(d, now, records, all)
		if err != nil && h.poisoned != nil && h.poisoned(keysOf(records)) {
			some, err = h.isolate(d, now, records, all)
		}
		if err != nil {
			problems = append(problems, &foldProblem{keysOf(records), err})
			continue
		}
		persons = append(persons, some...)
	}
	return all, persons, problems
}

// errCore: a fault of goen's own.
var errCore = errors.New("crm: the core panicked")

// foldGroup adds what the group changes to out, nothing if it fails.
func (h *household) foldGroup(d *definitions, now time.Time, records []*record, out *Changes) (persons []*person, err error) {
	before := *out
	defer func() {
		if recover() != nil { // what it says may quote a fact
			err = errCore
		}
		if err != nil {
			*out = before
			for _, r := range records {
				for _, pending := range r.row.Pending {
					delete(out.SetAside, pending.ID)
				}
			}
		}
	}()
	g := newGroup(d, now, records, out)
	g.link()
	persons = g.persons()
	for _, r := range records {
		if r.damaged {
			return nil, errNewerCore
		}
	}
	if err := g.write(); err != nil {
		return nil, err
	}
	for _, r := range records {
		for _, pending := range r.row.Pending {
			out.Consumed = append(out.Consumed, InboxEntry{r.row.ID, pending.ID})
			if reason, ok := h.setAside[pending.ID]; ok {
				out.SetAside[pending.ID] = reason
			}
		}
	}
	return persons, nil
}

func keysOf(records []*record) []string {
	keys := make([]string, len(records))
	for i, r := range records {
		keys[i] = r.row.ID
	}
	return keys
}
