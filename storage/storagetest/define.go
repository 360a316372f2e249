package storagetest

import (
	"fmt"
	"sync"

	"github.com/goen-crm/crm"
)

func (p *probe) define(kind, id, content string, n int) crm.Definition {
	p.Helper()
	d, err := p.store.Define(p.Context(), p.shop, version(kind, id, content, n))
	if err != nil {
		p.Fatalf("Define: %v", err)
	}
	return d
}

// version is a definition to define, published at n seconds.
func version(kind, id, content string, n int) crm.Definition {
	return crm.Definition{Kind: kind, ID: id, Hash: []byte(content), Body: []byte(`{"content":"` + content + `"}`), PublishedAt: at(n)}
}

func (p *probe) definitions() ([]crm.Definition, int64) {
	p.Helper()
	all, revision, err := p.store.Definitions(p.Context(), p.shop)
	if err != nil {
		p.Fatalf("Definitions: %v", err)
	}
	return all, revision
}

var defineChecks = []check{
	{"CountsVersions", "Define stores the next version of its kind and id, from 1, whatever the Version it is given, and returns it as it is stored.",
		func(p *probe) {
			for i, content := range []string{"a", "b", "a"} {
				given := version("journey", "cart", content, i)
				given.Version = 42
				got, err := p.store.Define(p.Context(), p.shop, given)
				if err != nil {
					p.Fatalf("Define: %v", err)
				}
				given.Version = i + 1
				p.want("the version", got, given)
			}
			p.want("another id's version", p.define("journey", "birthday", "a", 9).Version, 1)
			p.want("another kind's version", p.define("template", "cart", "a", 9).Version, 1)
		}},
	{"SameContentSameVersion", "Content equal to the newest version's stores nothing and returns that version with the time it was first published: every replica publishes at its start.",
		func(p *probe) {
			p.define("journey", "cart", "a", 1)
			first := p.define("journey", "cart", "b", 2)
			p.want("the version", p.define("journey", "cart", "b", 99), first)
			all, revision := p.definitions()
			p.want("how many there are", len(all), 2)
			p.want("the revision", revision, int64(2))
		}},
	{"ListsAll", "Definitions returns every version in order of kind, id and version, and how many there are.",
		func(p *probe) {
			all, revision := p.definitions()
			p.want("the definitions of a new shop", all, []crm.Definition(nil))
			p.want("the revision of a new shop", revision, int64(0))
			var want []crm.Definition
			for _, kind := range []string{"journey", "template"} {
				for _, id := range []string{"B", "a", "b"} {
					for i := range 12 {
						d := version(kind, id, fmt.Sprint(i), i)
						d.Version = i + 1
						want = append(want, d)
					}
				}
			}
			for i := range want { // not in order, except for the versions
				d := want[(i%6)*12+i/6]
				p.define(d.Kind, d.ID, string(d.Hash), d.Version-1)
			}
			all, revision = p.definitions()
			p.want("the definitions", all, want)
			p.want("the revision", revision, int64(len(want)))
		}},
	{"NoGapsWhenConcurrent", "Versions have no gaps and no doubles when many define at once, and equal content meets in one version.",
		func(p *probe) {
			const workers, rounds = 8, 10
			stores := p.handles(workers)
			got := make([][]crm.Definition, workers)
			p.together(workers, func(i int) error {
				for n := range rounds {
					for _, content := range []string{"shared", fmt.Sprintf("own-%d-%d", i, n)} {
						id := "j"
						if content == "shared" {
							id = fmt.Sprintf("shared-%d", n)
						}
						d, err := stores[i].Define(p.Context(), p.shop, version("journey", id, content, n))
						if err != nil {
							return err
						}
						got[i] = append(got[i], d)
					}
				}
				return nil
			})
			all, revision := p.definitions()
			stored := make(map[string]crm.Definition)
			next := make(map[string]int)
			for _, d := range all {
				next[d.ID]++
				p.want("the next version of "+d.ID, d.Version, next[d.ID])
				stored[fmt.Sprintf("%s/%d", d.ID, d.Version)] = d
			}
			p.want("the versions of what all define differently", next["j"], workers*rounds)
			for n := range rounds {
				p.want("the versions of what all define alike", next[fmt.Sprintf("shared-%d", n)], 1)
			}
			p.want("the revision", revision, int64(workers*rounds+rounds))
			for _, returned := range got {
				for _, d := range returned {
					p.want("what Define returned", d, stored[fmt.Sprintf("%s/%d", d.ID, d.Version)])
				}
			}
		}},
}

// handles returns n stores on the same data: the one under test and, where the
// harness can open another, that one by turns.
func (p *probe) handles(n int) []crm.Store {
	stores := make([]crm.Store, n)
	for i := range stores {
		stores[i] = p.store
	}
	if p.h.Another != nil {
		another := p.h.Another(p.T, p.store)
		for i := 1; i < n; i += 2 {
			stores[i] = another
		}
	}
	return stores
}

// together runs n goroutines that begin at the same time, and waits for them.
func (p *probe) together(n int, run func(i int) error) {
	p.Helper()
	begin := make(chan struct{})
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = run(i)
		})
	}
	close(begin)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			p.Fatal(err)
		}
	}
}
