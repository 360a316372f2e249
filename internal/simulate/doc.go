// Package simulate runs a shop through thousands of bad days, each of them made
// of one number.
//
// A [Plan] is what a seed makes happen: a few customers, a few journeys, facts
// that come in twice, late and in another order than they happened, versions
// published in between, and which faults there are. [Run] plays it in virtual
// time: a few workers, each with its own clock and its own connection to one
// store, take turns at every call of the store and of the mail system, and at
// any such call one may be killed, held up past its lease, told of a failure
// that was none, or not told of one that was. Nothing else decides anything, so
// equal plans play equally, to the byte.
//
// What happened is then held against a ledger that knows nothing of goen's
// tables: the facts that were committed, and when; the mails that arrived, and
// when they were claimed. The promises are those of docs/design.md:
//
//   - Once: a mail arrives once; a transactional one twice if somebody lost
//     sight of its first attempt, and then with the same bytes.
//   - Fence: what starts was claimed after every fact committed before that
//     claim was heeded: opt-outs, erasures, orders and other exits.
//   - Start: nothing is transmitted that is not marked as started, within five
//     seconds of its claim by the worker's clock.
//   - Complete: what the facts demand arrives; what does not arrive has a
//     reason that the facts or the mail system gave.
//   - Settled: in the end nothing waits, and the log tells what happened.
//   - Order: customers look as if everything had been told as it happened, to
//     one worker with nothing in its way.
//
// Not asked for, since the core does not promise it: that an end which was told
// before the start of its run stops the run, be it that the start came in late or
// that it was not known yet that the two are one customer's; that an erasure
// looks the same if something older came in after it; and that a worker which is
// held up between looking at its clock and the store's answer starts in time. A
// claim is not kept waiting by transactions that are open: a fact counts from
// its commit.
package simulate
