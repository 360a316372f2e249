package rfm_test

import (
	"fmt"

	"github.com/goen-crm/crm/rfm"
)

func ExampleNewTable() {
	customers := []rfm.Values{
		{Recency: 3, Frequency: 12, Monetary: 84_000},
		{Recency: 6, Frequency: 1, Monetary: 3_200},
		{Recency: 40, Frequency: 4, Monetary: 21_000},
		{Recency: 95, Frequency: 2, Monetary: 9_800},
		{Recency: 400, Frequency: 9, Monetary: 77_000},
		{Recency: 610, Frequency: 1, Monetary: 2_500},
	}
	table, err := rfm.NewTable(customers, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, score := range table.Scores {
		fmt.Println(score, table.Class(i).Name, table.Class(i).NameJA)
	}
	fmt.Println("recency cut at days", table.Scale.Recency)
	// Output:
	// 555 Champions 最優良顧客
	// 511 New Customers 新規顧客
	// 433 Potential Loyalists ロイヤル候補
	// 322 About To Sleep 休眠予備軍
	// 244 At Risk 離反の恐れ
	// 111 Lost 離反顧客
	// recency cut at days [7 41 96 401]
}

// A shop that knows what "often" means to it sets the thresholds itself, and a
// class table for as many bins.
func ExampleCuts() {
	customers := []rfm.Values{
		{Recency: 12, Frequency: 1, Monetary: 4_000},
		{Recency: 12, Frequency: 6, Monetary: 52_000},
		{Recency: 300, Frequency: 6, Monetary: 52_000},
	}
	table, err := rfm.NewTable(customers, &rfm.Config{
		Recency:   rfm.Cuts{31, 181},         // a month, half a year
		Frequency: rfm.Cuts{2, 5},            // once, 2–4 times, more often
		Monetary:  rfm.Cuts{10_000, 100_000}, // yen
		Classes: rfm.Classes{
			{ID: "first_order", Name: "First order", F: rfm.Range{Min: 1, Max: 1}},
			{ID: "regulars", Name: "Regulars", R: rfm.Range{Min: 2, Max: 3}},
			{ID: "others", Name: "Everybody else"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, score := range table.Scores {
		fmt.Println(score, table.Class(i).Name)
	}
	// Output:
	// 311 First order
	// 332 Regulars
	// 132 Everybody else
}

// A scale kept from the last table places a customer whose values changed since,
// or who is new, without scoring all the others again.
func ExampleScale_Score() {
	scale := rfm.Scale{
		Recency:   rfm.Cuts{115, 181, 297.4, 482},
		Frequency: rfm.Cuts{4, 5, 6, 8},
		Monetary:  rfm.Cuts{255.8, 382, 506.4, 666},
	}
	score := scale.Score(rfm.Values{Recency: 0, Frequency: 7, Monetary: 640})
	class, _ := rfm.DefaultClasses().Of(score)
	fmt.Println(score, class.ID)
	// Output: 544 champions
}

// The heat map of a table counts customers by recency and frequency.
func ExampleTable() {
	table, err := rfm.NewTable([]rfm.Values{
		{Recency: 2, Frequency: 8}, {Recency: 9, Frequency: 1}, {Recency: 80, Frequency: 1},
		{Recency: 81, Frequency: 1}, {Recency: 85, Frequency: 3}, {Recency: 200, Frequency: 2},
	}, &rfm.Config{
		Recency:   rfm.Cuts{30, 90},
		Frequency: rfm.Cuts{2, 4},
		Monetary:  rfm.Quantiles{Bins: 2},
		Classes:   rfm.Classes{{ID: "all"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("     F 1 2 3")
	for r := len(table.Heat); r >= 1; r-- {
		fmt.Printf("R %d   ", r)
		fmt.Println(table.Heat[r-1])
	}
	// Output:
	//      F 1 2 3
	// R 3   [1 0 1]
	// R 2   [2 1 0]
	// R 1   [0 1 0]
}
