package main

import (
	"path/filepath"
	"time"
)

// A Kind is what was done to the system.
type Kind string

// The kinds of incident.
const (
	Killed    Kind = "killed"    // a worker was killed
	Paused    Kind = "paused"    // a worker was stopped
	Resumed   Kind = "resumed"   // a worker that was stopped goes on
	Suspended Kind = "suspended" // the clock was moved on, as if all machines had been suspended
	Restarted Kind = "restarted" // the database was killed and started again
	Cut       Kind = "cut"       // the database's connections were cut
)

// An Incident is one thing that was done to the system.
type Incident struct {
	Kind   Kind          `json:"kind"`
	At     time.Time     `json:"at"` // At is the machine's time.
	Worker string        `json:"worker,omitempty"`
	Phase  Phase         `json:"phase,omitempty"` // Phase is where a worker was killed or stopped.
	By     time.Duration `json:"by,omitempty"`    // By is how far the clock was moved.
}

// Incidents is the list of all incidents of a run.
type Incidents struct{ journal *Journal }

const incidentFile = "incidents.jsonl"

// OpenIncidents makes the list in a run's directory.
func OpenIncidents(dir string) (*Incidents, error) {
	journal, err := OpenJournal(filepath.Join(dir, incidentFile))
	return &Incidents{journal}, err
}

// Note adds an incident that happens now.
func (i *Incidents) Note(incident Incident) error {
	incident.At = time.Now()
	return i.journal.Write(incident)
}

// Close closes the list's file.
func (i *Incidents) Close() error { return i.journal.Close() }
