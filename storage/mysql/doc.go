// Package mysql keeps goen's rows in a MariaDB or MySQL database: the store for
// a cart that has its own tables there, and for any number of workers.
//
//	store, err := mysql.Open(ctx, "goen:secret@tcp(db.example.jp:3306)/shop", nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//
// A cart written in Go gives its handle instead, and can then record facts
// inside its own transactions:
//
//	store, err := mysql.New(ctx, db, nil)      // db is the cart's *sql.DB
//	...
//	tx, err := db.BeginTx(ctx, nil)
//	...                                        // the cart's own statements
//	err = shop.RecordIn(ctx, store.Tx(tx), fact)
//	if errors.Is(err, mysql.ErrRolledBack) {
//		...                                // tx.Rollback, and the cart's transaction again
//	}
//	...
//	err = tx.Commit()
//
// A cart in another language inserts into a table:
//
//	INSERT INTO goen_incoming (shop_id, body) VALUES (?, ?)
//
// # Tables
//
// The tables are called goen_customer, goen_fact, goen_inbox, goen_orders,
// goen_message, goen_decision, goen_definition, goen_incoming and goen_import,
// or begin with another prefix: see [Config]. They are documented in the
// schema, and are there to be queried. Ids are utf8mb4 under a collation that
// compares bytes and does not pad; times are DATETIME(6) in UTC, which SQL's
// date functions understand; JSON is LONGTEXT, so that a document comes back
// byte by byte, and is read with JSON_VALUE.
//
// Open and New create and upgrade the tables; goen_migration keeps the schema's
// version, goen_schema the oldest version whose library may go on working
// beside a newer one. A database whose schema is too new is refused with
// [ErrNewerSchema]. Processes that start at once take turns.
//
// The server is MariaDB from 10.6 or MySQL from 8.0.16, with InnoDB, and a
// binary log, if there is one, of format MIXED or ROW. The account needs SELECT,
// INSERT, UPDATE and DELETE, and for an upgrade CREATE, ALTER, INDEX and
// REFERENCES. A store made by Open keeps six prepared statements on each of its
// connections, which count towards the server's max_prepared_stmt_count.
//
// # Transactions
//
// The store's own transactions are READ COMMITTED and lock rows, no gaps. They
// pass over customers and messages that others have locked; those that meet in
// a deadlock all the same are run again. Reads see one committed state and wait
// for nobody.
//
// A transaction of the cart's may be of any isolation level. Recording in it
// takes a share lock on each customer of the fact, by a foreign key: carts do
// not wait for each other, a fold of the customer is waited for (milliseconds),
// and until the transaction ends none of her mail goes out. Carts do wait for
// each other where both record the same new fact, or meet the same new
// customer; in a SERIALIZABLE transaction, also where two new customers are
// neighbours in the order of ids, and that may end in a deadlock. On a server
// that is strict about snapshots (innodb_snapshot_isolation, the default of
// MariaDB from 11.6 on) a transaction of level REPEATABLE READ fails, like a
// deadlock, if a customer or fact that it records was first seen since it began;
// READ COMMITTED does not. Either failure is [ErrRolledBack].
//
// A call that has returned is as durable as the server's commits are: with
// innodb_flush_log_at_trx_commit=1, the default, it survives a loss of power.
package mysql
