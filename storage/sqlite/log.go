package sqlite

import (
	"context"

	"github.com/goen-crm/crm"
)

const (
	selectLastDecision = `SELECT coalesce(max(seq), 0) FROM goen_decision WHERE shop_id = ?`
	insertDecision     = `
		INSERT INTO goen_decision (shop_id, seq, ` + decisionColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// A decisionLog appends to a shop's log within one transaction, whose write
// lock keeps the numbers in order and without gaps.
type decisionLog struct {
	tx   *session
	shop string
	last int64
}

func openLog(ctx context.Context, tx *session, shop string) (*decisionLog, error) {
	log := &decisionLog{tx: tx, shop: shop}
	return log, tx.one(ctx, selectLastDecision, []any{shop}, &log.last)
}

func (l *decisionLog) write(ctx context.Context, d crm.Decision) error {
	l.last++
	_, err := l.tx.run(ctx, insertDecision, l.shop, l.last, d.Customer, ordered(d.At), string(d.Kind), d.Journey, d.Version,
		d.Enrollment, d.Step, d.Message, string(d.Reason), d.Detail)
	return err
}
