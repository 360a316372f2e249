package customstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/goen-crm/crm"
)

// Append adds facts, all or none.
func (s *Store) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	return s.write(ctx, shop, func(c call) error { return c.append(facts) })
}

// Tx lets the vendor's cart record facts in a transaction of its own. If Append
// fails, the transaction is as before and may go on.
func (s *Store) Tx(tx *sql.Tx) crm.Appender { return cartTx{tx} }

type cartTx struct{ tx *sql.Tx }

// Append implements crm.Appender. Once begun it ignores its context: SQLite
// rolls the whole transaction back when a statement is interrupted, and what the
// cart did next would commit by itself.
func (t cartTx) Append(ctx context.Context, shop string, facts []crm.FactRow) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := call{context.WithoutCancel(ctx), t.tx, shop}
	if _, err := t.tx.ExecContext(c.ctx, "SAVEPOINT crm"); err != nil {
		return err
	}
	err := c.append(facts)
	if err != nil {
		_, undo := t.tx.ExecContext(c.ctx, "ROLLBACK TO crm")
		err = errors.Join(err, undo)
	}
	_, release := t.tx.ExecContext(c.ctx, "RELEASE crm")
	return errors.Join(err, release)
}

func (c call) append(facts []crm.FactRow) error {
	if err := c.enter(); err != nil {
		return err
	}
	for i, f := range facts {
		known, err := query(c, one[[]byte], `SELECT hash FROM crm_fact WHERE shop = ?1 AND id = ?2`, f.ID)
		switch {
		case err != nil:
			return err
		case len(known) == 0:
			if err := c.insert(f); err != nil {
				return err
			}
		case !bytes.Equal(known[0], f.Hash):
			return &crm.BatchError{Index: i, ID: f.ID, Err: crm.ErrConflict}
		}
	}
	return nil
}

// insert writes a fact and puts it into the inbox of everybody it concerns.
func (c call) insert(f crm.FactRow) error {
	err := c.exec(`INSERT INTO crm_fact (shop, id, person, type, happened, told, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
		f.ID, f.Customer, f.Type, f.Time.UnixMicro(), micro(f.RecordedAt), f.Hash, text(f.Body))
	if err != nil {
		return err
	}
	for _, key := range f.Keys {
		if err := c.meet(key); err != nil {
			return err
		}
		if err := c.exec(`INSERT INTO crm_inbox (shop, person, fact) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`, key, f.ID); err != nil {
			return err
		}
	}
	return nil
}

// enter makes the shop known to Backlog.
func (c call) enter() error {
	return c.exec(`INSERT INTO crm_shop (shop) VALUES (?1) ON CONFLICT DO NOTHING`)
}

// meet makes a person known. A user has a row of her own in the table users.
func (c call) meet(key string) error {
	return c.exec(`INSERT INTO crm_person (shop, id, user_id, bucket) VALUES (?1, ?2, (SELECT id FROM users WHERE id = ?2), ?3)
		ON CONFLICT DO NOTHING`, key, crm.Bucket(key))
}

// factColumns are those that scanFact reads.
const factColumns = `f.id, f.person, f.type, f.happened, f.told, f.hash, f.body, f.set_aside`

func scanFact(rows *sql.Rows) (f crm.FactRow, err error) {
	err = rows.Scan(&f.ID, &f.Customer, &f.Type, (*instant)(&f.Time), (*instant)(&f.RecordedAt), &f.Hash, &f.Body, &f.SetAside)
	return f, err
}
