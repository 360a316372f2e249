// Package torture kills workers while they send, and audits what came of it.
//
// A [Driver] runs a shop on a SQLite file: it records facts, starts workers as
// processes of their own, kills them at chosen moments with a signal that they
// cannot catch, and starts others until nothing is due any more. A [Sink] is
// the SMTP server that they send to, and remembers every phase of every
// conversation. A [Ledger] says who must get what. [Audit] compares the three:
// the ledger, the sink's memory, and what goen says of itself.
//
// The promise that is tested: nothing is lost, nothing arrives twice but a
// transactional mail whose fate was unknown, once, and every attempt whose
// outcome nobody knows is listed.
//
// Time does not pass while a test waits. What a dead worker held is free again
// only when its lease has run out, after minutes; so each generation of workers
// begins with its clocks a few minutes ahead of the last one's. No worker of an
// older generation is alive then: nobody's lease is cut short.
package torture
