package history

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

const header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"

// mustRead reads lines below the usual header.
func mustRead(t *testing.T, lines string) *History {
	t.Helper()
	h, err := Read(strings.NewReader(header+lines), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkAccounts(t, h)
	return h
}

// checkAccounts holds that every line is accounted for and no order gives back
// more than it took.
func checkAccounts(t testing.TB, h *History) {
	t.Helper()
	sum := h.Stats.Sold + h.Stats.Returned
	for _, n := range h.Stats.Dropped {
		sum += n
	}
	if sum != h.Stats.Lines {
		t.Errorf("%d of %d lines are accounted for: %+v", sum, h.Stats.Lines, h.Stats)
	}
	for _, c := range h.Customers {
		left := map[string]int64{}
		for _, o := range c.Orders {
			left[o.ID] = o.Total()
		}
		ids := map[string]bool{}
		for _, r := range c.Refunds {
			if ids[r.ID] {
				t.Errorf("refund %s is there twice", r.ID)
			}
			ids[r.ID] = true
			if r.Amount() < 1 {
				t.Errorf("refund %s credits %d", r.ID, r.Amount())
			}
			if left[r.OrderID] -= r.Amount(); left[r.OrderID] < 0 {
				t.Errorf("refund %s exceeds order %s by %d", r.ID, r.OrderID, -left[r.OrderID])
			}
		}
	}
}

func minute(hour, minute int) time.Time { return time.Date(2011, 3, 1, hour, minute, 0, 0, time.UTC) }

func TestOrders(t *testing.T) {
	h := mustRead(t, `2,22423,CAKESTAND,2,2011-03-01 10:05:00,12.75,12347,Norway
1,22423,CAKESTAND ,1,2011-03-01 10:01:00,12.75,12347,France
1,21523,"MAT ""HOME""",2,2011-03-01 10:00:00,0.5,12347,France
1,22423,CAKE STAND,3,2011-03-01 10:00:00,12.75,12347,France
1,22423,CAKESTAND,1,2011-03-01 10:00:00,10.95,12347,France
1,POST,POSTAGE,2,2011-03-01 10:00:00,18,12347,France
3,21523,MAT,1,2011-03-01 10:05:00,0.55,12347,Spain
4,21523,MAT,1,2011-03-01 09:00:00,0.55,12346,Eire
`)
	want := []Customer{
		{ID: "12346", Country: "Eire", Orders: []Order{
			{ID: "4", Time: minute(9, 0), Lines: []Line{{"21523", "MAT", 1, 55}}},
		}},
		{ID: "12347", Country: "Spain", Orders: []Order{
			{ID: "1", Time: minute(10, 0), Shipping: 3600, Lines: []Line{
				{"22423", "CAKESTAND", 4, 1275}, {"21523", `MAT "HOME"`, 2, 50}, {"22423", "CAKESTAND", 1, 1095},
			}},
			{ID: "2", Time: minute(10, 5), Lines: []Line{{"22423", "CAKESTAND", 2, 1275}}},
			{ID: "3", Time: minute(10, 5), Lines: []Line{{"21523", "MAT", 1, 55}}},
		}},
	}
	if !reflect.DeepEqual(h.Customers, want) {
		t.Errorf("customers\n%+v\nwant\n%+v", h.Customers, want)
	}
	if got, want := h.Customers[1].Orders[0].Total(), int64(4*1275+2*50+1095+3600); got != want {
		t.Errorf("total %d, want %d", got, want)
	}
}

// refundOrders are the orders that the cancellations of refundCases are about.
const refundOrders = `100,A,APPLE,5,2011-03-01 10:00:00,1.00,7,UK
100,W,BOWL,2,2011-03-01 10:00:00,4.00,7,UK
100,POST,POSTAGE,1,2011-03-01 10:00:00,3.00,7,UK
200,A,APPLE,3,2011-03-01 11:00:00,1.20,7,UK
300,C,CUP,1,2011-03-01 12:00:00,2.00,8,UK
`

var refundCases = []struct {
	name      string
	lines     string
	want      []Refund
	unmatched int
}{
	{
		"the latest order with the goods",
		"C1,A,APPLE,-3,2011-03-01 13:00:00,1.20,7,UK\n",
		[]Refund{{ID: "C1", OrderID: "200", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 3, 120}}, Whole: true}}, 0,
	},
	{
		"the latest order with enough of the goods",
		"C1,A,APPLE,-4,2011-03-01 13:00:00,1.00,7,UK\n",
		[]Refund{{ID: "C1", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 4, 100}}}}, 0,
	},
	{
		"what came back before is not there any more",
		"C1,A,APPLE,-2,2011-03-01 13:00:00,1.20,7,UK\nC2,A,APPLE,-2,2011-03-01 13:00:00,1.00,7,UK\n",
		[]Refund{
			{ID: "C1", OrderID: "200", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 2, 120}}},
			{ID: "C2", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 2, 100}}},
		}, 0,
	},
	{
		"one cancellation of two orders",
		"C1,A,APPLE,-3,2011-03-01 13:00:00,1.20,7,UK\nC1,W,BOWL,-1,2011-03-01 13:00:00,4,7,UK\n",
		[]Refund{
			{ID: "C1-100", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"W", "BOWL", 1, 400}}},
			{ID: "C1-200", OrderID: "200", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 3, 120}}, Whole: true},
		}, 0,
	},
	{
		"lines of one code are added up",
		"C1,W,BOWL,-1,2011-03-01 13:00:00,4,7,UK\nC1,W,BOWL,-1,2011-03-01 13:00:00,4,7,UK\n",
		[]Refund{{ID: "C1", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"W", "BOWL", 2, 400}}}}, 0,
	},
	{
		"a whole order in two steps, the shipping fee apart",
		"C1,A,APPLE,-5,2011-03-01 13:00:00,1,7,UK\nC2,W,BOWL,-2,2011-03-01 13:00:00,4,7,UK\nC3,POST,POSTAGE,-1,2011-03-01 13:00:00,2.5,7,UK\n",
		[]Refund{
			{ID: "C1", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 5, 100}}},
			{ID: "C2", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"W", "BOWL", 2, 400}}, Whole: true},
			{ID: "C3", OrderID: "100", Time: minute(13, 0), Shipping: 250, Whole: true},
		}, 0,
	},
	{
		"not more than was paid",
		"C1,A,APPLE,-1,2011-03-01 13:00:00,9.99,7,UK\nC1,W,BOWL,-1,2011-03-01 13:00:00,1.50,7,UK\n",
		[]Refund{
			{ID: "C1-100", OrderID: "100", Time: minute(13, 0), Lines: []Line{{"W", "BOWL", 1, 150}}},
			{ID: "C1-200", OrderID: "200", Time: minute(13, 0), Lines: []Line{{"A", "APPLE", 1, 120}}},
		}, 0,
	},
	{
		"another customer's goods, more than anybody bought, and goods never sold",
		"C1,C,CUP,-1,2011-03-01 13:00:00,2,7,UK\nC1,A,APPLE,-6,2011-03-01 13:00:00,1,7,UK\nC1,X,?,-1,2011-03-01 13:00:00,1,7,UK\n",
		nil, 3,
	},
	{
		"before the order",
		"C1,A,APPLE,-1,2011-03-01 09:59:00,1,7,UK\n",
		nil, 1,
	},
	{
		"in the minute of the order",
		"C1,W,BOWL,-2,2011-03-01 10:00:00,4,7,UK\n",
		[]Refund{{ID: "C1", OrderID: "100", Time: minute(10, 0), Lines: []Line{{"W", "BOWL", 2, 400}}}}, 0,
	},
}

