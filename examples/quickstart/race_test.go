//go:build race

package main

// raceDetector says that the tests run under it, which makes SQLite slow.
const raceDetector = true
