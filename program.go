package crm

import "time"

// A program is a journey in the form that is run: its steps in one list, where
// branches are jumps.
type program struct {
	Journey
	version   int
	published time.Time // when the journey's first version was
	code      []instruction
	place     map[string]int // step id → index in code
}

// An instruction is a step and where to go on from it.
type instruction struct {
	step  Step
	id    string
	path  string // where the step is in the definition
	next  int    // where a send, a wait or a goto goes on
	cases []int  // where each case of a branch begins
	other int    // where its else begins
}

// finish is the place behind the last step.
const finish = -1

// compile flattens j's steps and reports everything that is wrong with j.
func (j Journey) compile(ladder *Ladder) (*program, []*FieldError) {
	p := &program{Journey: j, version: 0, place: make(map[string]int)}
	c := new(check)
	j.check(c, ladder)
	b := builder{p: p, c: c, ladder: ladder}
	c.in("Steps", func() { b.sequence(j.Steps, finish, 0) })
	for i, in := range p.code {
		if g, ok := in.step.(GoTo); ok {
			target, ok := p.place[g.Step]
			if !ok {
				c.problems = append(c.problems, &FieldError{Field: in.path + ".Step", Problem: "is no step of the journey", Err: ErrUnknown})
				target = finish
			}
			p.code[i].next = target
		}
	}
	if len(c.problems) == 0 {
		b.findLoops()
		b.findUnreachable()
	}
	return p, c.problems
}

type builder struct {
	p      *program
	c      *check
	ladder *Ladder
}

// sequence lays out steps that go on to next, and returns where they begin.
// Each step's place is reserved before its branches are laid out.
func (b *builder) sequence(steps Steps, next, depth int) int {
	if depth > maxRuleDepth {
		b.c.addf("", ErrRange, "nests deeper than %d", maxRuleDepth)
		return next
	}
	if len(steps) == 0 {
		return next
	}
	places := make([]int, len(steps)+1)
	for i := range steps {
		places[i] = len(b.p.code) + i
	}
	places[len(steps)] = next
	if len(b.p.code)+len(steps) > maxSteps {
		b.c.addf("", ErrTooLong, "has more than %d steps", maxSteps)
		return next
	}
	for _, step := range steps {
		b.p.code = append(b.p.code, instruction{step: step, next: next, other: next})
	}
	for i, step := range steps {
		b.c.in(indexed(i), func() { b.step(places[i], step, places[i+1], depth) })
	}
	return places[0]
}

func (b *builder) step(at int, step Step, next, depth int) {
	switch step.(type) {
	case Send, Wait, Branch, GoTo:
	case nil:
		b.c.add("", ErrRequired)
		return
	default: // a pointer, which JSON would not bring back
		b.c.addf("", ErrUnknown, "is no Send, Wait, Branch or GoTo")
		return
	}
	id := step.StepID()
	b.c.id("ID", id)
	if _, taken := b.p.place[id]; taken {
		b.c.add("ID", ErrDuplicate)
	} else {
		b.p.place[id] = at
	}
	step.check(b.c, b.ladder)
	in := instruction{step: step, id: id, path: b.c.path, next: next}
	if branch, ok := step.(Branch); ok {
		b.c.each("Cases", len(branch.Cases), func(i int) {
			b.c.in("Then", func() { in.cases = append(in.cases, b.sequence(branch.Cases[i].Then, next, depth+1)) })
		})
		b.c.in("Else", func() { in.other = b.sequence(branch.Else, next, depth+1) })
	}
	b.p.code[at] = in
}

// nexts are all places an instruction can go on to.
func (in instruction) nexts() []int {
	if _, ok := in.step.(Branch); ok {
		return append(append([]int(nil), in.cases...), in.other)
	}
	return []int{in.next}
}

// findLoops reports a step from which the journey can come back to that step
// without passing a wait.
func (b *builder) findLoops() {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(b.p.code))
	var visit func(i int) bool
	visit = func(i int) bool {
		if i == finish || state[i] == done {
			return false
		}
		if _, ok := b.p.code[i].step.(Wait); ok {
			return false
		}
		if state[i] == open {
			b.c.problems = append(b.c.problems, &FieldError{Field: b.p.code[i].path, Err: ErrEndlessLoop})
			return true
		}
		state[i] = open
		for _, next := range b.p.code[i].nexts() {
			if visit(next) {
				return true
			}
		}
		state[i] = done
		return false
	}
	for i := range b.p.code {
		if visit(i) {
			return
		}
	}
}

// findUnreachable reports steps that no run can come to.
func (b *builder) findUnreachable() {
	seen := make([]bool, len(b.p.code))
	var visit func(i int)
	visit = func(i int) {
		if i == finish || seen[i] {
			return
		}
		seen[i] = true
		for _, next := range b.p.code[i].nexts() {
			visit(next)
		}
	}
	visit(0)
	for i, ok := range seen {
		if !ok {
			b.c.problems = append(b.c.problems, &FieldError{Field: b.p.code[i].path, Err: ErrUnreachable})
		}
	}
}