func TestRefunds(t *testing.T) {
	for _, c := range refundCases {
		t.Run(c.name, func(t *testing.T) {
			h := mustRead(t, c.lines+refundOrders) // the order of the lines does not matter
			if got := h.Customers[0].Refunds; !reflect.DeepEqual(got, c.want) {
				t.Errorf("refunds\n%+v\nwant\n%+v", got, c.want)
			}
			if got := h.Stats.Dropped[Unmatched]; got != c.unmatched {
				t.Errorf("%d unmatched, want %d", got, c.unmatched)
			}
		})
	}
}

// TestRefundOfTwoPrices holds that goods sold at the very price go first.
func TestRefundOfTwoPrices(t *testing.T) {
	h := mustRead(t, `1,A,APPLE,2,2011-03-01 10:00:00,1.00,7,UK
1,A,APPLE,2,2011-03-01 10:00:00,0.80,7,UK
C2,A,APPLE,-3,2011-03-01 11:00:00,0.80,7,UK
C3,A,APPLE,-1,2011-03-01 12:00:00,2.00,7,UK
`)
	got := h.Customers[0].Refunds
	want := []Refund{
		{ID: "C2", OrderID: "1", Time: minute(11, 0), Lines: []Line{{"A", "APPLE", 3, 80}}},
		{ID: "C3", OrderID: "1", Time: minute(12, 0), Lines: []Line{{"A", "APPLE", 1, 100}}, Whole: true},
	}
	if !reflect.DeepEqual(got, want) || h.Stats.Capped != 1 {
		t.Errorf("refunds\n%+v\nwant\n%+v\nand %d capped, want 1", got, want, h.Stats.Capped)
	}
}

