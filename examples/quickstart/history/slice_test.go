package history_test

import (
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/goen-crm/crm/examples/quickstart/history"
)

const slice = "../testdata/online_retail.csv.gz"

// readSlice reads the quickstart's data.
func readSlice(tb testing.TB) *history.History {
	tb.Helper()
	f, err := os.Open(slice)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	h, err := history.Read(f, time.UTC)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// TestSlice holds the figures of the quickstart's data.
func TestSlice(t *testing.T) {
	h := readSlice(t)
	wantStats := history.Stats{
		Lines: 28780, Sold: 28209, Returned: 489, Capped: 14, WithoutOrders: 5,
		Dropped: map[history.Reason]int{history.Adjustment: 25, history.NoPrice: 2, history.NoGoods: 4, history.Unmatched: 51},
	}
	if !reflect.DeepEqual(h.Stats, wantStats) {
		t.Errorf("stats\n%+v\nwant\n%+v", h.Stats, wantStats)
	}

	type figures struct {
		customers, orders, lines, refunds, whole int
		paid, shipping, credited                 int64
	}
	got := figures{customers: len(h.Customers)}
	for _, c := range h.Customers {
		got.orders += len(c.Orders)
		for _, o := range c.Orders {
			got.lines += len(o.Lines)
			got.paid += o.Total()
			got.shipping += o.Shipping
		}
		got.refunds += len(c.Refunds)
		for _, r := range c.Refunds {
			got.credited += r.Amount()
			if r.Whole {
				got.whole++
			}
		}
	}
	want := figures{
		customers: 348, orders: 1346, lines: 27353, refunds: 239, whole: 7,
		paid: 543_968_16, shipping: 5_405_00, credited: 15_552_45,
	}
	if got != want {
		t.Errorf("figures\n%+v\nwant\n%+v", got, want)
	}
}

// TestSliceInvariants holds what every history promises, on real data.
func TestSliceInvariants(t *testing.T) {
	h := readSlice(t)
	last := ""
	for _, c := range h.Customers {
		if c.ID <= last {
			t.Errorf("customer %s comes after %s", c.ID, last)
		}
		last = c.ID
		if crc32.ChecksumIEEE([]byte(c.ID))%12 != 0 {
			t.Errorf("customer %s is not in the slice by its rule", c.ID)
		}
		orders := map[string]history.Order{}
		left := map[string]int64{}
		for i, o := range c.Orders {
			if i > 0 && o.Time.Before(c.Orders[i-1].Time) {
				t.Errorf("order %s comes before an earlier one", o.ID)
			}
			orders[o.ID], left[o.ID] = o, o.Total()
		}
		for i, r := range c.Refunds {
			if i > 0 && r.Time.Before(c.Refunds[i-1].Time) {
				t.Errorf("refund %s comes before an earlier one", r.ID)
			}
			if o, ok := orders[r.OrderID]; !ok || r.Time.Before(o.Time) {
				t.Errorf("refund %s is not of an earlier order: %s", r.ID, r.OrderID)
			}
			if left[r.OrderID] -= r.Amount(); left[r.OrderID] < 0 {
				t.Errorf("refund %s exceeds order %s", r.ID, r.OrderID)
			}
		}
	}
}

// TestSliceIsReproducible holds that the file tells nothing of when and where
// it was zipped.
func TestSliceIsReproducible(t *testing.T) {
	f, err := os.Open(slice)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || z.Comment != "" || !z.ModTime.IsZero() {
		t.Errorf("gzip header %+v, want none", z.Header)
	}
}

func ExampleRead() {
	f, err := os.Open("../testdata/online_retail.csv.gz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	h, err := history.Read(f, time.UTC)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(h.Customers), "customers")
	fmt.Println(h.Stats.Lines, "lines:", h.Stats.Sold, "sold,", h.Stats.Returned, "returned")
	fmt.Println("left out:", h.Stats.Dropped)

	customer := h.Customers[0]
	order := customer.Orders[0]
	fmt.Println("customer", customer.ID, "of", customer.Country)
	fmt.Println("order", order.ID, order.Time.Format(time.DateTime), len(order.Lines), "lines", order.Total(), "pence")
	fmt.Println(order.Lines[0].Quantity, "×", order.Lines[0].Description)
	// Output:
	// 348 customers
	// 28780 lines: 28209 sold, 489 returned
	// left out: map[adjustment:25 no_goods:4 no_price:2 unmatched:51]
	// customer 12364 of Belgium
	// order 563854 2011-08-19 15:24:00 33 lines 62392 pence
	// 6 × PAPER BUNTING RETROSPOT
}

func BenchmarkRead(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		readSlice(b)
	}
}
