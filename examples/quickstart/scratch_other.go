//go:build !linux

package main

// memoryFolder is "": only Linux has a folder in memory that is always there.
func memoryFolder() string { return "" }
