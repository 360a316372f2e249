// Command ci checks the figures of two runs of the quickstart: each keeps the
// promises, and both are the same but for the time they took.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ci first.json second.json")
		os.Exit(2)
	}
	first, second := read(os.Args[1]), read(os.Args[2])
	var problems []string
	demand := func(ok bool, what string) {
		if !ok {
			problems = append(problems, what)
		}
	}
	number := func(field string) float64 {
		n, ok := first[field].(float64)
		demand(ok, field+" is missing")
		return n
	}
	demand(number("mails_sent") == number("mails_received_by_server"), "not every mail sent was received, or the other way round")
	demand(number("mails_sent") >= 200, "fewer than 200 mails were sent")
	demand(number("duplicates") == 0, "mails were received twice")
	demand(number("withheld_by_fence") > 0, "no mail was withheld because she had bought")
	demand(number("seconds") <= 15, "it took more than 15 seconds")
	delete(first, "seconds")
	delete(second, "seconds")
	demand(reflect.DeepEqual(first, second), "two runs gave different figures")
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, "quickstart:", p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
	fmt.Println("quickstart: every promise kept, the same figures twice")
}

func read(path string) map[string]any {
	b, err := os.ReadFile(path)
	if err == nil {
		figures := make(map[string]any)
		if err = json.Unmarshal(b, &figures); err == nil {
			return figures
		}
	}
	fmt.Fprintln(os.Stderr, "ci:", err)
	os.Exit(1)
	return nil
}
