package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/goen-crm/crm"
)

// errOvertaken: what decide worked on is no longer so.
var errOvertaken = errors.New("sqlite: a customer was changed meanwhile")

// updateAhead is Update with decide called ahead of taking the write lock, so
// that one batch is decided while another is written. It reports whether that
// settled it: if not, nothing was written.
//
// Nobody is locked. Instead every Update counts up the version of each customer
// it has loaded, which costs nothing for those whose row it writes anyway, and
// one whose customers do not have the versions any more that it has loaded is
// not written. So all it has read of her is as it was at its commit: her row
// and orders, which Update alone writes, and the facts that she had in her
// inbox, which Update alone takes out. Facts may have come in, and messages may
// have been claimed, sent or purged; so they may where databases lock rows.
//
// Each read is a transaction of its own, that ends before decide goes on: one
// that lasts would keep the write-ahead log from being begun anew.
func (s *Store) updateAhead(ctx context.Context, shop string, sel crm.Selection, decide func(*crm.Work) (*crm.Changes, error)) (found int, settled bool, err error) {
	u := newUpdate(shop, s.read)
	work, err := u.work(ctx, sel)
	if err != nil {
		return 0, false, err
	}
	found = len(work.Customers)
	changes, err := decide(work)
	switch {
	case err != nil:
		return 0, false, nil // perhaps because what it read was not of one moment
	case isEmpty(changes):
		return found, true, nil
	}
	err = s.work(ctx, func(ctx context.Context, tx *session) error {
		var revision int64
		if err := tx.one(ctx, selectRevision, []any{shop}, &revision); err != nil {
			return fmt.Errorf("sqlite: update: %w", err)
		}
		if revision != u.revision {
			return errOvertaken
		}
		return u.write(ctx, tx, changes)
	})
	switch {
	case errors.Is(err, errOvertaken):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	return found, true, nil
}

// isEmpty reports whether there is nothing to write.
func isEmpty(ch *crm.Changes) bool {
	return ch == nil || len(ch.Customers)+len(ch.Orders)+len(ch.Consumed)+len(ch.SetAside)+len(ch.Queue)+len(ch.Skip)+
		len(ch.Move)+len(ch.Erase)+len(ch.Purge)+len(ch.Decisions) == 0
}
