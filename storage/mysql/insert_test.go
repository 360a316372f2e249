package mysql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/goen-crm/crm"
)

// More rows than a prepared insertion has, and a few over: all of them are
// written, and the log keeps their order.
func TestManyRowsInOneCall(t *testing.T) {
	const many = 113
	s := open(t, database(t))
	var facts []crm.FactRow
	for i := range many {
		facts = append(facts, fact(fmt.Sprintf("f%03d", i), fmt.Sprintf("c%03d", i)))
	}
	if err := s.Append(t.Context(), "shop", facts); err != nil {
		t.Fatal(err)
	}
	due := testTime.Add(time.Hour)
	found, err := s.Update(t.Context(), "shop", crm.Selection{DueBy: testTime, Limit: 2 * many}, func(w *crm.Work) (*crm.Changes, error) {
		ch := &crm.Changes{}
		for i, c := range w.Customers {
			c.State, c.NextDue = fmt.Appendf(nil, `{"n":%d}`, i), due
			ch.Customers = append(ch.Customers, c)
			ch.Orders = append(ch.Orders, crm.OrderRow{ID: "o", Customer: c.ID, Status: "paid", Currency: "JPY", Total: int64(i)})
			ch.Consumed = append(ch.Consumed, crm.InboxEntry{Customer: c.ID, Fact: c.Pending[0].ID})
			ch.Queue = append(ch.Queue, benchMessage(i, c.ID))
			ch.Decisions = append(ch.Decisions, benchDecision(i, c.ID))
		}
		return ch, nil
	})
	if err != nil || found != many {
		t.Fatalf("Update finds %d customers, %v", found, err)
	}
	n := 0
	for c, err := range s.Customers(t.Context(), "shop", crm.CustomerQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if string(c.State) != fmt.Sprintf(`{"n":%d}`, n) || !c.NextDue.Equal(due) || len(c.Orders) != 1 || c.Orders[0].Total != int64(n) || len(c.Pending) != 0 {
			t.Errorf("customer %d is %+v", n, c)
		}
		n++
	}
	queued := 0
	for _, err := range s.Messages(t.Context(), "shop", crm.MessageQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		queued++
	}
	logged := 0
	for d, err := range s.Decisions(t.Context(), "shop", crm.DecisionQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("c%03d", logged); d.Customer != want {
			t.Errorf("line %d of the log is of %s, want %s", logged, d.Customer, want)
		}
		logged++
	}
	if n != many || queued != many || logged != many {
		t.Errorf("%d customers, %d messages, %d lines of the log; want %d of each", n, queued, logged, many)
	}
}
