// Package sqlite keeps goen's rows in a SQLite database: the store for one
// shop on one machine, in a file that you can copy, query and back up.
//
//	store, err := sqlite.Open(ctx, "shop.db")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// A cart that keeps its own tables in SQLite gives its handle instead, and can
// then record facts inside its own transactions:
//
//	store, err := sqlite.New(ctx, db)          // db is the cart's *sql.DB, of driver modernc.org/sqlite
//	...
//	tx, err := db.BeginTx(ctx, nil)
//	...                                        // the cart's own statements
//	err = shop.RecordIn(ctx, store.Tx(tx), fact)
//	...
//	err = tx.Commit()
//
// Do not open one file through two different SQLite libraries in one process,
// such as this driver and one in C: closing a file in one of them drops the
// locks of the other, and committed rows are lost.
//
// # Tables
//
// The tables are called goen_customer, goen_fact, goen_inbox, goen_incoming,
// goen_import, goen_orders, goen_message, goen_decision and goen_definition.
// They are documented in the schema, which the sqlite3 shell shows with ".schema goen_*", and are there to
// be queried. Open and New create and upgrade them; goen_migration keeps the
// schema's version. A database written by a newer version of this package is
// refused with [ErrNewerSchema].
//
// What a customer's erasure deletes is overwritten in the file. A cart that
// records in transactions of its own sets _pragma=secure_delete(1) for that to
// be true of the pages that those have written.
//
// A cart that is not written in Go records facts by inserting into goen_incoming,
// in transactions of its own; a worker takes them from there:
//
//	INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{"id": …}')
//
// # Transactions
//
// SQLite has one writer at a time. Within a process, calls that write queue for
// their turn; between processes, and with the cart's own transactions, they
// wait for the database's lock, for as long as the context allows but no longer
// than ten seconds: then they fail with [ErrBusy]. What a transaction has read
// can't change before it commits, since it holds the lock from its beginning.
// Reads see the last committed state and wait for nobody.
//
// A store of [Open] decides about customers before it takes the lock: so two
// workers have use for two processors. What it read is compared under the lock,
// and decided again under it if it was changed by another worker: one batch in
// ten of two workers of one process who have all they can do.
//
// A call that has returned survives a loss of power: its transaction was
// synced. The same is true of what goen records in a transaction of the cart as
// far as the cart's connection is set to PRAGMA synchronous=EXTRA; with a
// write-ahead log, FULL does. A cart that sets it to OFF risks the whole
// database, and goen's rows with it.
//
// A worker that is busy rests between its transactions when others write to the
// database, so that a checkout waits for milliseconds and not for seconds. It
// knows of others by their connections in use if it was opened by New on the
// handle that they use, and by what they have written if not: so give the
// cart's handle to New where it has one. Let that handle begin its transactions
// with _txlock=immediate and wait with _pragma=busy_timeout(5000).
//
// Once a transaction has the lock, it is not interrupted by its context, which
// is looked at between statements; a call that fails has changed nothing.
package sqlite
