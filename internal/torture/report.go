package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Report is what an audit found.
type Report struct {
	Messages   int `json:"messages"`   // Messages must be sent, by the model.
	Takeable   int `json:"taken_back"` // Takeable are those beside them that something takes back, in time or not.
	Received   int `json:"received"`   // Received counts mails that the server took, doubles included.
	Lost       int `json:"lost"`       // Lost must be sent, did not arrive, and nobody can say why.
	Duplicates int `json:"duplicates"` // Duplicates counts mails received too often, or by nobody's wish.
	Unknown    int `json:"unknown"`    // Unknown counts attempts that goen lists as unknown.
	LateSends  int `json:"late_sends"` // LateSends counts mails begun after something took them back.
	Stuck      int `json:"stuck"`      // Stuck counts what waits at the end.

	Twice   int `json:"twice"`   // Twice counts transactional mails that arrived once more, as is allowed.
	Missing int `json:"missing"` // Missing did not arrive, and goen lists them as unknown.
	Refused int `json:"refused"` // Refused did not arrive because the mail server refused them for good.

	Kills       int            `json:"kills"`
	KillsBy     map[Phase]int  `json:"kills_by_phase"`
	Pauses      int            `json:"pauses"`
	Suspensions int            `json:"suspensions"`
	Restarts    int            `json:"restarts"`
	Cuts        int            `json:"cuts"`
	Faults      map[string]int `json:"smtp_faults"`
	Facts       int            `json:"facts"`   // Facts counts batches that the driver told.
	Workers     int            `json:"workers"` // Workers counts processes.
	Errors      int            `json:"errors"`  // Errors counts failures that workers logged and lived through.

	Store   string  `json:"store"`
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	// Violations are broken promises, in words.
	Violations []string `json:"violations"`
}

func newReport() *Report { return &Report{KillsBy: make(map[Phase]int), Violations: []string{}} }

// Broken reports whether a promise was broken.
func (r *Report) Broken() bool {
	return r.Lost+r.Duplicates+r.LateSends+r.Stuck+len(r.Violations) > 0
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d, %.0f s: %d batches of facts, %d workers\n", r.Store, r.Seed, r.Seconds, r.Facts, r.Workers)
	fmt.Fprintf(&b, "%d mails had to be sent, %d were taken back; %d were received, %d of them twice, %d refused, %d missing\n",
		r.Messages, r.Takeable, r.Received, r.Twice, r.Refused, r.Missing)
	fmt.Fprintf(&b, "lost %d, duplicates %d, late %d, stuck %d; %d attempts unknown\n", r.Lost, r.Duplicates, r.LateSends, r.Stuck, r.Unknown)
	kills, _ := json.Marshal(r.KillsBy)
	faults, _ := json.Marshal(r.Faults)
	fmt.Fprintf(&b, "%d kills %s, %d pauses, %d suspensions, %d restarts, %d cuts\nfaults %s\n",
		r.Kills, kills, r.Pauses, r.Suspensions, r.Restarts, r.Cuts, faults)
	for _, v := range r.Violations {
		fmt.Fprintln(&b, "BROKEN:", v)
	}
	return b.String()
}
