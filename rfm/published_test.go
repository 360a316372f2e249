package rfm_test

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/goen-crm/crm/rfm"
)

// published reads the orders of the R package rfm and returns the customers in
// alphabetical order with their values on 2006-12-31.
func published(tb testing.TB) (names []string, values []rfm.Values) {
	tb.Helper()
	f, err := os.Open("testdata/rfm_data_orders.csv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	if got, want := len(rows)-1, 4906; got != want {
		tb.Fatalf("%d orders, want %d", got, want)
	}
	analysis := time.Date(2006, 12, 31, 0, 0, 0, 0, time.UTC)
	customers := map[string]rfm.Values{}
	for _, row := range rows[1:] {
		date, err := time.Parse(time.DateOnly, row[1])
		if err != nil {
			tb.Fatal(err)
		}
		revenue, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		v, seen := customers[row[0]]
		days := int(analysis.Sub(date) / (24 * time.Hour))
		if !seen || days < v.Recency {
			v.Recency = days
		}
		v.Frequency++
		v.Monetary += revenue
		customers[row[0]] = v
	}
	for name := range customers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values = append(values, customers[name])
	}
	return names, values
}

// TestPublishedTable reproduces the cut points and the first ten customers that
// the R package rfm prints for its own data.
func TestPublishedTable(t *testing.T) {
	names, values := published(t)
	if got, want := len(values), 995; got != want {
		t.Fatalf("%d customers, want %d", got, want)
	}
	table, err := rfm.NewTable(values, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		dimension string
		got, want rfm.Cuts
	}{
		{"recency", table.Scale.Recency, rfm.Cuts{115, 181, 297.4, 482}},
		{"frequency", table.Scale.Frequency, rfm.Cuts{4, 5, 6, 8}},
		{"monetary", table.Scale.Monetary, rfm.Cuts{255.8, 382, 506.4, 666}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("cut points of %s: %v, want %v", c.dimension, c.got, c.want)
		}
	}

	for i, want := range []struct {
		name   string
		values rfm.Values
		score  string
	}{
		{"Abbey O'Reilly", rfm.Values{Recency: 205, Frequency: 6, Monetary: 472}, "343"},
		{"Add Senger", rfm.Values{Recency: 140, Frequency: 3, Monetary: 340}, "412"},
		{"Aden Lesch", rfm.Values{Recency: 194, Frequency: 4, Monetary: 405}, "323"},
		{"Aden Murphy", rfm.Values{Recency: 98, Frequency: 7, Monetary: 596}, "544"},
		{"Admiral Senger", rfm.Values{Recency: 132, Frequency: 5, Monetary: 448}, "433"},
		{"Agness O'Keefe", rfm.Values{Recency: 90, Frequency: 9, Monetary: 843}, "555"},
		{"Aileen Barton", rfm.Values{Recency: 84, Frequency: 9, Monetary: 763}, "555"},
		{"Ailene Hermann", rfm.Values{Recency: 281, Frequency: 8, Monetary: 699}, "355"},
		{"Aiyanna Bruen", rfm.Values{Recency: 246, Frequency: 4, Monetary: 157}, "321"},
		{"Akeelah Walsh", rfm.Values{Recency: 160, Frequency: 7, Monetary: 779}, "445"},
	} {
		if names[i] != want.name || values[i] != want.values || table.Scores[i].String() != want.score {
			t.Errorf("customer %d: %s %+v scores %s, want %s %+v %s",
				i, names[i], values[i], table.Scores[i], want.name, want.values, want.score)
		}
	}
}

// TestPublishedChampions reproduces the one class total that the R package
// tests: 158 customers with 1,234 orders worth 120,178.
func TestPublishedChampions(t *testing.T) {
	_, values := published(t)
	table, err := rfm.NewTable(values, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := table.Classes[0]
	if got.Class.ID != "champions" || got.Customers != 158 || got.Frequency != 1234 || got.Monetary != 120178 {
		t.Errorf("first class: %+v, want champions with 158 customers, 1234 orders, 120178 money", got)
	}
}
