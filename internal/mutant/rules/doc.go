// Package rules has one short test for each rule of the core that a promise
// rests on, through the public API and in virtual time. Package mutant breaks
// the rules one by one.
package rules
