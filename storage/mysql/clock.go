package mysql

import (
	"context"
	"time"
)

// ServerTime implements [crm.Timekeeper].
func (s *Store) ServerTime(ctx context.Context) (now time.Time, err error) {
	err = s.read(ctx, func(ctx context.Context, tx *session) error {
		return tx.one(ctx, `SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)`, nil, instant{&now})
	})
	return now, failed("server time", err)
}
