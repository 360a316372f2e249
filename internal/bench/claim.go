package main

import (
	"context"
	"fmt"
	"time"

	"github.com/goen-crm/crm"
)

// claims takes n messages that are due, some at a time.
func claims(ctx context.Context, store crm.Store, now time.Time, n, size int) error {
	for left := n; left > 0; {
		leases, err := store.Lease(ctx, shopID, crm.LeaseRequest{Now: now, Until: now.Add(5 * time.Second), Limit: min(size, left)})
		if err != nil {
			return err
		}
		if len(leases.Claimed) == 0 {
			return fmt.Errorf("%d messages fewer were due than expected", left)
		}
		left -= len(leases.Claimed)
	}
	return nil
}

// queueMessages writes messages with their customers, each due at its time.
func queueMessages(ctx context.Context, store crm.Store, from, n int, due func(i int) time.Time) error {
	const size = 1000
	for ; n > 0; n -= size {
		changes := &crm.Changes{}
		for i := from; i < from+min(size, n); i++ {
			changes.Queue = append(changes.Queue, messageTo(person(i), due(i)))
		}
		from += size
		_, err := store.Update(ctx, shopID, crm.Selection{IDs: []string{}}, func(*crm.Work) (*crm.Changes, error) { return changes, nil })
		if err != nil {
			return err
		}
	}
	return nil
}

func messageTo(p person, at time.Time) crm.Message {
	return crm.Message{
		ID: fmt.Sprintf("%08x-0000-5000-8000-%012x", uint32(p)*2654435761, int(p)), Enrollment: "enrollment-" + p.id(),
		Journey: secondPurchase.ID, Version: 1, Step: "f2-next", Visit: 1, Template: "f2-next", TemplateVersion: 1, Class: crm.Marketing,
		Customer: p.id(), AddressKey: crm.GuestKey(p.email()), To: p.email(), SendAt: at, Deadline: at.Add(day), State: crm.MessageQueued,
	}
}
