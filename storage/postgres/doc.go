// Package postgres keeps goen's rows in a PostgreSQL database, version 15 or
// newer: the store for platforms of many shops and workers on many machines.
//
//	store, err := postgres.Open(ctx, "postgres://shop@db.example.jp/shop", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// A cart that keeps its own tables in PostgreSQL gives its pool instead, and can
// then record facts inside its own transactions:
//
//	store, err := postgres.New(ctx, pool, nil)          // pool is the cart's *pgxpool.Pool
//	...
//	tx, err := pool.Begin(ctx)
//	...                                                 // the cart's own statements
//	err = shop.RecordIn(ctx, store.Tx(tx), fact)
//	...
//	err = tx.Commit(ctx)
//
// A cart on database/sql uses [Store.SQLTx]. One that is not written in Go
// inserts rows into goen_incoming, in transactions of its own, from where they
// are taken: see [crm.Intake].
//
//	INSERT INTO goen_incoming (shop_id, body) VALUES ('shop', '{…}')
//
// # Tables
//
// The tables are called goen_customer, goen_fact, goen_inbox, goen_orders,
// goen_message, goen_decision, goen_definition, goen_incoming and goen_import,
// or begin with the prefix that [Config] names. They are documented in the
// schema's source and are there to be queried. Open and New create and upgrade
// them; one process does while others wait. goen_schema keeps the schema's
// version and goen_compatible the oldest version of this package that may still
// work with it, so that processes of two versions can run beside each other
// during a deployment; an older one is refused with [ErrNewerSchema]. A database
// that is up to date is opened without the right to create tables.
//
// shop_id leads every primary key, unique index and foreign key, and every
// statement but those of Backlog names one shop: the tables can be distributed
// by it.
//
// # Transactions
//
// All transactions of the store's own are READ COMMITTED, whatever the
// database's default, and streams read pages of one snapshot each. Appending
// takes the share lock of a foreign key on the customers concerned: checkouts of
// one customer do not wait for each other, but for the one that records the
// first thing ever known of her. A fold leaves out customers that another fold
// or claim has locked, and works beside open checkouts. A claim leaves out every
// message one of whose customers is locked by anybody, and looks at the inboxes
// after it has the locks: so there is no moment in which a fact is committed, or
// about to be, and a mail that it speaks against is claimed. The only exception
// is a key that an open transaction has just made known: nobody can see it yet.
//
// Deadlocks and serialization failures are tried again in transactions of the
// store's own. An error that does not come from the server, as when a connection
// is cut, leaves open whether the transaction was committed: Append and Define
// may be repeated and find what they wrote, a fold finds its facts gone, a claim
// that nobody heard of runs out, and a mark that was applied is refused when it
// is repeated.
//
// # Time
//
// What is due is looked for from where the store last found something, and from
// the beginning every ten seconds: index entries of what was dealt with stay as
// long as anybody's old snapshot is open, and would be passed again and again.
// What another process makes due more than a minute in the past may therefore
// be found up to ten seconds late.
//
// The messages of errors hold no values of rows. Those of the driver, which
// errors.As finds in them, may do so in their field Detail: do not log that.
package postgres
