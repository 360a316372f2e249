// Package mutants proves that the tests can fail. For each rule that the
// promises of goen rest on there is a mutant: the source with that one rule
// switched off. The tests of this package build each mutant, run against it the
// test that is there for the rule, and demand that it fails.
//
// Package rules has short tests of rules of the core, one for each.
package mutants
