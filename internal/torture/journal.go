package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"sync"
)

// A Journal is a file of lines of JSON. A line is on disk when Write returns,
// so that nothing that follows from it is known earlier than the line.
type Journal struct {
	mu   sync.Mutex
	file *os.File
}

// OpenJournal makes the file at path.
func OpenJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return &Journal{file: file}, err
}

// Write adds a line, durably. It may be called from several goroutines.
func (j *Journal) Write(line any) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(b, '\n')); err != nil {
		return err
	}
	return j.file.Sync()
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// readJournal returns the lines of a journal.
func readJournal[T any](path string) (lines []T, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	decoder := json.NewDecoder(bufio.NewReader(file))
	for decoder.More() {
		var line T
		if err := decoder.Decode(&line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}
