package sqlite

import (
	"context"

	"github.com/goen-crm/crm"
)

const selectLastDecision = `SELECT coalesce(max(seq), 0) FROM goen_decision WHERE shop_id = ?`

var insertDecisions = newInsertion(`INSERT OR FAIL INTO goen_decision (shop_id, seq, `+decisionColumns+`)`, 12, ``)

// writeLog appends to a shop's log. The write lock keeps the numbers in order
// and without gaps.
func writeLog(ctx context.Context, tx *session, shop string, decisions []crm.Decision) error {
	if len(decisions) == 0 {
		return nil
	}
	var last int64
	if err := tx.one(ctx, selectLastDecision, []any{shop}, &last); err != nil {
		return err
	}
	return insert(ctx, tx, insertDecisions, decisions, func(args []any, d *crm.Decision) []any {
		last++
		return append(args, shop, last, d.Customer, ordered(d.At), string(d.Kind), d.Journey, d.Version,
			d.Enrollment, d.Step, d.Message, string(d.Reason), d.Detail)
	})
}
