package crm

import (
	"errors"
	"maps"
	"time"
)

// fold decides for every complete group of h what follows from its facts and
// from the timers due at now, and returns all that is to be written, and the
// customers as they are then. It is the core's whole surface: no clock, no I/O.
//
// It is total: a group that cannot be folded is left as it is, reported among
// the problems, and stops nobody else.
func fold(d *definitions, now time.Time, h *household) (*Changes, []*person, []*foldProblem) {
	all := &Changes{SetAside: make(map[string]string)}
	var persons []*person
	var problems []*foldProblem
	groups, unreadable := h.groups()
	for _, records := range unreadable {
		problems = append(problems, &foldProblem{keysOf(records), errNewerCore})
	}
	for _, records := range groups {
		out, some, err := h.foldGroup(d, now, records)
		if err != nil && h.poisoned != nil && h.poisoned(keysOf(records)) {
			out, some, err = h.isolate(d, now, records)
		}
		if err != nil {
			problems = append(problems, &foldProblem{keysOf(records), err})
			continue
		}
		all.add(out)
		persons = append(persons, some...)
	}
	return all, persons, problems
}

// errCore: a fault of goen's own.
var errCore = errors.New("crm: the core panicked")

func (h *household) foldGroup(d *definitions, now time.Time, records []*record) (out *Changes, persons []*person, err error) {
	defer func() {
		if recover() != nil { // what it says may quote a fact
			err = errCore
		}
	}()
	out = &Changes{SetAside: make(map[string]string)}
	g := newGroup(d, now, records, out)
	g.link()
	persons = g.persons()
	for _, r := range records {
		for _, pending := range r.row.Pending {
			out.Consumed = append(out.Consumed, InboxEntry{r.row.ID, pending.ID})
			if reason, ok := h.setAside[pending.ID]; ok {
				out.SetAside[pending.ID] = reason
			}
		}
	}
	for _, r := range records {
		if r.damaged {
			return nil, nil, errNewerCore
		}
	}
	return out, persons, g.write()
}

func keysOf(records []*record) []string {
	keys := make([]string, len(records))
	for i, r := range records {
		keys[i] = r.row.ID
	}
	return keys
}

// add appends what another group changes.
func (c *Changes) add(o *Changes) {
	c.Customers = append(c.Customers, o.Customers...)
	c.Orders = append(c.Orders, o.Orders...)
	c.Consumed = append(c.Consumed, o.Consumed...)
	maps.Copy(c.SetAside, o.SetAside)
	c.Queue = append(c.Queue, o.Queue...)
	c.Skip = append(c.Skip, o.Skip...)
	c.Move = append(c.Move, o.Move...)
	c.Erase = append(c.Erase, o.Erase...)
	c.Purge = append(c.Purge, o.Purge...)
	c.Decisions = append(c.Decisions, o.Decisions...)
}