func TestDroppedLines(t *testing.T) {
	h := mustRead(t, `1,A,APPLE,1,2011-03-01 10:00:00,1.00,,UK
2,M,Manual,1,2011-03-01 10:00:00,5.00,7,UK
C3,D,Discount,-1,2011-03-01 10:00:00,27.50,7,UK
4,A,APPLE,1,2011-03-01 10:00:00,0,7,UK
4,PADS,PADS,1,2011-03-01 10:00:00,0.001,7,UK
4,A,APPLE,1,2011-03-01 10:00:00,-1.00,7,UK
5,A,APPLE,-1,2011-03-01 10:00:00,1.00,7,UK
C6,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK
7,POST,POSTAGE,1,2011-03-01 10:00:00,18.00,7,UK
7,DOT,POSTAGE,1,2011-03-01 10:00:00,18.00,7,UK
C8,A,APPLE,-1,2011-03-01 10:00:00,1.00,7,UK
9,A,APPLE,1,2011-03-01 10:00:00,1.00,8,UK
`)
	want := Stats{
		Lines: 12, Sold: 1, WithoutOrders: 1,
		Dropped: map[Reason]int{NoCustomer: 1, Adjustment: 2, NoPrice: 3, WrongSign: 2, NoGoods: 2, Unmatched: 1},
	}
	if !reflect.DeepEqual(h.Stats, want) {
		t.Errorf("stats\n%+v\nwant\n%+v", h.Stats, want)
	}
	if len(h.Customers) != 1 || h.Customers[0].ID != "8" {
		t.Errorf("customers %+v, want 8 alone", h.Customers)
	}
}

