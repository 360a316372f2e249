// Package memory keeps goen's rows in the memory of one process.
//
// It is the reference for every other store: plain maps under one mutex, so
// that a reader can see at once what a method of [crm.Store] has to do. It is
// a [crm.Importer], [crm.Counter] and [crm.Purger] as well, passes package
// storage/storagetest like the others, and serves tests, scenarios in virtual
// time and trying things out. What it holds is gone when the process ends.
//
// One mutex serves the whole store, and Update holds it while it calls decide.
// So there are no customers locked by somebody else, calls run one after the
// other, and a decide function that calls the store waits for itself for ever.
package memory
