package mysql

import (
	"context"

	"github.com/goen-crm/crm"
)

// Mark implements [crm.Store]. Marks of one message in one call are applied
// one after the other.
func (s *Store) Mark(ctx context.Context, shop string, marks []crm.Mark) ([]bool, error) {
	var applied []bool
	err := s.write(ctx, func(ctx context.Context, tx *session) error {
		applied = make([]bool, len(marks))
		ids := make([]string, len(marks))
		for i, mark := range marks {
			ids[i] = mark.Message
		}
		standings, err := lockStandings(ctx, tx, shop, ids)
		if err != nil {
			return err
		}
		var decisions []crm.Decision
		for i, mark := range marks {
			m := standings[mark.Message]
			applied[i] = m != nil && m.mark(mark)
			if applied[i] && mark.Decision != nil {
				d := *mark.Decision
				d.Customer = m.customer // she may have turned out to be another
				decisions = append(decisions, d)
			}
		}
		if err := writeStandings(ctx, tx, shop, standings); err != nil {
			return err
		}
		return writeDecisions(ctx, tx, shop, decisions)
	})
	if err != nil {
		return nil, failed("mark", err)
	}
	return applied, nil
}