func TestLocation(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	h, err := Read(strings.NewReader(header+"1,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n"), tokyo)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Customers[0].Orders[0].Time, time.Date(2011, 3, 1, 10, 0, 0, 0, tokyo); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestColumnsInAnyOrder(t *testing.T) {
	h, err := Read(strings.NewReader("\ufeffCountry,CustomerID,Note,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\r\n"+
		"UK,7,hello,1.00,2011-03-01 10:00:00,2,APPLE,A,1\r\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := h.Customers[0].Orders[0].Lines, []Line{{"A", "APPLE", 2, 100}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	const good = header + "1,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n"
	for _, c := range []struct{ text, want string }{
		{"", "history: line 1: there is no header"},
		{"InvoiceNo,StockCode\n", "history: line 1: there is no column Description"},
		{good + ",A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n", "history: line 3: InvoiceNo is empty"},
		{good + "1, ,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n", "history: line 3: StockCode is empty"},
		{good + "1,A,APPLE,1.5,2011-03-01 10:00:00,1.00,7,UK\n", `history: line 3: column Quantity: "1.5" is not a whole number`},
		{good + "1,A,APPLE,100001,2011-03-01 10:00:00,1.00,7,UK\n", `history: line 3: column Quantity: "100001" is beyond 100000 either way`},
		{good + "1,A,\"APPLE\nPIE\",1,2011-03-01,1.00,7,UK\n", `history: line 3: InvoiceDate "2011-03-01" is not like 2006-01-02 15:04:05`},
		{good + "1,A,APPLE,1,2011-03-01 10:00:00,1.005,7,UK\n", `history: line 3: column UnitPrice: "1.005" is not in whole pence`},
		{good + "1,A,APPLE,1,2011-03-01 10:00:00,1e3,7,UK\n", `history: line 3: column UnitPrice: "1e3" is not a price of up to 100000`},
		{good + "1,A,APPLE,1,2011-03-01 10:00:00,1.00,8,UK\n", "history: line 3: invoice 1 is that of customer 7, not 8"},
		{good + "1,A,APPLE,1\n", "history: line 3: wrong number of fields"},
		{good + "1,A,APP\"LE,1,2011-03-01 10:00:00,1.00,7,UK\n", `history: line 3: bare " in non-quoted-field`},
	} {
		h, err := Read(strings.NewReader(c.text), nil)
		var line *LineError
		if h != nil || !errors.As(err, &line) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	text := header + strings.Repeat("1,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n", 100)
	if _, err := read(strings.NewReader(text), nil, int64(len(text))); err != nil {
		t.Errorf("a text of just the limit: %v", err)
	}
	if _, err := read(strings.NewReader(text), nil, int64(len(text))-1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a text of one byte more: %v, want ErrTooLarge", err)
	}
	text = header + strings.Repeat("1,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n", maxLines+1)
	if _, err := Read(strings.NewReader(text), nil); err == nil || !strings.Contains(err.Error(), "line 10002: invoice 1 has more than") {
		t.Errorf("an endless invoice: %v", err)
	}
}

func TestBrokenGzip(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, header+"1,A,APPLE,1,2011-03-01 10:00:00,1.00,7,UK\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(bytes.NewReader(zipped.Bytes()), nil); err != nil {
		t.Errorf("whole: %v", err)
	}
	if _, err := Read(bytes.NewReader(zipped.Bytes()[:zipped.Len()-4]), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v, want unexpected EOF", err)
	}
	if _, err := Read(strings.NewReader("\x1f\x8bxyz"), nil); err == nil {
		t.Error("magic bytes alone pass for gzip")
	}
}

func TestParsePence(t *testing.T) {
	for s, want := range map[string]int64{
		"2.55": 255, "2.5": 250, "2": 200, "0": 0, "0.001": 0, "0.0": 0, "-11062.06": -1106206, "3.100": 310, "100000": 10000000,
	} {
		if got, err := parsePence(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", ".", "-", ".5", "1.2.3", "1,5", "+1", "--1", "0x1", "1.00x", "100000.01", "99999999999999999999", "1.001"} {
		if got, err := parsePence(s); err == nil {
			t.Errorf("%q: %d, want an error", s, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(header + "1,A,APPLE,5,2011-03-01 10:00:00,1.00,7,UK\nC2,A,APPLE,-3,2011-03-01 11:00:00,1.00,7,UK\n")
	f.Add(header + "1,POST,,5,2011-03-01 10:00:00,0.001,,UK\n1,A,\"\",-5,2011-03-01 10:00:00,-1,7,\n")
	f.Add("\x1f\x8b")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Read(strings.NewReader(text), nil)
		if (h == nil) == (err == nil) {
			t.Fatalf("history %v with error %v", h, err)
		}
		if h != nil {
			checkAccounts(t, h)
		}
	})
}
