package crm

import (
	"context"
	"time"
)

// keepHouse does what need not be done at once: it compares clocks each minute
// and drops what is kept no longer, soon after the start and every six hours.
func (r *run) keepHouse(ctx context.Context) {
	failures := 0
	var purged time.Time
	for ctx.Err() == nil {
		pause(ctx, time.Minute)
		err := r.crm.measureClock(ctx)
		if err == nil && time.Since(purged) > 6*time.Hour {
			purged = time.Now()
			err = r.purge(ctx)
		}
		r.rest(ctx, err, &failures)
	}
}

// purge drops what the shops of this process keep no longer.
func (r *run) purge(ctx context.Context) error {
	if _, ok := r.crm.store.(Purger); !ok {
		return nil
	}
	for _, shop := range r.crm.knownShops() {
		if _, err := r.crm.Shop(shop).Purge(ctx); err != nil {
			return err
		}
	}
	return nil
}
